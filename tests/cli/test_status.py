"""``haar status``: is it up, and how is it."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from haar.cli.status import duration, size

Run = Callable[..., CompletedProcess[str]]


def test_it_tells_how_a_running_haar_is(
    up: Callable[..., Any], haar_command: Run, tmp_path: Path
) -> None:
    """Version, process, memory, data directory and services, to read and as JSON."""
    running = up()
    said = haar_command("status", "--port", running.port).stdout
    assert f"haar {version('haar')} is up at {running.endpoint}" in said
    told = json.loads(haar_command("status", "--port", running.port, "--json").stdout)
    assert told["pid"] == running.process.pid
    assert told["data"] == str(tmp_path / "data")
    assert told["data_bytes"] > 0
    assert told["memory_bytes"] > 1024 * 1024
    assert "sts" in told["services"]


def test_it_tells_that_none_is_running(haar_command: Run) -> None:
    """Exit status 1 and a sentence, for scripts that wait."""
    ended = haar_command("status", "--port", "1")
    assert ended.returncode == 1
    assert ended.stderr == "haar: haar is not running at http://127.0.0.1:1; `haar up` starts it.\n"


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 bytes"), (1023, "1023 bytes"), (1536, "1.5 KiB"), (90 * 1024**2, "90.0 MiB")],
)
def test_a_size_is_readable(count: int, text: str) -> None:
    """Bytes are shown in the largest unit that leaves a number above one."""
    assert size(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 s"), (61, "1 min 1 s"), (90_000, "1 d 1 h"), (3_600, "1 h")]
)
def test_a_duration_is_readable(seconds: int, text: str) -> None:
    """Seconds are shown as days, hours, minutes and seconds, without zeros."""
    assert duration(seconds) == text
