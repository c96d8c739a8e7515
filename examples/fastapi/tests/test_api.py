import pytest
from fastapi.testclient import TestClient

from app import settings
from app.api import create_app


@pytest.fixture
def client(environ):
    """The service without its database: nothing listens on port 1."""
    environ["DATABASE_URL"] = "postgresql://reactbin:battery@127.0.0.1:1/reactbin"
    with TestClient(create_app(settings.load(environ))) as client:
        yield client


def test_lives_without_a_database(client):
    assert client.get("/api/v1/health").status_code == 200


def test_is_not_ready_without_a_database(client):
    answer = client.get("/api/v1/ready")
    assert answer.status_code == 503
    assert answer.json() == {"detail": "database: ConnectionRefusedError"}
    assert client.get("/api/v1/reactions").status_code == 503


def test_writing_takes_the_owners_token(client):
    draft = {"name": "shrug", "tags": ["Meh"], "content_type": "image/png"}
    assert client.post("/api/v1/reactions", json=draft).status_code == 401

    wrong = {"username": "owner", "password": "wrong"}
    assert client.post("/api/v1/auth/token", json=wrong).status_code == 401
    login = client.post("/api/v1/auth/token", json={"username": "owner", "password": "correct horse"})
    bearer = {"Authorization": f"Bearer {login.json()['access_token']}"}

    assert client.post("/api/v1/reactions", json=draft, headers=bearer).status_code == 503
    for change in [{"name": " "}, {"name": "a\0b"}, {"content_type": "text/html"}, {"tags": [""]}]:
        answer = client.post("/api/v1/reactions", json={**draft, **change}, headers=bearer)
        assert answer.status_code == 422
