"""Programs and pools for the tests of the sandbox: real processes, a real keeper."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest

from haar.fabric.sandbox import outcomes, python_client
from haar.fabric.sandbox.pool import Sandboxes
from haar.fabric.sandbox.program import InitFailed, Invocation, Outcome, Program
from haar.kernel.clock import SystemClock

T = TypeVar("T")


class Bench:
    """Makes programs in a directory and runs events on them."""

    def __init__(self, directory: Path) -> None:
        self.code = directory / "code"
        self.scratch = directory / "scratch"
        self.code.mkdir()
        self.scratch.mkdir()
        self.sandboxes = Sandboxes(SystemClock())
        self.count = 0

    def python(self, source: str, handler: str = "app.handler", **settings: Any) -> Program:
        """Return a program of our own Python client."""
        (self.code / "app.py").write_text(source)
        argv = (sys.executable, "-S", python_client.__file__)
        return self.program(argv, handler=handler, uses_socket=True, **settings)

    def bootstrap(self, source: str, **settings: Any) -> Program:
        """Return a program that brings its own bootstrap, which is a Python script here."""
        path = self.code / "bootstrap"
        path.write_text(f"#!{sys.executable}\n{source}")
        path.chmod(0o755)
        return self.program((str(path),), uses_socket=False, **settings)

    def program(
        self,
        argv: tuple[str, ...],
        *,
        uses_socket: bool,
        handler: str = "app.handler",
        timeout_s: float = 20.0,
        memory_mb: int = 512,
        variables: dict[str, str] | None = None,
    ) -> Program:
        """Return a program."""
        environment = {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "_HANDLER": handler,
            "LAMBDA_TASK_ROOT": str(self.code),
            "LAMBDA_RUNTIME_DIR": str(self.scratch),
            "AWS_LAMBDA_FUNCTION_NAME": "tested",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(memory_mb),
            **(variables or {}),
        }
        return Program(
            name=f"arn:aws:lambda:us-east-1:000000000000:function:{handler}",
            argv=argv,
            directory=self.code,
            scratch=self.scratch,
            environment=lambda: dict(environment),
            timeout_s=timeout_s,
            memory_mb=memory_mb,
            disk_bytes_max=1 << 24,
            uses_socket=uses_socket,
        )

    def invocation(self, payload: bytes = b"{}", *, wants_log: bool = True) -> Invocation:
        """Return an event with an id of its own."""
        self.count += 1
        return Invocation(f"request-{self.count}", payload, "arn:invoked", wants_log=wants_log)

    async def run(self, program: Program, payload: bytes = b"{}") -> Outcome:
        """Run one event; what the service makes of a failed start is made here, too."""
        invocation = self.invocation(payload)
        try:
            return await self.sandboxes.open(program, "1").invoke(invocation)
        except InitFailed as failure:
            return outcomes.of_init(failure, invocation, program.timeout_s, program.memory_mb)


@asynccontextmanager
async def opened(directory: Path) -> AsyncIterator[Bench]:
    bench = Bench(directory)
    try:
        yield bench
    finally:
        await bench.sandboxes.close()


Run = Callable[[Callable[[Bench], Awaitable[T]]], T]


@pytest.fixture
def run(tmp_path: Path) -> Run[Any]:
    """Run an asynchronous test body with a bench that is closed after it."""

    def runner(body: Callable[[Bench], Awaitable[Any]]) -> Any:
        async def whole() -> Any:
            async with opened(tmp_path) as bench:
                return await body(bench)

        return asyncio.run(whole())

    return runner
