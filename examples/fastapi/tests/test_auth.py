import jwt

from app.auth import Owner

KEY = "an example key of 32 bytes and more"


def test_matches():
    owner = Owner("owner", "correct horse", KEY)
    assert owner.matches("owner", "correct horse")
    assert not owner.matches("owner", "wrong")
    assert not owner.matches("other", "correct horse")


def test_token():
    owner = Owner("owner", "correct horse", KEY)
    token = owner.token()
    assert owner.verifies(token)
    assert not owner.verifies(token[:-2])
    assert not Owner("other", "", KEY).verifies(token)
    assert not Owner("owner", "", KEY[::-1]).verifies(token)


def test_foreign_tokens():
    owner = Owner("owner", "correct horse", KEY)
    claims = {"iss": "reactbin", "sub": "owner", "exp": 2**40}
    assert owner.verifies(jwt.encode(claims, KEY, algorithm="HS256"))
    assert not owner.verifies(jwt.encode({**claims, "exp": 1}, KEY, algorithm="HS256"))
    assert not owner.verifies(jwt.encode({**claims, "iss": "other"}, KEY, algorithm="HS256"))
    assert not owner.verifies(jwt.encode({"iss": "reactbin", "sub": "owner"}, KEY, algorithm="HS256"))
    assert not owner.verifies(jwt.encode(claims, KEY + KEY, algorithm="HS512"))
    assert not owner.verifies(jwt.encode(claims, None, algorithm="none"))
