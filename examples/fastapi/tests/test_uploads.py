from datetime import datetime, timedelta, timezone
from urllib.parse import parse_qs, urlsplit

from app.uploads import Bucket, Key, presign


def test_example_of_the_aws_documentation():
    """Amazon S3 API reference, "Authenticating Requests: Using Query Parameters"."""
    url = presign(
        "GET",
        "https://examplebucket.s3.amazonaws.com/test.txt",
        {},
        Key("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "us-east-1"),
        datetime(2013, 5, 24, tzinfo=timezone.utc),
        timedelta(days=1),
    )
    signature = "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
    assert parse_qs(urlsplit(url).query)["X-Amz-Signature"] == [signature]


def test_put_signs_the_content_type():
    request = Bucket("http://s3:9000", "reactions", Key("ID", "secret", "us-east-1")).put("a/b", "image/png")
    url = urlsplit(request["url"])
    assert (request["method"], url.netloc, url.path) == ("PUT", "s3:9000", "/reactions/a/b")
    assert parse_qs(url.query)["X-Amz-SignedHeaders"] == ["content-type;host"]
    assert request["headers"] == {"Content-Type": "image/png"}
