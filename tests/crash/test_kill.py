"""SIGKILL while writers work: what haar acknowledged is there, and nothing by half."""

import importlib.util
import os
import threading
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


def clients(haar: HaarProcess, *, read_timeout: float) -> Callable[[str], Any]:
    """Return a maker of boto3 clients without retries: a cut-off call must stay cut off."""
    made: dict[tuple[str, int], Any] = {}
    keys = haar.keys()

    def client(service: str) -> Any:
        who = (service, threading.get_ident())
        if who not in made:
            made[who] = boto3.session.Session().client(
                service,
                endpoint_url=haar.endpoint,
                region_name="us-east-1",
                config=Config(
                    retries={"total_max_attempts": 1},
                    inject_host_prefix=False,
                    read_timeout=read_timeout,
                ),
                **keys,
            )
        return made[who]

    return client


@pytest.mark.crash
@pytest.mark.slow
def test_what_was_acknowledged_survives_every_kill(tmp_path: Path) -> None:
    """SIGKILL at random moments loses nothing acknowledged and leaves nothing half done."""
    seed = int(os.environ.get("HAAR_CRASH_SEED", time.time_ns()))
    print(f"HAAR_CRASH_SEED={seed}")
    moments = SeededEntropy(seed)
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
        writers.prepare(clients(haar, read_timeout=20))
        for _ in range(ROUNDS):
            client = clients(haar, read_timeout=20)
            threads = [writer.start(client) for writer in all_writers]
            time.sleep(0.05 + moments.fraction() * 0.75)  # the moment of the kill is what is random
            haar.kill()
            for thread in threads:
                thread.join(timeout=30)
                assert not thread.is_alive(), "a call must end when its server does"
            haar.start()
            for writer in all_writers:
                writer.check(clients(haar, read_timeout=20))
            assert [failure for writer in all_writers for failure in writer.failures] == []
        deadline = time.monotonic() + DRAIN_SECONDS_MAX
        messages.check_all(clients(haar, read_timeout=20), lambda: time.monotonic() > deadline)
        assert messages.failures == []
    finally:
        haar.kill()
    assert all(writer.count > ROUNDS for writer in all_writers), "every writer wrote"
