"""Invoke, through boto3: the three types, what comes back, what is refused."""

from __future__ import annotations

import base64
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from haar.kernel.clock import VirtualClock
from haar.services.lambda_.invocations import ASYNC_KIND
from haar.store.layers.timeline import Timeline
from haar.testing import running

PATIENCE_S = 60.0
ARN = "arn:aws:lambda:us-east-1:000000000000:function:tested"


def wait_until(true: Callable[[], bool], what: str) -> None:
    """Return once a condition holds; fail after a generous while."""
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


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


def test_a_function_is_run_and_its_answer_returned(client: Any, create: Any) -> None:
    """RequestResponse returns the handler's JSON, the status and the version."""
    create()
    answer = client.invoke(FunctionName="tested", Payload=b'{"a": [1, null]}')
    assert json.load(answer["Payload"]) == {"a": [1, None]}
    assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "$LATEST")
    assert "FunctionError" not in answer
    assert "LogResult" not in answer


def test_no_payload_is_an_empty_object(client: Any, create: Any) -> None:
    """An invocation without a payload is given ``{}``."""
    create()
    assert json.load(client.invoke(FunctionName="tested")["Payload"]) == {}


def test_a_handlers_exception_is_a_function_error(client: Any, create: Any) -> None:
    """An exception is status 200 with FunctionError Unhandled, and the request's own id."""
    create("def handler(event, context): raise KeyError('gone')\n")
    answer = client.invoke(FunctionName="tested")
    error = json.load(answer["Payload"])
    assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")
    assert (error["errorType"], error["errorMessage"]) == ("KeyError", "'gone'")
    assert error["requestId"] == answer["ResponseMetadata"]["RequestId"]


def test_a_timeout_is_a_function_error(client: Any, create: Any) -> None:
    """A function that runs longer than its Timeout is told so in AWS's words."""
    create("import time\ndef handler(event, context): time.sleep(60)\n", Timeout=1)
    answer = client.invoke(FunctionName="tested")
    error = json.load(answer["Payload"])
    assert answer["FunctionError"] == "Unhandled"
    assert error["errorMessage"].endswith("Error: Task timed out after 1.00 seconds")


def test_the_tail_of_the_log_is_returned_when_asked_for(client: Any, create: Any) -> None:
    """LogType=Tail returns the log in base64, framed by START, END and REPORT."""
    create("def handler(event, context): print('seen', event)\n")
    answer = client.invoke(FunctionName="tested", LogType="Tail", Payload=b"7")
    lines = base64.b64decode(answer["LogResult"]).decode().splitlines()
    request_id = answer["ResponseMetadata"]["RequestId"]
    assert lines[0] == f"START RequestId: {request_id} Version: $LATEST"
    assert lines[1:3] == ["seen 7", f"END RequestId: {request_id}"]
    assert lines[3].startswith(f"REPORT RequestId: {request_id}\tDuration: ")


def test_the_function_sees_lambdas_variables(client: Any, create: Any) -> None:
    """The environment is Lambda's documented one, the user's variables, and nothing of haar's."""
    source = "import os\ndef handler(event, context): return dict(os.environ)\n"
    create(source, Environment={"Variables": {"MINE": "yes", "TZ": "UTC"}}, MemorySize=256)
    found = json.load(client.invoke(FunctionName="tested")["Payload"])
    assert found["MINE"] == "yes"
    assert found["TZ"] == "UTC"
    assert found["AWS_LAMBDA_FUNCTION_NAME"] == "tested"
    assert found["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "256"
    assert found["AWS_LAMBDA_FUNCTION_VERSION"] == "$LATEST"
    assert found["AWS_REGION"] == "us-east-1"
    assert found["_HANDLER"] == "app.handler"
    assert found["AWS_ENDPOINT_URL"] == client.meta.endpoint_url
    assert found["AWS_LAMBDA_LOG_STREAM_NAME"].partition("]")[0].endswith("[$LATEST")
    assert not {"PYTHONPATH", "HAAR_DATA", "USER", "VIRTUAL_ENV"} & found.keys()


def test_the_function_acts_as_its_role(client: Any, create: Any) -> None:
    """boto3 in a function speaks to haar, with a session of the function's role."""
    source = """
import boto3
def handler(event, context):
    return boto3.client('sts').get_caller_identity()['Arn']
"""
    create(source, Timeout=30, MemorySize=512)
    answer = json.load(client.invoke(FunctionName="tested")["Payload"])
    assert answer == "arn:aws:sts::000000000000:assumed-role/tester/tested"


@pytest.mark.parametrize(
    "name",
    ["tested", "tested:$LATEST", "000000000000:function:tested", "function:tested", ARN],
)
def test_a_function_is_found_by_each_form_of_its_name(client: Any, create: Any, name: str) -> None:
    """A name, a partial ARN and a full ARN mean the same function."""
    create("def handler(event, context): return context.invoked_function_arn\n")
    told = json.load(client.invoke(FunctionName=name)["Payload"])
    assert told == (f"{ARN}:$LATEST" if name.endswith("$LATEST") else ARN)


@pytest.mark.parametrize("name", ["absent", "tested:1", "tested:alias"])
def test_what_is_not_there_is_not_found(client: Any, create: Any, name: str) -> None:
    """An unknown function, version or alias is ResourceNotFoundException."""
    create()
    code, message, status = refusal(lambda: client.invoke(FunctionName=name))
    assert (code, status) == ("ResourceNotFoundException", 404)
    assert message == f"Function not found: {ARN.replace('tested', name)}"


def test_another_accounts_function_is_denied(client: Any, create: Any) -> None:
    """A full ARN of another account is AccessDenied, whether or not there is such a function."""
    create()
    other = ARN.replace("000000000000", "111111111111")
    code, _, status = refusal(lambda: client.invoke(FunctionName=other))
    assert (code, status) == ("AccessDeniedException", 403)


@pytest.mark.parametrize("payload", [b"{", b"nothing", b"{} {}", b"\xff"])
def test_a_payload_that_is_no_json_is_refused(client: Any, create: Any, payload: bytes) -> None:
    """The function never sees what is not JSON."""
    create()
    code, message, status = refusal(lambda: client.invoke(FunctionName="tested", Payload=payload))
    assert (code, status) == ("InvalidRequestContentException", 400)
    assert message.startswith("Could not parse request body into json: ")


@pytest.mark.parametrize(("kind", "size"), [("RequestResponse", 6_291_456), ("Event", 1_048_576)])
def test_a_payload_that_is_too_large_is_refused(
    client: Any, create: Any, kind: str, size: int
) -> None:
    """Up to the limit a payload is taken, above it refused with status 413."""
    create("def handler(event, context): return len(event)\n")
    client.invoke(FunctionName="tested", InvocationType=kind, Payload=b'"%b"' % (b"x" * (size - 2)))
    code, _, status = refusal(
        lambda: client.invoke(
            FunctionName="tested", InvocationType=kind, Payload=b'"%b"' % (b"x" * (size - 1))
        )
    )
    assert (code, status) == ("RequestTooLargeException", 413)


def test_a_dry_run_runs_nothing(client: Any, create: Any, tmp_path: Path) -> None:
    """DryRun answers 204 and the function is not called."""
    mark = tmp_path / "called"
    create(f"def handler(event, context): open({str(mark)!r}, 'w')\n")
    assert client.invoke(FunctionName="tested", InvocationType="DryRun")["StatusCode"] == 204
    assert not mark.exists()


def test_an_event_is_run_later(client: Any, create: Any, tmp_path: Path) -> None:
    """Event answers 202 at once, and the function is called with the payload."""
    create(
        "import json, os\n"
        "def handler(event, context):\n"
        f"    with open({str(tmp_path / 'new')!r}, 'w') as file: json.dump(event, file)\n"
        f"    os.rename({str(tmp_path / 'new')!r}, {str(tmp_path / 'told')!r})\n"
    )
    answer = client.invoke(FunctionName="tested", InvocationType="Event", Payload=b'{"n": 1}')
    assert (answer["StatusCode"], answer["Payload"].read()) == (202, b"")
    told = tmp_path / "told"
    wait_until(told.exists, "the function must be called")
    assert json.loads(told.read_text()) == {"n": 1}


def test_an_event_that_fails_is_tried_three_times(package: Any, tmp_path: Path) -> None:
    """A failing event runs again after one and two minutes, with the same request id."""
    seen = tmp_path / "seen"
    source = (
        "def handler(event, context):\n"
        f"    with open({str(seen)!r}, 'a') as file: file.write(context.aws_request_id + '\\n')\n"
        "    raise ValueError\n"
    )

    def runs() -> list[str]:
        return seen.read_text().split() if seen.exists() else []

    clock = VirtualClock(int(time.time() * 1000))  # noqa: TID251  # boto3 signs with the real time
    with running(clock=clock) as cloud:
        client = cloud.client("lambda")
        client.create_function(
            FunctionName="tested",
            Runtime=f"python3.{sys.version_info.minor}",
            Role="arn:aws:iam::000000000000:role/tester",
            Handler="app.handler",
            Code={"ZipFile": package(app=source)},
        )
        client.invoke(FunctionName="tested", InvocationType="Event")
        wait_until(lambda: len(runs()) == 1, "at once")
        for number, least_ms in ((2, 60_000), (3, 120_000)):
            assert to_the_retry(cloud, clock) >= least_ms
            wait_until(lambda number=number: len(runs()) == number, "the retry must come")
        wait_until(lambda: due_ms_of_retry(cloud) is None, "it is given up")
    assert len(runs()) == 3
    assert len(set(runs())) == 1


def due_ms_of_retry(cloud: Any) -> int | None:
    """Return when the event runs, or ran if it still does; None where it is done with."""

    async def look() -> int | None:
        heads = cloud.app.cloud.read(
            lambda tx: list(Timeline("jobs", ASYNC_KIND).head(tx, limit=1))
        )
        return heads[0].due_ms if heads else None

    found: int | None = cloud.run(look())
    return found


def to_the_retry(cloud: Any, clock: VirtualClock) -> int:
    """Move the time to the retry, once there is one; return by how many milliseconds.

    Not earlier and not in steps: a run that is still going on would pass its time-out.
    """
    now_ms = clock.now_ms()
    wait_until(lambda: (due_ms_of_retry(cloud) or 0) > now_ms, "a retry is scheduled")
    wait_ms = (due_ms_of_retry(cloud) or 0) - now_ms

    async def advance() -> None:
        clock.advance(wait_ms)

    cloud.run(advance())
    return wait_ms


def test_a_custom_runtime_is_run(client: Any, create: Any, package: Any) -> None:
    """A bootstrap of the package's own is run for provided.al2023; without one it is an error."""
    bootstrap = """#!/usr/bin/env python3
import http.client, os
api = http.client.HTTPConnection(os.environ['AWS_LAMBDA_RUNTIME_API'])
while True:
    api.request('GET', '/2018-06-01/runtime/invocation/next')
    answer = api.getresponse()
    event = answer.read()
    id = answer.headers['Lambda-Runtime-Aws-Request-Id']
    api.request('POST', f'/2018-06-01/runtime/invocation/{id}/response', b'[%b]' % event)
    api.getresponse().read()
"""
    create(Runtime="provided.al2023", Code={"ZipFile": package(bootstrap=bootstrap)})
    assert json.load(client.invoke(FunctionName="tested", Payload=b"5")["Payload"]) == [5]
    client.update_function_code(FunctionName="tested", ZipFile=package(other=""))
    error = json.load(client.invoke(FunctionName="tested")["Payload"])
    assert error["errorType"] == "Runtime.InvalidEntrypoint"
