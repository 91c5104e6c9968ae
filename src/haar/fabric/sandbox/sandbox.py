"""A sandbox: one process that runs one version of one function, one event at a time.

::

    start ──► starting ──asked──► idle ──run──► busy ──responded/failed──► answered ──asked──► idle
                  │                 │             │                            │
                  └── init error, exit, time-out, crash, stop ─────────────────┴──► dead

The caller has its outcome as soon as the runtime tells it; the sandbox takes the next event when
the runtime asks for it. A time-out or a crash ends the process, never the next event's answer.
"""

from __future__ import annotations

import asyncio
import shutil
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path

from haar.fabric.sandbox import outcomes
from haar.fabric.sandbox.output import Output
from haar.fabric.sandbox.processes import Command, Ending, Keeper, Process, peak_kb
from haar.fabric.sandbox.program import InitFailed, Invocation, Outcome, Program
from haar.fabric.sandbox.runtime_api import Connection
from haar.kernel.clock import Clock

_FILES_MAX = 1024
_LAST_WORDS_S = 0.25  # for an answer that was written just before the process ended


class Sandbox:
    """One process. ``when_idle`` and ``when_dead`` tell its pool; ``when_dead`` is called once.

    Args:
        program: what it runs.
        keeper: starts its process.
        clock: tells deadlines and durations.
        when_idle: called each time that it may be given an event, but for the first.
        when_dead: called when its process is gone.
    """

    def __init__(
        self,
        program: Program,
        keeper: Keeper,
        clock: Clock,
        *,
        when_idle: Callable[[Sandbox], None],
        when_dead: Callable[[Sandbox], None],
    ) -> None:
        self.program = program
        self.born_ms = clock.monotonic_ms()
        self.idle_since_ms = self.born_ms
        self.is_dead = False
        self._keeper = keeper
        self._clock = clock
        self._when_idle = when_idle
        self._when_dead = when_dead
        self._loop = asyncio.get_running_loop()
        self._ready: asyncio.Future[None] = self._loop.create_future()
        self._scratch = Path(tempfile.mkdtemp(prefix="tmp-", dir=program.scratch))
        self._output = Output()
        self._server: asyncio.Server | None = None
        self._process: Process | None = None
        self._connections: set[Connection] = set()
        self._asking: Connection | None = None
        self._invocation: Invocation | None = None
        self._outcome: asyncio.Future[Outcome] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._began_ms = 0.0
        self._init_ms = 0.0
        self._ending: Ending | None = None

    @property
    def is_idle(self) -> bool:
        """Whether it can be given an event now."""
        return self._asking is not None and not self.is_dead

    async def start(self, limit_s: float) -> None:
        """Start the process and return when it asks for its first event.

        Raises:
            InitFailed: it did not, within ``limit_s``; nothing is left of it.
        """
        try:
            await self._spawn()
            async with asyncio.timeout(limit_s):
                await asyncio.shield(self._ready)
        except TimeoutError:
            raise InitFailed(outcomes.TIMED_OUT, log=self._output.take()) from None
        finally:
            if not self._ready.done() or self._ready.cancelled() or self._ready.exception():
                self._ready.cancel()
                self.stop()
        self._init_ms = self._clock.monotonic_ms() - self.born_ms

    async def _spawn(self) -> None:
        scratch = str(self._scratch)
        environment = {"TMPDIR": scratch, "HOME": scratch, **self.program.environment()}
        if self.program.uses_socket:
            ours, its = socket.socketpair()
            with its:
                await self._loop.create_unix_connection(lambda: Connection(self), sock=ours)
                await self._launch(environment, [self._output.writer, its.fileno()])
        else:
            self._server = await self._loop.create_server(lambda: Connection(self), "127.0.0.1", 0)
            port = self._server.sockets[0].getsockname()[1]
            environment["AWS_LAMBDA_RUNTIME_API"] = f"127.0.0.1:{port}"
            await self._launch(environment, [self._output.writer])
        self._output.started()

    async def _launch(self, environment: dict[str, str], descriptors: list[int]) -> None:
        program = self.program
        command = Command(
            argv=program.argv,
            environment=environment,
            directory=program.directory,
            limits={"NOFILE": _FILES_MAX, "CORE": 0, "FSIZE": program.disk_bytes_max},
            memory_kb=program.memory_mb * 1024,
        )
        self._process = await self._keeper.start(command, descriptors, self._ended)

    async def run(self, invocation: Invocation) -> Outcome:
        """Give the idle process an event and return how it went."""
        assert self._asking is not None, "only an idle sandbox is given an event"
        connection, self._asking = self._asking, None
        self._invocation = invocation
        self._outcome = self._loop.create_future()
        if invocation.wants_log:
            self._output.add(outcomes.start_line(invocation))
        timeout_s = self.program.timeout_s
        self._began_ms = self._clock.monotonic_ms()
        self._timer = self._loop.call_later(timeout_s, self._timed_out)
        connection.give(invocation, self._clock.now_ms() + int(timeout_s * 1000))
        return await self._outcome

    def stop(self) -> None:
        """End the process, at once."""
        if self._process is not None:
            self._process.kill()
        elif not self.is_dead:
            self.bury()

    # What the runtime says.

    def asked(self, connection: Connection) -> None:
        """Hear that the runtime is ready for the next event."""
        self._asking = connection
        self.idle_since_ms = self._clock.monotonic_ms()
        if not self._ready.done():
            self._ready.set_result(None)
        elif self._invocation is None and not self.is_dead:
            self._when_idle(self)

    def responded(self, request_id: str, body: bytes) -> bool:
        """Hear the function's result."""
        return self._answer(request_id, body, "")

    def failed(self, request_id: str, kind: str, body: bytes) -> bool:
        """Hear the function's error."""
        return self._answer(request_id, body or outcomes.unsaid(kind, request_id), "Unhandled")

    def overflowed(self, request_id: str) -> bool:
        """Hear that the result was too large."""
        return self._answer(request_id, outcomes.RESPONSE_TOO_LARGE, "Unhandled")

    def init_failed(self, kind: str, body: bytes) -> None:
        """Hear that the runtime could not start."""
        if not self._ready.done():
            log = self._output.take()
            self._ready.set_exception(InitFailed(kind or "Runtime.Unknown", body, log=log))

    def connected(self, connection: Connection) -> None:
        """Hear of a new connection."""
        self._connections.add(connection)
        if self.is_dead:  # it was on its way when the process ended
            connection.close()

    def disconnected(self, connection: Connection) -> None:
        """Hear that a connection ended."""
        self._connections.discard(connection)
        if self._asking is connection:
            self._asking = None
        if self._ending is not None and not self._connections:
            self.bury()

    def _answer(self, request_id: str, payload: bytes, error: str) -> bool:
        invocation = self._invocation
        if invocation is None or invocation.request_id != request_id:
            return False
        self._finish(invocation, payload, error)
        return True

    def _finish(self, invocation: Invocation, payload: bytes, error: str) -> None:
        assert self._outcome is not None, "an invocation at work has a caller"
        assert self._timer is not None, "an invocation at work has a deadline"
        self._timer.cancel()
        self._invocation = None
        log = self._output.take()
        if invocation.wants_log:
            log = self._report(invocation, log)
        if not self._outcome.done():  # the caller may have gone
            self._outcome.set_result(Outcome(payload, error, log))

    def _report(self, invocation: Invocation, log: bytes) -> bytes:
        process = self._process
        measured = outcomes.Measured(
            took_ms=self._clock.monotonic_ms() - self._began_ms,
            init_ms=self._init_ms,
            peak_kb=peak_kb(process.pid) if process is not None else 0,
            memory_mb=self.program.memory_mb,
        )
        self._init_ms = 0.0
        return outcomes.with_report(log, invocation, measured)

    def _timed_out(self) -> None:
        invocation = self._invocation
        if invocation is None:
            return
        timeout_s = self.program.timeout_s
        self._output.add(outcomes.timeout_line(self._clock.now_ms(), invocation, timeout_s))
        self._finish(invocation, outcomes.timed_out(invocation, timeout_s), "Unhandled")
        self.stop()

    # What the keeper says.

    def _ended(self, ending: Ending) -> None:
        self._ending = ending
        if self._connections:
            self._loop.call_later(_LAST_WORDS_S, self.bury)
        else:
            self.bury()

    def bury(self) -> None:
        """Take the process for gone, tell whoever waits, give everything back."""
        if self.is_dead:
            return
        self.is_dead = True
        reason = outcomes.exit_reason(self._ending)
        if self._invocation is not None:
            payload = outcomes.exited(self._invocation, reason)
            self._finish(self._invocation, payload, "Unhandled")
        if not self._ready.done():
            log = self._output.take()
            self._ready.set_exception(InitFailed(outcomes.EXITED, message=reason, log=log))
        for connection in list(self._connections):
            connection.close()
        if self._server is not None:
            self._server.close()
        self._output.close()
        self._loop.run_in_executor(None, _remove, self._scratch)
        self._when_dead(self)


def _remove(directory: Path) -> None:
    shutil.rmtree(directory, ignore_errors=True)
