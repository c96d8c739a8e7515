"""URLs that a client uploads an image to, and fetches it from: AWS Signature Version 4 in the query.

Making one needs no network: S3 can be down. It is all that this service needs of S3,
and botocore would make the image larger by half.
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from urllib.parse import quote, urlsplit

VALIDITY = timedelta(minutes=15)


@dataclass(frozen=True, repr=False)
class Key:
    id: str
    secret: str
    region: str


class Bucket:
    def __init__(self, endpoint: str, name: str, key: Key):
        # The path style (HOST/BUCKET/KEY) needs no DNS name for each bucket.
        self._base, self._key = f"{endpoint}/{name}", key

    def put(self, name: str, content_type: str) -> dict:
        """The request that stores an object; its headers are signed, so they are sent unchanged."""
        return self._presigned("PUT", name, {"Content-Type": content_type})

    def get(self, name: str) -> dict:
        return self._presigned("GET", name, {})

    def _presigned(self, method: str, name: str, headers: dict[str, str]) -> dict:
        now = datetime.now(timezone.utc)
        url = presign(method, f"{self._base}/{quote(name)}", headers, self._key, now, VALIDITY)
        return {"method": method, "url": url, "headers": headers, "expires_at": now + VALIDITY}


def presign(
    method: str, url: str, headers: dict[str, str], key: Key, now: datetime, validity: timedelta
) -> str:
    """Add a signature to a URL that has no query and whose path is percent-encoded."""
    parts = urlsplit(url)
    time, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
    scope = f"{day}/{key.region}/s3/aws4_request"
    signed = {"host": parts.netloc, **{name.lower(): value for name, value in headers.items()}}
    names = sorted(signed)
    query = "&".join(
        f"{name}={quote(value, safe='-_.~')}"
        for name, value in [
            ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"),
            ("X-Amz-Credential", f"{key.id}/{scope}"),
            ("X-Amz-Date", time),
            ("X-Amz-Expires", str(int(validity.total_seconds()))),
            ("X-Amz-SignedHeaders", ";".join(names)),
        ]
    )
    request = "\n".join(
        [method, parts.path, query, *(f"{name}:{signed[name]}" for name in names), "", ";".join(names)]
        + ["UNSIGNED-PAYLOAD"]
    )
    digest = hashlib.sha256(request.encode()).hexdigest()
    secret = f"AWS4{key.secret}".encode()
    for step in (day, key.region, "s3", "aws4_request"):
        secret = _hmac(secret, step)
    signature = _hmac(secret, f"AWS4-HMAC-SHA256\n{time}\n{scope}\n{digest}").hex()
    return f"{url}?{query}&X-Amz-Signature={signature}"


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
