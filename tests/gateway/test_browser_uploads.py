"""Uploads of forms to S3, as browsers send them and boto3 signs them."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

import pytest
from botocore.config import Config

from haar.identity.post_policy import check, read
from haar.kernel.errors import ApiError
from haar.testing import Running, running

BUCKET = "photos"
BOUNDARY = "----haarFormBoundary7MA4YWxk"
Post = dict[str, Any]
Sign = Callable[..., Post]


class Answer:
    """Status, headers and body of an answer."""

    def __init__(self, raw: Any) -> None:
        self.status: int = raw.status if hasattr(raw, "status") else raw.code
        self.headers = raw.headers
        self.text: str = raw.read().decode()


class Stay(HTTPRedirectHandler):
    """Follows no redirect."""

    def redirect_request(self, *_: Any) -> None:
        return None


def form(fields: dict[str, str], file: bytes | None, filename: str = "a.png") -> bytes:
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    if file is not None:
        head = (
            f"--{BOUNDARY}\r\n"
            f'Content-Disposition: form-data; name="file"; filename="{filename}"\r\n'
            "Content-Type: image/png\r\n\r\n"
        )
        parts += [head.encode(), file, b"\r\n"]
    return b"".join([*parts, f"--{BOUNDARY}--\r\n".encode()])


def send(url: str, body: bytes, **headers: str) -> Answer:
    media = f"multipart/form-data; boundary={BOUNDARY}"
    request = Request(url, body, {"Content-Type": media, **headers}, method="POST")
    try:
        return Answer(build_opener(Stay).open(request, timeout=30))
    except HTTPError as refused:
        return Answer(refused)


@pytest.fixture(scope="module")
def cloud() -> Iterator[Running]:
    with running() as started:
        started.client("s3").create_bucket(Bucket=BUCKET)
        yield started


@pytest.fixture(params=["s3v4", "s3"])
def sign(cloud: Running, request: pytest.FixtureRequest) -> Sign:
    """Make a form, signed with the signature of either version."""
    config = Config(signature_version=request.param, s3={"addressing_style": "path"})

    def make(key: str, **options: Any) -> Post:
        made: Post = cloud.client("s3", config=config).generate_presigned_post(
            BUCKET, key, **options
        )
        return made

    return make


def stored(cloud: Running, key: str) -> dict[str, Any]:
    answer = cloud.client("s3").get_object(Bucket=BUCKET, Key=key)
    return {**answer, "Body": answer["Body"].read()}


@pytest.mark.parametrize("size", [0, 5, 3_000_000])
def test_a_file_is_stored_under_the_key_of_the_form(cloud: Running, sign: Sign, size: int) -> None:
    """A short one and one that streams; the answer has its entity tag and no body."""
    body = bytes(n % 251 for n in range(size))
    made = sign(f"up/{size}")
    answer = send(made["url"], form(made["fields"], body))
    assert (answer.status, answer.text) == (204, "")
    found = stored(cloud, f"up/{size}")
    assert found["Body"] == body
    assert answer.headers["ETag"] == found["ETag"]
    assert answer.headers["Location"].endswith(f"/{BUCKET}/up/{size}")


def test_fields_become_the_objects_headers(cloud: Running, sign: Sign) -> None:
    """Content type and metadata of the form; the file's name where the key asks for it."""
    fields = {"Content-Type": "image/png", "x-amz-meta-who": "ann", "x-ignore-me": "x"}
    conditions = [
        ["starts-with", "$Content-Type", "image/"],
        {"x-amz-meta-who": "ann"},
    ]
    made = sign("user/${filename}", Fields=fields, Conditions=conditions)
    answer = send(made["url"], form(made["fields"], b"png", r"C:\\pictures\\café 1.png"))
    assert answer.status == 204
    found = stored(cloud, "user/café 1.png")
    assert (found["ContentType"], found["Metadata"]) == ("image/png", {"who": "ann"})


@pytest.mark.parametrize(("status", "told"), [("200", 200), ("201", 201), ("204", 204), ("9", 204)])
def test_the_form_chooses_the_status(sign: Sign, status: str, told: int) -> None:
    """201 comes with a document that names the object."""
    made = sign(
        "chosen",
        Fields={"success_action_status": status},
        Conditions=[{"success_action_status": status}],
    )
    answer = send(made["url"], form(made["fields"], b"x"))
    assert answer.status == told
    assert ("<Key>chosen</Key>" in answer.text) is (told == 201)
    assert ("<PostResponse>" in answer.text) is (told == 201)


def test_the_form_may_send_the_browser_elsewhere(sign: Sign) -> None:
    """With bucket, key and entity tag; an address that is none is as if it were not there."""
    for url, status in (("https://example.com/done?a=b", 303), ("javascript:alert(1)", 204)):
        made = sign(
            "back",
            Fields={"success_action_redirect": url},
            Conditions=[["starts-with", "$success_action_redirect", ""]],
        )
        answer = send(made["url"], form(made["fields"], b"x"))
        assert answer.status == status
        if status == 303:
            told = parse_qs(urlsplit(answer.headers["Location"]).query)
            assert told["a"] == ["b"]
            assert (told["bucket"], told["key"]) == ([BUCKET], ["back"])
            assert told["etag"] == [answer.headers["ETag"]]


def changed(made: Post, **fields: str) -> dict[str, str]:
    return {**made["fields"], **{name.replace("_", "-"): text for name, text in fields.items()}}


def code_of(answer: Answer) -> str:
    return answer.text.partition("<Code>")[2].partition("<")[0]


def test_what_was_signed_cannot_be_changed(cloud: Running, sign: Sign) -> None:
    """Another key, another field, another policy, another signature: nothing is stored."""
    made = sign("mine")
    policy = json.loads(base64.b64decode(made["fields"]["policy"]))
    policy["conditions"] = [["starts-with", "$key", ""]]
    forged = base64.b64encode(json.dumps(policy).encode()).decode()
    name = "x-amz-signature" if "x-amz-signature" in made["fields"] else "signature"
    proof = made["fields"][name]
    other = "1" if proof[0] == "0" else "0"
    for fields, code, text in (
        (changed(made, key="theirs"), "AccessDenied", "Policy Condition failed"),
        (changed(made, x_amz_meta_a="b"), "AccessDenied", "Extra input fields: x-amz-meta-a"),
        (changed(made, policy=forged), "SignatureDoesNotMatch", ""),
        ({**made["fields"], name: other + proof[1:]}, "SignatureDoesNotMatch", ""),
        ({**made["fields"], "policy": ""}, "", ""),
    ):
        answer = send(made["url"], form(fields, b"x"))
        assert 400 <= answer.status < 500
        assert code in answer.text
        assert text in answer.text
    listed = cloud.client("s3").list_objects_v2(Bucket=BUCKET, Prefix="mine")
    assert listed["KeyCount"] == 0
    answer = send(made["url"].replace(BUCKET, "others"), form(made["fields"], b"x"))
    assert code_of(answer) == "AccessDenied"


def test_nobody_is_refused(cloud: Running) -> None:
    """A form without a proof, with an unknown key, or with a session that is none."""
    url = f"{cloud.endpoint}/{BUCKET}"
    answer = send(url, form({"key": "k"}, b"x"))
    assert (answer.status, code_of(answer)) == (403, "AccessDenied")
    strange = cloud.client("s3", aws_access_key_id="AKIAIOSFODNN7EXAMPLE")
    made = strange.generate_presigned_post(BUCKET, "k")
    assert code_of(send(url, form(made["fields"], b"x"))) == "InvalidAccessKeyId"
    session = cloud.client("s3", aws_session_token="AAAA")
    made = session.generate_presigned_post(BUCKET, "k")
    assert code_of(send(url, form(made["fields"], b"x"))) == "InvalidToken"


def test_sessions_sign_forms(cloud: Running) -> None:
    """With their token in the form."""
    keys = cloud.client("sts").get_session_token()["Credentials"]
    s3 = cloud.client(
        "s3",
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )
    made = s3.generate_presigned_post(BUCKET, "session")
    assert send(f"{cloud.endpoint}/{BUCKET}", form(made["fields"], b"x")).status == 204


@pytest.mark.parametrize(
    ("size", "code"), [(0, "EntityTooSmall"), (11, "EntityTooLarge"), (2_000_000, "EntityTooLarge")]
)
def test_the_size_is_held_to(cloud: Running, sign: Sign, size: int, code: str) -> None:
    """A file that is too short or too long is not stored."""
    made = sign(f"sized/{size}", Conditions=[["content-length-range", 1, 10]])
    answer = send(made["url"], form(made["fields"], bytes(size)))
    assert (answer.status, code_of(answer)) == (400, code)
    assert cloud.client("s3").list_objects_v2(Bucket=BUCKET, Prefix="sized")["KeyCount"] == 0


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "MalformedPOSTRequest"),
        (b"no form at all", "MalformedPOSTRequest"),
        (form({"key": "k"}, None), "IncorrectNumberOfFilesInPostRequest"),
        (form({}, b"x"), "InvalidArgument"),
        (form({"key": "k" * 30_000}, b"x"), "MaxPostPreDataLengthExceeded"),
        (form({f"f{n}": "x" * 2000 for n in range(20)}, b"x"), "MaxPostPreDataLengthExceeded"),
        (form({"key": "k"}, b"x")[:-30], "AccessDenied"),
        (form({}, b"x").replace(b'"file"', b'"\xff"'), "MalformedPOSTRequest"),
    ],
)
def test_a_broken_form_is_refused(cloud: Running, body: bytes, code: str) -> None:
    """Each in S3's words, and never with a 500."""
    answer = send(f"{cloud.endpoint}/{BUCKET}", body)
    assert code_of(answer) == code
    assert 400 <= answer.status < 500


def test_a_form_that_breaks_off_stores_nothing(cloud: Running, sign: Sign) -> None:
    """Without the last boundary the file is not known to be whole."""
    made = sign("broken")
    answer = send(made["url"], form(made["fields"], b"x" * 100)[:-40])
    assert (answer.status, code_of(answer)) == (400, "MalformedPOSTRequest")
    assert cloud.client("s3").list_objects_v2(Bucket=BUCKET, Prefix="broken")["KeyCount"] == 0


def test_a_header_cannot_be_smuggled_in(cloud: Running, sign: Sign) -> None:
    """A field with a line end would become a header of an answer."""
    made = sign(
        "smuggled",
        Fields={"x-amz-meta-a": "b"},
        Conditions=[["starts-with", "$x-amz-meta-a", "b"]],
    )
    fields = changed(made, x_amz_meta_a="b\r\nset-cookie: c")
    assert code_of(send(made["url"], form(fields, b"x"))) == "InvalidArgument"


def test_an_upload_is_audited_as_what_it_is(cloud: Running, sign: Sign) -> None:
    """The record names PutObject, the caller and the object."""
    made = sign("audited")
    send(made["url"], form(made["fields"], b"x"))
    record = cloud.app.audit.recent()[-1]
    assert (record.operation, record.error) == ("PutObject", "")
    assert record.resources == (f"arn:aws:s3:::{BUCKET}/audited",)
    assert record.principal.endswith(":root")


def policy(conditions: object, expiration: object = "2026-01-01T00:00:00.000Z") -> str:
    document = {"expiration": expiration, "conditions": conditions}
    return base64.b64encode(json.dumps(document).encode()).decode()


@pytest.mark.parametrize(
    "encoded",
    [
        "",
        "?",
        base64.b64encode(b"{").decode(),
        base64.b64encode(b"[]").decode(),
        base64.b64encode(b"[" * 100_000).decode(),
        policy(None),
        policy([]).replace("e", "f", 1),
        policy([], None),
        policy([], "soon"),
        policy([["eq", "key", "x"]]),
        policy([["like", "$key", "x"]]),
        policy([["eq", "$key"]]),
        policy(["key"]),
        policy([{"key": None}]),
        policy([["content-length-range", "a", 2]]),
        policy([["content-length-range", -1, 2]]),
    ],
)
def test_what_is_no_policy_is_refused(encoded: str) -> None:
    """Whatever is wrong with it, and however deep it is."""
    with pytest.raises(ApiError) as refused:
        read(encoded)
    assert refused.value.code == "InvalidPolicyDocument"


NOW_MS = 1_767_225_599_000  # 2025-12-31T23:59:59Z


@pytest.mark.parametrize(
    ("conditions", "fields", "is_allowed"),
    [
        ([{"key": "a"}], {"key": "a"}, True),
        ([{"key": "a"}], {"key": "b"}, False),
        ([{"Key": "a"}], {"key": "a"}, True),
        ([["eq", "$key", "a"]], {"key": "a"}, True),
        ([["EQ", "$key", "a"]], {"key": "ab"}, False),
        ([["starts-with", "$key", "a"]], {"key": "ab"}, True),
        ([["starts-with", "$key", ""]], {"key": "x"}, True),
        ([["starts-with", "$key", ""]], {}, False),
        ([["starts-with", "$content-type", "image/"]], {"content-type": "image/a,image/b"}, True),
        ([["starts-with", "$content-type", "image/"]], {"content-type": "image/a,text/b"}, False),
        ([{"key": "a"}], {"key": "a", "acl": "x"}, False),
        ([{"key": "a"}], {"key": "a", "x-ignore-a": "x"}, True),
        ([{"key": "a"}, {"acl": "x"}], {"key": "a"}, False),
        ([{"key": "a"}, {"key": "b"}], {"key": "a"}, False),
        ([{"success_action_status": 201}], {"success_action_status": "201"}, True),
        ([{"bucket": "b"}], {"bucket": "b"}, True),
        ([{"bucket": "b"}], {"bucket": "c"}, False),
        ([], {"bucket": "c", "policy": "p", "signature": "s", "awsaccesskeyid": "k"}, True),
    ],
)
def test_a_policy_allows(conditions: Any, fields: dict[str, str], is_allowed: bool) -> None:
    """Every field has its condition, every condition is met."""
    found = read(policy(conditions))
    if is_allowed:
        check(found, fields, NOW_MS)
        return
    with pytest.raises(ApiError, match="Invalid according to Policy"):
        check(found, fields, NOW_MS)


def test_a_policy_ends() -> None:
    """A second after its expiration a form is good for nothing."""
    check(read(policy([])), {}, NOW_MS + 1000)
    with pytest.raises(ApiError, match="Policy expired"):
        check(read(policy([])), {}, NOW_MS + 1001)
