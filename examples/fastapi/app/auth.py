"""The one owner: checks the password, issues tokens and verifies them."""

import hashlib
import hmac
import time

import jwt

VALIDITY = 3600  # seconds
ALGORITHM = "HS256"
ISSUER = "reactbin"


class Owner:
    def __init__(self, username: str, password: str, key: str):
        self._username, self._password, self._key = username, password, key

    def matches(self, username: str, password: str) -> bool:
        """Compare in a time that depends on neither the values nor which of the two is wrong."""
        name = hmac.compare_digest(_digest(username), _digest(self._username))
        word = hmac.compare_digest(_digest(password), _digest(self._password))
        return name & word

    def token(self) -> str:
        now = int(time.time())
        claims = {"iss": ISSUER, "sub": self._username, "iat": now, "exp": now + VALIDITY}
        return jwt.encode(claims, self._key, algorithm=ALGORITHM)

    def verifies(self, token: str) -> bool:
        try:
            # The algorithm is fixed here: a token must not choose how it is checked.
            claims = jwt.decode(
                token,
                self._key,
                algorithms=[ALGORITHM],
                issuer=ISSUER,
                options={"require": ["exp", "iss", "sub"]},
            )
        except jwt.InvalidTokenError:
            return False
        return claims["sub"] == self._username


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
