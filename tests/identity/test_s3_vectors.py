"""The worked examples of AWS's S3 documentation."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

import pytest

from haar.identity.chunks import ChunkChain
from haar.identity.mac import Mac
from haar.identity.sigv4 import Authenticated, ChunkSigning, Verifier
from haar.kernel.clock import VirtualClock
from haar.kernel.errors import ApiError
from haar.wire.http import HttpRequest

Make = Callable[..., HttpRequest]

DAY_MS = 1_369_353_600_000  # 2013-05-24T00:00:00Z
ACCESS_KEY = "AKIAIOSFODNN7EXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
SCOPE = f"{ACCESS_KEY}/20130524/us-east-1/s3/aws4_request"
KEY = "dbb893acc010964918f1fd433add87c70e8b0db6be30c1fbeafefa5ec6ba8378"
EMPTY = sha256(b"").hexdigest()


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(DAY_MS)


@pytest.fixture
def verifier(known_keys: Callable[..., object], clock: VirtualClock) -> Verifier:
    return Verifier(known_keys(**{ACCESS_KEY: SECRET}), clock)


def upload(make: Make, signature: str, **headers: str) -> HttpRequest:
    listed = {
        "host": "s3.amazonaws.com",
        "x-amz-date": "20130524T000000Z",
        "content-encoding": "aws-chunked",
        "x-amz-decoded-content-length": "66560",
        "x-amz-storage-class": "REDUCED_REDUNDANCY",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    names = ";".join(sorted(listed))
    listed["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={SCOPE}, SignedHeaders={names}, Signature={signature}"
    )
    pairs = [(name.encode(), value.encode()) for name, value in listed.items()]
    return make("PUT", b"/examplebucket/chunkObject.txt", b"", pairs)


def chain(chunks: ChunkSigning | None, *links: tuple[bytes, str]) -> ChunkChain:
    """Return a chain that has taken these chunks with their signatures."""
    assert chunks is not None
    made = ChunkChain(chunks)
    for piece, signature in links:
        made.verify_chunk(sha256(piece).hexdigest(), signature)
    return made


def verified(verifier: Verifier, request: HttpRequest) -> Authenticated:
    return verifier.verify(request, service="s3", family="rest-xml")


def test_an_upload_in_signed_chunks_hands_out_what_the_chunks_continue_from(
    verifier: Verifier, make: Make
) -> None:
    """Seed, signing key, stamp and scope give the signatures of AWS's example."""
    request = upload(
        make,
        "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
        content_length="66824",
        x_amz_content_sha256="STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
    )
    who = verified(verifier, request)
    assert who.chunks is not None
    assert who.is_chunked
    assert not who.chunks.has_trailer
    assert isinstance(who.chunks.key, Mac)
    assert who.chunks.key.hex(b"") == Mac(bytes.fromhex(KEY)).hex(b"")
    first, second, last = (
        (b"a" * 65536, "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648"),
        (b"a" * 1024, "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497"),
        (b"", "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"),
    )
    chain(who.chunks, first, second, last)
    for wrong in (
        [(b"b" * 65536, first[1])],
        [second],
        [first, last],
        [first, first],
        [first, (second[0], first[1])],
        [first, second, (b"", "")],
        [first, second, (b"", "é" * 64)],
    ):
        with pytest.raises(ApiError) as refused:
            chain(who.chunks, *wrong)
        assert refused.value.code == "SignatureDoesNotMatch"


def test_an_upload_with_a_signed_trailer_says_so(verifier: Verifier, make: Make) -> None:
    """The example with a trailer: another seed, and the reader must expect a signature more."""
    request = upload(
        make,
        "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e",
        x_amz_content_sha256="STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
        x_amz_trailer="x-amz-checksum-crc32c",
    )
    who = verified(verifier, request)
    assert who.chunks is not None
    assert who.chunks.has_trailer
    made = chain(
        who.chunks,
        (b"a" * 65536, "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2"),
        (b"a" * 1024, "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7"),
        (b"", "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992"),
    )
    signature = "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435"
    with pytest.raises(ApiError):
        made.verify_trailer(sha256(b"x-amz-checksum-crc32c:AAAAAA==\n").hexdigest(), signature)
    made.verify_trailer(sha256(b"x-amz-checksum-crc32c:sOO8/Q==\n").hexdigest(), signature)


LINK = (
    f"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={SCOPE.replace('/', '%2F')}"
    "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
    "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
)


def link(make: Make, query: str = LINK) -> HttpRequest:
    host = [(b"host", b"examplebucket.s3.amazonaws.com")]
    return make("GET", b"/test.txt", query.encode(), host)


@pytest.mark.parametrize("after_s", [0, 86_400])
def test_a_presigned_link_works_until_it_expires(
    verifier: Verifier, clock: VirtualClock, make: Make, after_s: int
) -> None:
    """AWS's example of a presigned link verifies for the whole of its day."""
    clock.advance(after_s * 1000)
    assert verified(verifier, link(make)).principal.access_key_id == ACCESS_KEY


def test_a_presigned_link_ends(verifier: Verifier, clock: VirtualClock, make: Make) -> None:
    """A second after its day the link is refused, as S3 words it."""
    clock.advance(86_401_000)
    with pytest.raises(ApiError, match="Request has expired") as refused:
        verified(verifier, link(make))
    assert (refused.value.code, refused.value.status) == ("AccessDenied", 403)


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("Expires=86400", "Expires=86401", "SignatureDoesNotMatch"),
        ("Expires=86400", "Expires=604801", "AuthorizationQueryParametersError"),
        ("Expires=86400", "Expires=-1", "AuthorizationQueryParametersError"),
        ("Expires=86400", "Expires=soon", "AuthorizationQueryParametersError"),
        ("SignedHeaders=host", "SignedHeaders=date", "AccessDenied"),
        ("SHA256&", "SHA512&", "AuthorizationQueryParametersError"),
        ("20130524T000000Z", "tomorrow", "AuthorizationQueryParametersError"),
        ("us-east-1", "us-east-2", "SignatureDoesNotMatch"),
        ("us-east-1", "moon", "AuthorizationHeaderMalformed"),
        (ACCESS_KEY, "AKIAIOSFODNN7STRANGER", "InvalidAccessKeyId"),
        ("&X-Amz-Date=20130524T000000Z", "", "AuthorizationQueryParametersError"),
        ("&X-Amz-Expires=86400", "", "AuthorizationQueryParametersError"),
        ("%2Fus-east-1", "", "AuthorizationQueryParametersError"),
    ],
)
def test_a_changed_link_is_refused(
    verifier: Verifier, make: Make, old: str, new: str, code: str
) -> None:
    """Whatever is changed in a link, it is nobody's."""
    assert old in LINK
    with pytest.raises(ApiError) as refused:
        verified(verifier, link(make, LINK.replace(old, new)))
    assert refused.value.code == code
