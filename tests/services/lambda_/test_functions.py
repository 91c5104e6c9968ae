"""Functions, through boto3: their life, their settings, what is refused."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from haar.kit.call import Scope
from haar.services.lambda_.errors import InvalidParameterValue
from haar.testing import Running, running

ARN = "arn:aws:lambda:us-east-1:000000000000:function:tested"


def refusal(call: Callable[[], object]) -> tuple[str, str, int]:
    """Return code, message and status of what a call is refused with."""
    with pytest.raises(ClientError) as caught:
        call()
    error = caught.value.response
    return (
        error["Error"]["Code"],
        error["Error"]["Message"],
        error["ResponseMetadata"]["HTTPStatusCode"],
    )


def test_a_new_function_is_active_and_told_whole(client: Any, create: Any, package: Any) -> None:
    """CreateFunction and GetFunction tell the same settings, with AWS's defaults."""
    code = package(app="def handler(event, context): return event\n")
    made = create()
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert made["FunctionArn"] == ARN
    assert made["CodeSha256"] == base64.b64encode(hashlib.sha256(code).digest()).decode()
    assert made["CodeSize"] == len(code)
    assert (made["Timeout"], made["MemorySize"], made["Version"]) == (3, 128, "$LATEST")
    assert (made["State"], made["LastUpdateStatus"]) == ("Active", "Successful")
    client.get_waiter("function_active_v2").wait(FunctionName="tested")
    found = client.get_function(FunctionName="tested")["Configuration"]
    assert found == {k: v for k, v in made.items() if k != "ResponseMetadata"}
    told = client.get_function_configuration(FunctionName="tested", Qualifier="$LATEST")
    assert told["FunctionArn"] == f"{ARN}:$LATEST"


def test_a_name_is_taken_once(create: Any) -> None:
    """A second function of the same name is ResourceConflictException."""
    create()
    assert refusal(create) == (
        "ResourceConflictException",
        "Function already exist: tested",
        409,
    )


def test_new_code_is_what_runs_next(client: Any, create: Any, package: Any) -> None:
    """After UpdateFunctionCode the next event runs on the new code, and the revision differs."""
    made = create("def handler(event, context): return 'old'\n")
    assert json.load(client.invoke(FunctionName="tested")["Payload"]) == "old"
    new = package(app="def handler(event, context): return 'new'\n")
    changed = client.update_function_code(FunctionName="tested", ZipFile=new)
    assert changed["RevisionId"] != made["RevisionId"]
    assert changed["CodeSha256"] != made["CodeSha256"]
    assert json.load(client.invoke(FunctionName="tested")["Payload"]) == "new"


def test_a_dry_run_of_new_code_changes_nothing(client: Any, create: Any, package: Any) -> None:
    """UpdateFunctionCode with DryRun tells what would be, and leaves what is."""
    made = create()
    other = package(app="x = 1\n")
    tried = client.update_function_code(FunctionName="tested", ZipFile=other, DryRun=True)
    assert tried["CodeSha256"] != made["CodeSha256"]
    found = client.get_function_configuration(FunctionName="tested")
    assert found["RevisionId"] == made["RevisionId"]


def test_new_settings_are_what_runs_next(client: Any, create: Any) -> None:
    """After UpdateFunctionConfiguration the next event runs with the new settings."""
    create("import os\ndef handler(event, context): return os.environ.get('MODE')\n")
    assert json.load(client.invoke(FunctionName="tested")["Payload"]) is None
    changed = client.update_function_configuration(
        FunctionName="tested", Environment={"Variables": {"MODE": "on"}}, Timeout=9
    )
    assert (changed["Timeout"], changed["Environment"]) == (9, {"Variables": {"MODE": "on"}})
    assert json.load(client.invoke(FunctionName="tested")["Payload"]) == "on"


def test_a_change_for_another_revision_is_refused(client: Any, create: Any) -> None:
    """RevisionId guards both kinds of change."""
    create()
    code, _, status = refusal(
        lambda: client.update_function_configuration(
            FunctionName="tested", Timeout=9, RevisionId="another"
        )
    )
    assert (code, status) == ("PreconditionFailedException", 412)


def test_a_deleted_function_is_gone(client: Any, create: Any) -> None:
    """After DeleteFunction nothing finds it, and its name is free."""
    create()
    client.invoke(FunctionName="tested")
    client.delete_function(FunctionName="tested")
    for call in (client.get_function, client.invoke, client.delete_function):
        code, message, _ = refusal(lambda call=call: call(FunctionName="tested"))
        assert (code, message) == ("ResourceNotFoundException", f"Function not found: {ARN}")
    create()


def test_functions_are_listed_by_name_in_pages(client: Any, create: Any) -> None:
    """ListFunctions tells every function once, whatever the size of its pages."""
    names = [f"f{number}" for number in range(7)]
    for name in reversed(names):
        create(FunctionName=name)
    pages = client.get_paginator("list_functions").paginate(PaginationConfig={"PageSize": 3})
    assert [f["FunctionName"] for page in pages for f in page["Functions"]] == names


def test_tags_are_kept(client: Any, create: Any) -> None:
    """Tags of creation, TagResource and UntagResource are what ListTags and GetFunction tell."""
    create(Tags={"a": "1", "b": "2"})
    client.tag_resource(Resource=ARN, Tags={"b": "3", "c": "4"})
    client.untag_resource(Resource=ARN, TagKeys=["a"])
    assert client.list_tags(Resource=ARN)["Tags"] == {"b": "3", "c": "4"}
    assert client.get_function(FunctionName="tested")["Tags"] == {"b": "3", "c": "4"}


UNBUILT: list[dict[str, Any]] = [
    {"Publish": True},
    {"Layers": ["arn:aws:lambda:us-east-1:000000000000:layer:l:1"]},
    {"VpcConfig": {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}},
    {"DeadLetterConfig": {"TargetArn": "arn:aws:sqs:us-east-1:000000000000:q"}},
    {"KMSKeyArn": "arn:aws:kms:us-east-1:000000000000:key/1"},
    {"TracingConfig": {"Mode": "Active"}},
    {"SnapStart": {"ApplyOn": "PublishedVersions"}},
    {"LoggingConfig": {"LogFormat": "JSON"}},
    {"PackageType": "Image", "Code": {"ImageUri": "image"}},
    {"ImageConfig": {"Command": ["x"]}},
    {
        "CodeSigningConfigArn": "arn:aws:lambda:us-east-1:000000000000:code-signing-config:csc-"
        + "0" * 17
    },
    {"Runtime": "java21"},
    {"Runtime": "ruby3.4"},
]


@pytest.mark.parametrize("settings", UNBUILT, ids=lambda settings: next(iter(settings)))
def test_what_is_not_built_is_refused_by_name(create: Any, settings: dict[str, Any]) -> None:
    """A member that haar does not honour is refused with status 501, and nothing is made."""
    code, message, status = refusal(lambda: create(**settings))
    assert (code, status) == ("NotImplemented", 501)
    assert message.startswith("haar ")
    create()


def test_the_absence_of_what_is_not_built_may_be_spelled_out(create: Any) -> None:
    """Tools send defaults and empty values; those ask for nothing."""
    create(
        Publish=False,
        Layers=[],
        VpcConfig={"SubnetIds": [], "SecurityGroupIds": []},
        TracingConfig={"Mode": "PassThrough"},
        PackageType="Zip",
        SnapStart={"ApplyOn": "None"},
        KMSKeyArn="",
    )


def bomb() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(262_144_001))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"Code": {"ZipFile": b"no zip"}}, "Could not unzip uploaded file."),
        ({"Code": {"ZipFile": b""}}, "Uploaded file must be a non-empty zip"),
        ({"Code": {"ZipFile": bomb()}}, "Unzipped size must be smaller than 262144000 bytes"),
        ({"Code": {}}, "Please provide a source for function code."),
        ({"Timeout": 901}, "'Timeout' value failed to satisfy constraint"),
        ({"MemorySize": 10241}, "'MemorySize' value failed to satisfy constraint"),
        ({"Environment": {"Variables": {"AWS_REGION": "x"}}}, "Lambda was unable to configure"),
        ({"Environment": {"Variables": {"LONG": "x" * 4096}}}, "Lambda was unable to configure"),
        ({"FunctionName": "x" * 65}, "Invalid function name"),
    ],
)
def test_what_lambda_does_not_take_is_refused(
    create: Any, settings: dict[str, Any], message: str
) -> None:
    """Bad code and settings out of bounds are InvalidParameterValueException."""
    code, told, status = refusal(lambda: create(**settings))
    assert (code, status) == ("InvalidParameterValueException", 400)
    assert told.startswith(message)


def test_code_may_come_from_s3(haar: Any, client: Any, create: Any, package: Any) -> None:
    """S3Bucket and S3Key name the package, which is fetched in the caller's name."""
    s3 = haar.client("s3")
    s3.create_bucket(Bucket="packages")
    s3.put_object(
        Bucket="packages", Key="one.zip", Body=package(app="def handler(e, c): return 's3'\n")
    )
    create(Code={"S3Bucket": "packages", "S3Key": "one.zip"})
    assert json.load(client.invoke(FunctionName="tested")["Payload"]) == "s3"


def test_functions_survive_a_restart(tmp_path: Path, package: Any) -> None:
    """A function and its code, small or large, are there after haar was stopped and started."""
    filler = zipfile.ZipInfo("filler")
    large = io.BytesIO(package(app="def handler(event, context): return event\n"))
    with zipfile.ZipFile(large, "a") as archive:
        archive.writestr(filler, bytes(range(256)) * 1024)
    with running(data=tmp_path / "data") as cloud:
        for name, code in (
            ("large", large.getvalue()),
            ("small", package(app="def handler(e, c): return e\n")),
        ):
            cloud.client("lambda").create_function(
                FunctionName=name,
                Runtime=f"python3.{sys.version_info.minor}",
                Role="arn:aws:iam::000000000000:role/tester",
                Handler="app.handler",
                Code={"ZipFile": code},
            )
    with running(data=tmp_path / "data") as cloud:
        for name in ("large", "small"):
            answer = cloud.client("lambda").invoke(FunctionName=name, Payload=b"1")
            assert answer["Payload"].read() == b"1"


def test_a_listing_stays_in_its_account(
    haar: Running, client: Any, create: Callable[..., dict[str, Any]]
) -> None:
    """A marker of one account is none in another."""
    for name in ("first", "second"):
        create(FunctionName=name)
    marker = client.list_functions(MaxItems=1)["NextMarker"]
    listed = [f["FunctionName"] for f in client.list_functions(Marker=marker)["Functions"]]
    assert listed == ["second"]
    call = haar.app.cloud.invoke(
        "lambda_",
        "ListFunctions",
        {"Marker": marker},
        as_="arn:aws:iam::999999999999:role/curious",
        scope=Scope("999999999999", "us-east-1"),
    )
    with pytest.raises(InvalidParameterValue, match="Invalid Marker"):
        haar.run(call)
