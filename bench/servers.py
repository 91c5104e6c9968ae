"""The servers that are measured: haar, the ceiling, and what a user would pick otherwise.

Peers run as black boxes, as their users start them. ``make bench-peers`` installs them into
``bench/.peers`` (Python) and ``bench/node_modules`` (Node); one that is not there is left out and
said to be.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from configparser import ConfigParser
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

HERE = Path(__file__).parent
PEERS = HERE / ".peers" / "bin"
START_SECONDS_MAX = 60


@dataclass
class Server:
    """A server under measurement.

    Attributes:
        name: for the table.
        port: on the loopback address.
        process: its root process.
        access_key_id: and ``secret``, that it accepts.
        start_seconds: from its start to its first accepted connection (to its first answer
            for haar).
    """

    name: str
    port: int
    process: psutil.Process
    access_key_id: str
    secret: str
    start_seconds: float

    def cpu_seconds(self) -> float:
        """Return the CPU time of the process and its children."""
        total = 0.0
        for process in (self.process, *self.process.children(recursive=True)):
            times = process.cpu_times()
            total += times.user + times.system
        return total

    def rss_mb(self) -> float:
        """Return the resident memory of the process and its children, in MB."""
        family = (self.process, *self.process.children(recursive=True))
        return sum(process.memory_info().rss for process in family) / 1e6


def free_port() -> int:
    """Return a port of the loopback address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def commands(name: str, port: int, data: Path, options: tuple[str, ...]) -> list[str] | None:
    """Return how a server is started, or None where it is not installed."""
    found: list[str | None]
    if name == "haar":
        found = [sys.executable, "-m", "haar.cli.main", "up", "--port", str(port), "--data"]
        found += [str(data), *options]
    elif name == "ceiling":
        found = [sys.executable, str(HERE / "echo.py"), str(port)]
    elif name == "ministack":
        found = [_peer("ministack")]
    elif name == "moto":
        found = [_peer("moto_server"), "-H", "127.0.0.1", "-p", str(port)]
    elif name == "dynalite":
        script = HERE / "node_modules" / "dynalite" / "cli.js"
        found = [shutil.which("node"), str(script) if script.exists() else None]
        found += ["--port", str(port), "--createTableMs", "0"]
    else:
        raise ValueError(name)
    parts = [part for part in found if part is not None]
    return parts if len(parts) == len(found) else None


def _peer(command: str) -> str | None:
    path = PEERS / command
    return str(path) if path.exists() else None


@contextmanager
def running(name: str, data: Path, *options: str) -> Iterator[Server | None]:
    """Run a server for the length of a ``with`` block; None where it is not installed.

    Args:
        name: of the server.
        data: its data directory.
        options: more of ``haar up``.
    """
    port = free_port()
    command = commands(name, port, data, options)
    if command is None:
        yield None
        return
    environment = {**os.environ, "GATEWAY_PORT": str(port), "HOST": "127.0.0.1"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # else all would be compiled at each start
    with (data.parent / f"{name}.log").open("wb") as log:
        start = time.perf_counter()
        process = subprocess.Popen(
            command, env=environment, stdout=log, stderr=log, start_new_session=True
        )
    try:
        _wait_for(port, process)
        seconds = time.perf_counter() - start
        key, secret = _credentials(name, data)
        yield Server(name, port, psutil.Process(process.pid), key, secret, seconds)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.005)
    raise RuntimeError(f"{process.args!r} did not start")


def _credentials(name: str, data: Path) -> tuple[str, str]:
    if name != "haar":
        return "testtesttesttesttest", "test"
    keys = ConfigParser()
    keys.read(data / "credentials")
    return keys["default"]["aws_access_key_id"], keys["default"]["aws_secret_access_key"]
