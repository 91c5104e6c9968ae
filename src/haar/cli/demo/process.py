"""A haar of the demo's own, as a process that can be killed and started again."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path
from typing import IO, Any

READY = "ready"


class DidNotStart(Exception):
    """haar ended before it was ready; the text is what it said."""


class HaarProcess:
    """Runs ``haar up`` on a data directory and a port that stay the same across restarts.

    Attributes:
        data: the data directory.
        endpoint: ``http://127.0.0.1:port``.
    """

    def __init__(self, data: Path) -> None:
        self.data = data
        self._port = free_port()
        self.endpoint = f"http://127.0.0.1:{self._port}"
        self._process: subprocess.Popen[str] | None = None

    def start(self, stderr: IO[bytes] | None = None) -> None:
        """Start, and return once it is ready.

        Args:
            stderr: where its log goes; this process's where None.

        Raises:
            DidNotStart: it ended first.
        """
        command = [sys.executable, "-m", "haar.cli.main", "up"]
        self._process = subprocess.Popen(  # noqa: S603  # our own command
            [*command, "--data", str(self.data), "--port", str(self._port)],
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        assert self._process.stdout is not None, "it was asked for"
        said: list[str] = []
        for line in self._process.stdout:
            said.append(line)
            if line.startswith(READY):
                return
        raise DidNotStart("".join(said) or f"exit status {self._process.wait()}")

    def kill(self) -> None:
        """End it with SIGKILL: no warning, no clean-up."""
        self._end(signal.SIGKILL)

    def wait(self, timeout_s: float) -> int:
        """Wait until it has ended by itself, and return its exit status."""
        assert self._process is not None, "it was started"
        status = self._process.wait(timeout_s)
        self._forget()
        return status

    def stop(self) -> None:
        """End it with SIGTERM: it drains first."""
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait()
            self._forget()

    def _forget(self) -> None:
        if self._process is not None and self._process.stdout is not None:
            self._process.stdout.close()
        self._process = None

    def keys(self) -> dict[str, str]:
        """Return the root credentials of the data directory, as arguments of ``boto3.client``."""
        file = ConfigParser()
        file.read(self.data / "credentials")
        return {
            name: file["default"][name] for name in ("aws_access_key_id", "aws_secret_access_key")
        }

    def client(self, service: str) -> Any:
        """Return a boto3 client with the root credentials of the data directory."""
        import boto3  # an optional dependency, haar[demo]  # noqa: PLC0415
        from botocore.config import Config  # noqa: PLC0415  # the same

        session: Any = boto3.Session()  # its types know names of services, not any str
        return session.client(
            service,
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            # A story with a crash in it needs the retries that every AWS client has.
            config=Config(
                inject_host_prefix=False, retries={"mode": "standard", "total_max_attempts": 12}
            ),
            **self.keys(),
        )


def free_port() -> int:
    """Return a port of the loopback address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert isinstance(port, int), "an IPv4 address has a number"
    return port
