"""What botocore signs, haar verifies: the signer of boto3 and of the AWS CLI as the oracle."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest
from botocore.auth import (
    BaseSigner,
    HmacV1QueryAuth,
    S3SigV4Auth,
    S3SigV4QueryAuth,
    SigV4Auth,
    SigV4QueryAuth,
)
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as Keys
from hypothesis import given, settings
from hypothesis import strategies as st

from haar.identity.sigv4 import Verifier
from haar.kernel.clock import SystemClock, VirtualClock
from haar.kernel.errors import ApiError
from haar.wire.http import HttpRequest

Make = Callable[..., HttpRequest]

ACCESS_KEY = "AKIDEXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
KEYS = Keys(ACCESS_KEY, SECRET)
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=12)


@pytest.fixture(scope="module")
def verifier(known_keys: Callable[..., Any]) -> Verifier:
    return Verifier(known_keys(**{ACCESS_KEY: SECRET}), SystemClock())


def signed(
    signer: BaseSigner, method: str, url: str, body: bytes = b"", **headers: str
) -> AWSRequest:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    request = AWSRequest(method, url, headers=names, data=body)
    if isinstance(signer, S3SigV4Auth):
        request.context["client_config"] = None
    signer.add_auth(request)
    return request


def received(make: Make, request: AWSRequest) -> HttpRequest:
    """Return the request as the server reads it from the socket."""
    prepared = request.prepare()
    _, _, rest = prepared.url.partition("://")
    host, slash, target = rest.partition("/")
    path, _, query = (slash + target).partition("?")
    pairs = [(b"host", host.encode())]
    for name, value in prepared.headers.items():
        raw = value if isinstance(value, bytes) else value.encode()
        pairs.append((name.lower().encode(), raw))
    body = prepared.body or b""
    body = body.encode() if isinstance(body, str) else body
    return make(prepared.method, (path or "/").encode(), query.encode(), pairs, body)


def quoted(text: str, safe: str = "/~") -> str:
    from botocore.utils import percent_encode  # noqa: PLC0415  # as its serializers do

    return str(percent_encode(text, safe=safe))


@settings(deadline=None)
@given(path=TEXT, name=TEXT.filter(bool), value=TEXT, header=TEXT, body=st.binary(max_size=50))
def test_what_botocore_signs_by_header_verifies(  # one for all cases, to reuse the verifier
    verifier: Verifier, make: Make, path: str, name: str, value: str, header: str, body: bytes
) -> None:
    """Whatever is in path, query, header and body, the signature of a REST request verifies."""
    url = (
        f"http://127.0.0.1:4566/2015-03-31/functions/{quoted(path, '')}/x"
        f"?{quoted(name, '')}={quoted(value, '')}&a=b"
    )
    signer = SigV4Auth(KEYS, "lambda", "eu-west-1")
    kept = header.encode("ascii", "ignore").decode().strip()
    request = received(make, signed(signer, "POST", url, body, x_custom=kept))
    who = verifier.verify(request, service="lambda", family="rest-json")
    assert (who.principal.access_key_id, who.scope.region) == (ACCESS_KEY, "eu-west-1")


@settings(deadline=None)
@given(key=TEXT, body=st.binary(max_size=50))
def test_what_botocore_signs_for_s3_verifies(
    verifier: Verifier, make: Make, key: str, body: bytes
) -> None:
    """Keys of any letters, with dots and slashes, are signed as they are sent."""
    url = f"http://127.0.0.1:4566/bucket/a//./{quoted(key)}"
    signer = S3SigV4Auth(KEYS, "s3", "us-east-1")
    request = received(make, signed(signer, "PUT", url, body, content_md5="x"))
    verifier.verify(request, service="s3", family="rest-xml")
    request.body = body + b"!"
    with pytest.raises(ApiError) as refused:
        verifier.verify(request, service="s3", family="rest-xml")
    assert refused.value.code == "XAmzContentSHA256Mismatch"


@pytest.mark.parametrize("token", [None, "a+token/with=signs"])
@pytest.mark.parametrize("signer", [S3SigV4QueryAuth, HmacV1QueryAuth])
@pytest.mark.parametrize(
    "target",
    [
        "bucket/key",
        "bucket/a%20b%2Bc~(d)/e",
        "bucket/key?versionId=a%2Fb&response-content-type=text%2Fplain&x-id=GetObject",
        "bucket/key?uploads",
        "bucket/key?partNumber=2&uploadId=abc.def",
    ],
)
def test_links_verify_for_a_while_and_for_what_was_signed(
    verifier: Verifier, make: Make, signer: type[Any], token: str | None, target: str
) -> None:
    """Presigned links of both versions verify, with and without a session; nothing may change."""
    keys = Keys(ACCESS_KEY, SECRET, token)
    made = (
        signer(keys, expires=60)
        if signer is HmacV1QueryAuth
        else signer(keys, "s3", "us-east-1", expires=60)
    )
    link = signed(made, "GET", f"http://127.0.0.1:4566/{target}")
    request = received(make, link)
    verifier.verify(request, service="s3", family="rest-xml")
    for changed in ("method", "path", "query"):
        other = received(make, link)
        if changed == "method":
            other.method = "PUT"
        elif changed == "path":
            other.path += b"x"
        else:
            other.query = other.query.replace(b"Expires=", b"Expires=1")
        with pytest.raises(ApiError):
            verifier.verify(other, service="s3", family="rest-xml")


def test_a_link_may_tell_its_body(verifier: Verifier, make: Make) -> None:
    """A hash in the query is kept to, and a word in its place is S3's alone."""
    told = sha256(b"body").hexdigest()
    base = "http://127.0.0.1/bucket/key?X-Amz-Content-Sha256="
    link = signed(S3SigV4QueryAuth(KEYS, "s3", "us-east-1"), "PUT", base + told)
    request = received(make, link)
    with pytest.raises(ApiError):  # botocore signs UNSIGNED-PAYLOAD whatever the query says
        verifier.verify(request, service="s3", family="rest-xml")
    link = signed(S3SigV4QueryAuth(KEYS, "s3", "us-east-1"), "PUT", base + "UNSIGNED-PAYLOAD")
    verifier.verify(received(make, link), service="s3", family="rest-xml")
    told = sha256(b"").hexdigest()  # what botocore signs for other services
    base = "http://127.0.0.1/?X-Amz-Content-Sha256="
    link = signed(SigV4QueryAuth(KEYS, "sts", "us-east-1"), "GET", base + told)
    request = received(make, link)
    verifier.verify(request, service="sts", family="query")
    request.body = b"Action=AssumeRole"
    with pytest.raises(ApiError, match="does not match what was computed"):
        verifier.verify(request, service="sts", family="query")
    link = signed(SigV4QueryAuth(KEYS, "sts", "us-east-1"), "GET", base + "UNSIGNED-PAYLOAD")
    with pytest.raises(ApiError, match="must be the SHA-256"):
        verifier.verify(received(make, link), service="sts", family="query")


def test_an_old_link_ends(known_keys: Callable[..., Any], make: Make) -> None:
    """A second after its expiry a link of version 2 is refused."""
    clock = VirtualClock(SystemClock().now_ms())
    verifier = Verifier(known_keys(**{ACCESS_KEY: SECRET}), clock, region="eu-west-1")
    link = signed(HmacV1QueryAuth(KEYS, expires=60), "GET", "http://127.0.0.1/bucket/key")
    request = received(make, link)
    clock.advance(58_000)
    assert verifier.verify(request, service="s3", family="rest-xml").scope.region == "eu-west-1"
    clock.advance(4_000)
    with pytest.raises(ApiError, match="Request has expired"):
        verifier.verify(request, service="s3", family="rest-xml")


def test_an_old_link_of_a_host_names_its_bucket(verifier: Verifier, make: Make) -> None:
    """Where the bucket stands in the host name it is part of what was signed."""
    url = "http://photos.localhost:4566/key"
    request = AWSRequest("GET", url)
    request.auth_path = "/photos/key"
    HmacV1QueryAuth(KEYS, expires=60).add_auth(request)
    link = received(make, request)
    verifier.verify(link, service="s3", family="rest-xml", bucket="photos")
    with pytest.raises(ApiError):
        verifier.verify(link, service="s3", family="rest-xml", bucket="others")


def test_old_links_are_s3s_alone(verifier: Verifier, make: Make) -> None:
    """No other service takes Signature Version 2."""
    link = signed(HmacV1QueryAuth(KEYS, expires=60), "GET", "http://127.0.0.1/")
    with pytest.raises(ApiError) as refused:
        verifier.verify(received(make, link), service="sts", family="query")
    assert refused.value.code == "MissingAuthenticationToken"


def test_a_link_to_another_service_verifies(verifier: Verifier, make: Make) -> None:
    """STS is asked by link too: the body's hash is part of that signature."""
    url = "http://127.0.0.1/?Action=GetCallerIdentity&Version=2011-06-15"
    link = signed(SigV4QueryAuth(KEYS, "sts", "us-east-1", expires=60), "GET", url)
    request = received(make, link)
    verifier.verify(request, service="sts", family="query")
    request.body = b"Action=AssumeRole"
    with pytest.raises(ApiError) as refused:
        verifier.verify(request, service="sts", family="query")
    assert refused.value.code == "SignatureDoesNotMatch"
