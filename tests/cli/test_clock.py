"""``haar clock``: moves the time of a development haar, and of no other."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import boto3
import pytest

from haar.cli.clock import milliseconds_of
from haar.cli.failure import Failure

Run = Callable[..., CompletedProcess[str]]
Start = Callable[..., Any]


@pytest.fixture
def clock(haar_command: Run, tmp_path: Path) -> Callable[..., CompletedProcess[str]]:
    """Run ``haar clock`` against a running haar."""

    def run(running: Any, *arguments: str) -> CompletedProcess[str]:
        options = ("--data", str(tmp_path / "data"), "--port", running.port)
        return haar_command("clock", *options, *arguments)

    return run


def sqs_of(running: Any) -> Any:
    return boto3.client(
        "sqs",
        endpoint_url=running.endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


def test_a_delayed_message_comes_when_the_time_is_moved(up: Start, clock: Any) -> None:
    """A day passes in a moment, for timers; the client's signatures stay good; a restart knows."""
    running = up("--dev")
    assert "the machine's time" in clock(running).stdout
    assert "frozen" in clock(running, "freeze").stdout
    sqs = sqs_of(running)
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="later", DelaySeconds=900)
    assert "Messages" not in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1)
    assert "s ahead of" in clock(running, "advance", "1d").stdout
    assert [m["Body"] for m in sqs.receive_message(QueueUrl=url)["Messages"]] == ["later"]
    assert running.end() == 0
    again = up("--dev")
    assert "frozen" in clock(again).stdout
    assert sqs_of(again).list_queues()["QueueUrls"]
    assert "60 times as fast" in clock(again, "scale", "60").stdout
    assert "the machine's time" in clock(again, "real").stdout


def test_without_dev_the_time_is_not_moved(up: Start, clock: Any) -> None:
    """A haar that others rely on refuses in one sentence, and still tells the time."""
    running = up()
    for arguments in (("freeze",), ("advance", "1d"), ("scale", "2"), ("real",)):
        ended = clock(running, *arguments)
        assert ended.returncode == 2
        assert ended.stderr == "haar: Only a haar that runs with --dev moves its clock.\n"
    assert "the machine's time" in clock(running).stdout


def test_data_whose_time_was_moved_needs_dev(
    up: Start, clock: Any, haar_command: Run, tmp_path: Path
) -> None:
    """Nobody falls out of a moved time unawares."""
    running = up("--dev")
    clock(running, "advance", "1w")
    assert running.end() == 0
    ended = haar_command("up", "--data", str(tmp_path / "data"), "--port", "0")
    assert ended.returncode == 2
    assert "haar clock real" in ended.stderr


def ask(endpoint: str, headers: dict[str, str], action: str = "ScaleClock") -> tuple[int, Any]:
    connection = HTTPConnection(endpoint.removeprefix("http://"), timeout=60)
    try:
        connection.request("POST", f"/_haar/admin/{action}", b'{"rate": 0}', headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def test_the_administration_has_no_back_door(up: Start, clock: Any) -> None:
    """Unsigned, wrongly signed and by another account: refused, and nothing has moved."""
    from botocore.auth import SigV4Auth  # noqa: PLC0415  # the client's side of the wire
    from botocore.awsrequest import AWSRequest  # noqa: PLC0415
    from botocore.credentials import Credentials  # noqa: PLC0415

    running = up("--dev")

    def signed(key: str, secret: str, service: str = "haar") -> dict[str, str]:
        url = f"{running.endpoint}/_haar/admin/ScaleClock"
        request = AWSRequest("POST", url, data=b'{"rate": 0}')
        SigV4Auth(Credentials(key, secret), service, "us-east-1").add_auth(request)
        return dict(request.headers)

    for headers in (
        {},
        signed("test", "tset"),
        signed("123456789012", "test"),
        signed("test", "test", "sqs"),
        {**signed("test", "test"), "X-Amz-Date": "20200101T000000Z"},
    ):
        status, told = ask(running.endpoint, headers)
        assert 400 <= status < 500, told
    assert "the machine's time" in clock(running).stdout
    assert ask(running.endpoint, signed("test", "test"))[0] == 200
    assert "frozen" in clock(running).stdout


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("15m", 900), ("12h", 43_200), ("1d12h", 129_600)]
)
def test_a_duration_is_read(text: str, seconds: int) -> None:
    """Numbers with units, one after the other."""
    assert milliseconds_of(text) == seconds * 1000


@pytest.mark.parametrize("text", ["", "1", "d", "1y", "1d x", "-1d", "1.5h"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    """The sentence shows how to write one."""
    with pytest.raises(Failure, match="write it like"):
        milliseconds_of(text)


def test_a_scaled_clock_wakes_a_poll_sooner(up: Start, clock: Any) -> None:
    """A message delayed by two minutes comes within seconds when time goes 600 times as fast."""
    running = up("--dev")
    sqs = sqs_of(running)
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="later", DelaySeconds=120)
    clock(running, "scale", "600")
    deadline = time.monotonic() + 30
    found: list[Any] = []
    while not found and time.monotonic() < deadline:
        found = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20).get("Messages", [])
    assert [message["Body"] for message in found] == ["later"]
