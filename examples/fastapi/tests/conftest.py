import pytest


@pytest.fixture
def environ() -> dict[str, str]:
    """A valid environment."""
    return {
        "JWT_SECRET_KEY": "an example key of 32 bytes and more",
        "OWNER_USERNAME": "owner",
        "OWNER_PASSWORD": "correct horse",
        "DATABASE_URL": "postgresql+asyncpg://reactbin:battery%20staple@postgres:5432/reactbin?ssl=disable",
        "S3_ENDPOINT_URL": "http://s3:9000/",
        "S3_BUCKET_NAME": "reactions",
        "S3_ACCESS_KEY_ID": "EXAMPLEID",
        "S3_SECRET_ACCESS_KEY": "example secret",
        "S3_REGION": "us-east-1",
    }
