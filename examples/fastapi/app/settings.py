"""What the environment tells the service.

Every wrong variable is reported at once, and never a value or a part of one:
most of them are secrets, and logs travel far.
"""

import re
from dataclasses import dataclass
from typing import Callable, Mapping
from urllib.parse import parse_qsl, urlencode, urlsplit

# The size of HMAC-SHA-256's output in bytes: RFC 7518, section 3.2, allows no shorter key for HS256.
MIN_SECRET_KEY = 32


class Invalid(Exception):
    """The environment is not usable. `problems` has one line for each wrong variable."""

    def __init__(self, problems: list[str]):
        super().__init__("; ".join(problems))
        self.problems = problems


# No repr: a settings object in a traceback or a log must not show its secrets.
@dataclass(frozen=True, repr=False)
class Settings:
    jwt_secret_key: str
    owner_username: str
    owner_password: str
    database_url: str  # as asyncpg reads it
    s3_endpoint_url: str
    s3_bucket_name: str
    s3_access_key_id: str
    s3_secret_access_key: str
    s3_region: str


@dataclass(frozen=True)
class Variable:
    expected: str
    valid: Callable[[str], bool] = lambda value: True


def _is_database_url(value: str) -> bool:
    url = urlsplit(value)
    return (
        url.scheme in ("postgres", "postgresql", "postgresql+asyncpg")
        and bool(url.hostname and url.username and url.path.strip("/"))
        and url.port != 0  # reading the port also raises ValueError on one that is no number
    )


def _is_endpoint(value: str) -> bool:
    url = urlsplit(value)
    rest = url.username or url.path.strip("/") or url.query or url.fragment
    return url.scheme in ("http", "https") and bool(url.hostname) and not rest and url.port != 0


def _matches(pattern: str) -> Callable[[str], bool]:
    return lambda value: re.fullmatch(pattern, value) is not None


# What stands between the slashes of an S3 credential scope.
_token = _matches(r"[!-.0-~]+")

VARIABLES = {
    "JWT_SECRET_KEY": Variable(
        f"at least {MIN_SECRET_KEY} bytes", lambda value: len(value.encode()) >= MIN_SECRET_KEY
    ),
    "OWNER_USERNAME": Variable("the name that the owner logs in with"),
    "OWNER_PASSWORD": Variable("the password that the owner logs in with"),
    "DATABASE_URL": Variable(
        "postgresql://USER:PASSWORD@HOST:PORT/DATABASE, special characters percent-encoded"
        " (postgres:// and postgresql+asyncpg:// are accepted too)",
        _is_database_url,
    ),
    "S3_ENDPOINT_URL": Variable("http://HOST:PORT or https://HOST:PORT, without a path", _is_endpoint),
    "S3_BUCKET_NAME": Variable(
        "an S3 bucket name: 3 to 63 letters, digits, dots and hyphens",
        _matches(r"[A-Za-z0-9][A-Za-z0-9.-]{1,61}[A-Za-z0-9]"),
    ),
    "S3_ACCESS_KEY_ID": Variable("the ID of an S3 access key", _token),
    "S3_SECRET_ACCESS_KEY": Variable("the secret of that S3 access key"),
    "S3_REGION": Variable("an S3 region such as us-east-1", _token),
}


def load(environ: Mapping[str, str]) -> Settings:
    """Read all variables, or raise Invalid with everything that is wrong."""
    problems = [
        f"{name} {fault}: expected {variable.expected}"
        for name, variable in VARIABLES.items()
        if (fault := _fault(variable, environ.get(name)))
    ]
    if problems:
        raise Invalid(problems)
    values = {name.lower(): environ[name] for name in VARIABLES}
    values["database_url"] = _for_asyncpg(values["database_url"])
    values["s3_endpoint_url"] = values["s3_endpoint_url"].rstrip("/")
    return Settings(**values)


def _fault(variable: Variable, value: str | None) -> str:
    if value is None:
        return "is not set"
    if not value:
        return "is empty"
    if value.strip() != value:
        # Typical of a Secret that was made with `echo` instead of `printf`.
        return "begins or ends with white space"
    try:
        return "" if variable.valid(value) else "is malformed"
    except ValueError:  # urlsplit's text quotes the value, so it goes no further
        return "is malformed"


def _for_asyncpg(url: str) -> str:
    """SQLAlchemy's form names the driver in the scheme, and calls `ssl` what asyncpg calls `sslmode`."""
    parts = urlsplit(url)
    if parts.scheme != "postgresql+asyncpg":
        return url
    query = [("sslmode" if key == "ssl" else key, value) for key, value in parse_qsl(parts.query)]
    return parts._replace(scheme="postgresql", query=urlencode(query)).geturl()
