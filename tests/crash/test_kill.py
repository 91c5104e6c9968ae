"""SIGKILL while writers work: what haar acknowledged is there, and nothing by half."""

import importlib.util
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from haar.cli.demo.process import HaarProcess
from haar.kernel.entropy import SeededEntropy

_spec = importlib.util.spec_from_file_location("writers", Path(__file__).with_name("writers.py"))
assert _spec is not None
assert _spec.loader is not None
writers = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(writers)

ROUNDS = int(os.environ.get("HAAR_CRASH_ROUNDS", "50"))
DRAIN_SECONDS_MAX = 120


PATIENCE_S = 60


def clients(haar: HaarProcess) -> Callable[[str], Any]:
    """Return boto3 clients without retries: a cut-off call must stay cut off.

    Port and keys outlive a kill, so one client a service is enough: making one costs more than a
    round's calls.
    """
    keys, config = (
        haar.keys(),
        Config(retries={"total_max_attempts": 1}, inject_host_prefix=False, read_timeout=60),
    )
    session = boto3.session.Session()
    made = {
        service: session.client(
            service, endpoint_url=haar.endpoint, region_name="us-east-1", config=config, **keys
        )
        for service in ("dynamodb", "sqs", "s3", "dynamodbstreams")
    }
    return made.__getitem__


def until_all_are_told(all_writers: list[Any], before: list[int]) -> None:
    """Wait until each writer has been told something in this round: what a kill may not take."""
    deadline = time.monotonic() + PATIENCE_S
    for writer, whole in zip(all_writers, before, strict=True):
        while writer.whole == whole:
            assert time.monotonic() < deadline, f"{type(writer).__name__} does not get on"
            time.sleep(0.005)


@pytest.mark.crash
@pytest.mark.slow
def test_what_was_acknowledged_survives_every_kill(tmp_path: Path, moments: SeededEntropy) -> None:
    """SIGKILL at random moments loses nothing acknowledged and leaves nothing half done."""
    haar = HaarProcess(tmp_path / "data")
    haar.start()
    messages = writers.Messages()
    all_writers = [
        writers.Items(),
        writers.Transactions(),
        writers.Followers(),
        messages,
        writers.Objects(),
        writers.Uploads(),
    ]
    try:
        client = clients(haar)
        writers.prepare(client)
        for _ in range(ROUNDS):
            before = [writer.whole for writer in all_writers]
            threads = [writer.start(client) for writer in all_writers]
            # Only what was acknowledged can be lost; from then on the moment is random.
            until_all_are_told(all_writers, before)
            time.sleep(moments.fraction() * 0.3)
            haar.kill()
            for thread in threads:
                thread.join(timeout=90)
                assert not thread.is_alive(), "a call must end when its server does"
            haar.start()
            for writer in all_writers:
                writer.check(client)
            assert [failure for writer in all_writers for failure in writer.failures] == []
        deadline = time.monotonic() + DRAIN_SECONDS_MAX
        messages.check_all(client, lambda: time.monotonic() > deadline)
        assert messages.failures == []
    finally:
        haar.kill()
