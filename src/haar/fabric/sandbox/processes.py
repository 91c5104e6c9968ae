"""Haar's side of the keeper: start a process, hear of its end, kill it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from haar.fabric.sandbox import keeper
from haar.kernel.logs import Log

log = Log()


@dataclass(frozen=True, slots=True)
class Ending:
    """How a process ended.

    Attributes:
        status: the exit status, where it exited.
        signal: the signal's number, where one ended it; else 0.
        peak_kb: the most memory that it held.
    """

    status: int
    signal: int
    peak_kb: int


@dataclass(frozen=True, slots=True)
class Command:
    """What to start.

    Attributes:
        argv: the program, by its full path, and its arguments.
        environment: all of it.
        directory: where it begins.
        limits: resource limits by name (``NOFILE``), in the system's units.
        memory_kb: more resident memory than that ends it; 0 for no bound.
    """

    argv: tuple[str, ...]
    environment: dict[str, str]
    directory: Path
    limits: dict[str, int]
    memory_kb: int


class Process:
    """A started process; ``pid`` is 0 until the keeper has told it."""

    __slots__ = ("_ended", "_keeper", "id", "pid")

    def __init__(self, id_: int, keeper_: Keeper, ended: Callable[[Ending], None]) -> None:
        self.id = id_
        self.pid = 0
        self._keeper = keeper_
        self._ended = ended

    def kill(self) -> None:
        """End it and its group, at once; ``ended`` is called when it is gone."""
        self._keeper.kill(self.id)

    def end(self, ending: Ending) -> None:
        """Take note that it is gone."""
        self._ended(ending)


class Keeper(asyncio.Protocol):
    """Starts processes through a keeper, which it starts with the first of them."""

    def __init__(self) -> None:
        self._keeper: subprocess.Popen[bytes] | None = None
        self._commands: socket.socket | None = None
        self._events: asyncio.Transport | None = None
        self._started = 0
        self._processes: dict[int, Process] = {}
        self._rest = b""
        self._opening = asyncio.Lock()

    async def start(
        self, command: Command, descriptors: list[int], ended: Callable[[Ending], None]
    ) -> Process:
        """Start a process with the descriptors (output, and maybe a channel), which are kept open.

        Args:
            command: what to start.
            descriptors: what it gets as 1 and 2, and as 3.
            ended: called once, when it is gone.
        """
        async with self._opening:
            if self._commands is None:
                await self._open()
        self._started += 1
        process = self._processes[self._started] = Process(self._started, self, ended)
        self._send(
            {
                "start": process.id,
                "argv": command.argv,
                "env": command.environment,
                "cwd": str(command.directory),
                "limits": command.limits,
                "memory_kb": command.memory_kb,
            },
            descriptors,
        )
        return process

    def kill(self, id_: int) -> None:
        """Kill a process, if it is still there."""
        if id_ in self._processes and self._commands is not None:
            self._send({"kill": id_}, [])

    async def close(self) -> None:
        """Kill every process and end the keeper."""
        process = self._keeper
        self._drop()
        if process is not None:
            await asyncio.to_thread(process.wait)

    async def _open(self) -> None:
        await self._reap()
        commands, its_commands = socket.socketpair()
        events, its_events = socket.socketpair()
        with its_commands, its_events:
            # A session of its own: what is sent to haar's group (Ctrl-C, kill) must not reach it.
            self._keeper = subprocess.Popen(  # noqa: S603, ASYNC220  # our own file; a few ms, once
                [sys.executable, "-S", "-E", keeper.__file__],
                stdin=its_commands.fileno(),
                stdout=its_events.fileno(),
                start_new_session=True,
                cwd="/",
            )
        self._commands = commands
        loop = asyncio.get_running_loop()
        self._events, _ = await loop.create_unix_connection(lambda: self, sock=events)

    async def _reap(self) -> None:
        """End the keeper before, of which nothing is heard any more, and take its exit status."""
        if self._keeper is not None:
            self._keeper.kill()
            await asyncio.to_thread(self._keeper.wait)

    def _send(self, command: dict[str, Any], descriptors: list[int]) -> None:
        assert self._commands is not None, "there is a keeper before there is a command"
        text = json.dumps(command).encode()
        data = len(text).to_bytes(4, "big") + text
        with contextlib.suppress(BrokenPipeError):  # the keeper is gone: connection_lost tells all
            sent = socket.send_fds(self._commands, [data], descriptors)
            self._commands.sendall(data[sent:])

    def data_received(self, data: bytes) -> None:
        """Hear the keeper's events."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._hear(json.loads(line))

    def _hear(self, event: dict[str, int]) -> None:
        if "pid" in event:
            self._processes[event["id"]].pid = event["pid"]
        else:
            process = self._processes.pop(event["id"])
            process.end(Ending(event["exit"], event["signal"], event["peak_kb"]))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # asyncio's signature
        """Take every process for ended: the keeper is gone, and they went with it."""
        if self._commands is not None:
            log.error("the keeper of function processes is gone; a new one starts with the next")
        self._drop()

    def _drop(self) -> None:
        if self._commands is not None:
            self._commands.close()
            self._commands = None
        if self._events is not None:
            self._events.abort()
            self._events = None
        self._rest = b""
        lost, self._processes = self._processes, {}
        for process in lost.values():
            process.end(Ending(0, 9, 0))


def peak_kb(pid: int) -> int:
    """Return the most memory that a living process has held; 0 where that cannot be told."""
    try:
        status = Path(f"/proc/{pid}/status").read_bytes()
    except OSError:
        return 0
    _, _, rest = status.partition(b"VmHWM:")
    return int(rest.split(None, 1)[0]) if rest else 0
