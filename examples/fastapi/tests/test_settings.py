import os
import subprocess
import sys
from pathlib import Path

import pytest

from app import settings

PROJECT = Path(__file__).parent.parent


def problems(environ) -> list[str]:
    with pytest.raises(settings.Invalid) as caught:
        settings.load(environ)
    return caught.value.problems


def test_valid(environ):
    loaded = settings.load(environ)
    assert loaded.database_url == "postgresql://reactbin:battery%20staple@postgres:5432/reactbin?sslmode=disable"
    assert loaded.s3_endpoint_url == "http://s3:9000"
    assert loaded.owner_password == "correct horse"


def test_plain_database_url_is_kept(environ):
    environ["DATABASE_URL"] = "postgres://u:p@db/name?sslmode=require"
    assert settings.load(environ).database_url == "postgres://u:p@db/name?sslmode=require"


def test_empty_environment_names_every_variable():
    found = problems({})
    assert [line.split()[0] for line in found] == list(settings.VARIABLES)
    assert all("is not set" in line for line in found)


@pytest.mark.parametrize("name", settings.VARIABLES)
def test_missing_and_blank(environ, name):
    value = environ.pop(name)
    assert problems(environ)[0].startswith(f"{name} is not set: expected ")
    environ[name] = ""
    assert problems(environ)[0].startswith(f"{name} is empty: expected ")
    environ[name] = value + "\n"
    assert problems(environ)[0].startswith(f"{name} begins or ends with white space: expected ")


@pytest.mark.parametrize(
    "name, value",
    [
        ("JWT_SECRET_KEY", "too-short"),
        ("DATABASE_URL", "mysql://reactbin:hunter2@postgres/reactbin"),
        ("DATABASE_URL", "postgresql://reactbin:hunter2@postgres"),
        ("DATABASE_URL", "postgresql://reactbin:hunter2@postgres:port/reactbin"),
        ("DATABASE_URL", "postgresql://reactbin:hunter2@[postgres/reactbin"),
        ("DATABASE_URL", "hunter2"),
        ("S3_ENDPOINT_URL", "s3:9000"),
        ("S3_ENDPOINT_URL", "http://s3:9000/path"),
        ("S3_ENDPOINT_URL", "http://user@s3:9000"),
        ("S3_BUCKET_NAME", "no spaces"),
        ("S3_ACCESS_KEY_ID", "a/b"),
        ("S3_REGION", "us east"),
    ],
)
def test_malformed_is_named_and_not_quoted(environ, name, value):
    environ[name] = value
    [problem] = problems(environ)
    assert problem.startswith(f"{name} is malformed: expected ")
    assert value not in problem and "hunter2" not in problem


def test_settings_do_not_show_their_values(environ):
    assert "correct horse" not in repr(settings.load(environ))


def test_process_ends_at_once(environ):
    del environ["OWNER_USERNAME"]
    environ["S3_REGION"] = "us east"
    run = subprocess.run(
        [sys.executable, "-m", "app"],
        env={"PATH": os.environ["PATH"], **environ},
        cwd=PROJECT,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 1
    assert run.stdout == ""
    lines = run.stderr.splitlines()
    assert [line.split()[2] for line in lines] == ["OWNER_USERNAME", "S3_REGION"]
