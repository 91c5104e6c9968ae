"""The command line as its users have it: processes."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

HAAR = [sys.executable, "-m", "haar.cli.main"]
TIMEOUT_S = 60


class Up:
    """A ``haar up`` that is ready."""

    def __init__(self, *options: str, environ: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            [*HAAR, "up", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environ,
        )
        assert self.process.stdout is not None
        self.said = []
        for line in self.process.stdout:
            self.said.append(line.rstrip("\n"))
            if line.startswith("ready"):
                self.endpoint = line.split()[1]
                self.port = self.endpoint.rpartition(":")[2]
                return
        assert self.process.stderr is not None
        raise AssertionError(self.process.stderr.read())

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and return the exit status."""
        self.process.send_signal(how)
        self.process.communicate(timeout=TIMEOUT_S)
        return self.process.returncode


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """This process's variables, without any that would reach a data directory outside the test."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("HAAR_", "AWS_", "XDG_"))}
    return {**kept, "XDG_DATA_HOME": str(tmp_path / "share"), "PYTHONUNBUFFERED": "1"}


@pytest.fixture
def haar_command(environ: dict[str, str]) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a command to its end."""

    def run(
        *arguments: str, timeout: int = TIMEOUT_S, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*HAAR, *arguments],
            capture_output=True,
            text=True,
            env={**environ, **variables},
            timeout=timeout,
            check=False,
        )

    return run


@pytest.fixture
def up(environ: dict[str, str], tmp_path: Path) -> Iterator[Callable[..., Up]]:
    """Start ``haar up`` on a data directory of the test's and a free port."""
    started: list[Up] = []

    def start(*options: str) -> Up:
        chosen = ("--data", str(tmp_path / "data"), "--port", "0", *options)
        started.append(Up(*chosen, environ=environ))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.end(signal.SIGKILL)
        one.process.communicate()


@pytest.fixture
def busy_port() -> Iterator[int]:
    """A port of the loopback address that somebody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield taken.getsockname()[1]
