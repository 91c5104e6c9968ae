"""What a sandbox does with functions that hang, crash, grow or leave something behind."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from haar.fabric.sandbox.pool import Sandboxes, TooManyInvocations
from haar.kernel.clock import SystemClock

PATIENCE_S = 60.0


def wait_until(true: Callable[[], bool], what: str) -> None:
    """Return once a condition holds; fail after a generous while."""
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


async def until(true: Callable[[], bool]) -> None:
    """Return once a condition holds, and let the loop run meanwhile."""
    async with asyncio.timeout(PATIENCE_S):
        while not true():  # noqa: ASYNC110  # what is waited for tells nobody
            await asyncio.sleep(0.01)


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in {"Z", "X"}


def test_a_function_that_hangs_is_killed_at_its_timeout(run: Any) -> None:
    """A time-out is answered in AWS's words, and the next event gets a new process."""
    source = """
import os, time
def handler(event, context):
    print(os.getpid())
    while event: pass
    return os.getpid()
"""

    async def body(bench: Any) -> Any:
        program = bench.python(source, timeout_s=3)
        hung, after = await bench.run(program, b"1"), await bench.run(program, b"0")
        return hung, after

    hung, after = run(body)
    assert hung.error == "Unhandled"
    assert json.loads(hung.payload) == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": "RequestId: request-1 Error: Task timed out after 3.00 seconds",
    }
    pid = int(hung.log.splitlines()[1])
    assert b"request-1 Task timed out after 3.00 seconds" in hung.log
    assert int(after.payload) != pid
    assert not is_alive(pid)


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("os._exit(3)", "Runtime exited with error: exit status 3"),
        ("os._exit(0)", "Runtime exited without providing a reason"),
        ("sys.exit(2)", "Runtime exited with error: exit status 2"),
        ("os.kill(os.getpid(), 9)", "Runtime exited with error: signal: killed"),
        ("ctypes.string_at(0)", "Runtime exited with error: signal: segmentation fault"),
    ],
)
def test_a_function_that_ends_its_process_is_an_exit_error(run: Any, how: str, reason: str) -> None:
    """Whatever ends the process is told, and the next event gets a new one."""
    source = (
        "import os, sys, ctypes\n"
        f"def handler(event, context):\n    if event: {how}\n    return 'well'\n"
    )

    async def body(bench: Any) -> Any:
        program = bench.python(source)
        return await bench.run(program, b"1"), await bench.run(program, b"0")

    ended, after = run(body)
    assert json.loads(ended.payload) == {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"RequestId: request-1 Error: {reason}",
    }
    assert after.payload == b'"well"'


def test_a_process_that_ends_between_events_is_replaced(run: Any) -> None:
    """A process that dies while nobody asks costs nobody an answer."""
    source = "import os\ndef handler(event, context): return os.getpid()\n"

    async def body(bench: Any) -> Any:
        program = bench.python(source)
        pid = int((await bench.run(program)).payload)
        os.kill(pid, signal.SIGKILL)
        await until(lambda: not bench.sandboxes.processes)
        return pid, await bench.run(program)

    pid, outcome = run(body)
    assert outcome.error == ""
    assert int(outcome.payload) != pid


def test_a_function_that_takes_too_much_memory_is_killed(run: Any) -> None:
    """A process that holds more than its memory ends as on AWS."""
    source = """
import time
def handler(event, context):
    kept = bytearray(400_000_000)
    for at in range(0, len(kept), 4096): kept[at] = 1
    time.sleep(15)
"""

    async def body(bench: Any) -> Any:
        return await bench.run(bench.python(source, memory_mb=128))

    assert "signal: killed" in json.loads(run(body).payload)["errorMessage"]


def test_what_a_function_leaves_running_ends_with_it(run: Any) -> None:
    """Background processes, also those in sessions of their own, are gone with their sandbox."""
    source = """
import os, time
def handler(event, context):
    pids = []
    for own_session in (False, True):
        reads, writes = os.pipe()
        if os.fork() == 0:
            if own_session: os.setsid()
            if os.fork() == 0:
                os.write(writes, str(os.getpid()).encode())
                time.sleep(600)
            os._exit(0)
        pids.append(int(os.read(reads, 20)))
    print(pids, flush=True)
    os._exit(1)
"""

    async def body(bench: Any) -> Any:
        log = (await bench.run(bench.python(source))).log
        pids = json.loads(log.splitlines()[1])
        await asyncio.to_thread(
            wait_until, lambda: not any(map(is_alive, pids)), "strays must be killed"
        )

    run(body)


def test_more_events_than_allowed_are_refused_at_once(run: Any) -> None:
    """Beyond the bound of events at work the next one is refused, not queued."""
    source = "import time\ndef handler(event, context): time.sleep(0.5)\n"

    async def body(bench: Any) -> Any:
        sandboxes = Sandboxes(SystemClock(), invocations_max=2)
        try:
            pool = sandboxes.open(bench.python(source), "1")
            tasks = [asyncio.ensure_future(pool.invoke(bench.invocation())) for _ in range(3)]
            done = await asyncio.gather(*tasks, return_exceptions=True)
        finally:
            await sandboxes.close()
        return done

    *admitted, refused = run(body)
    assert isinstance(refused, TooManyInvocations)
    assert [outcome.error for outcome in admitted] == ["", ""]


def test_an_idle_process_makes_room_for_another_function(run: Any) -> None:
    """At the bound of processes, one function's idle process ends so that another can run."""
    source = "def first(event, context): return 1\ndef second(event, context): return 2\n"

    async def body(bench: Any) -> Any:
        sandboxes = Sandboxes(SystemClock(), processes_max=1)
        try:
            for name in ("first", "second", "first"):
                pool = sandboxes.open(bench.python(source, handler=f"app.{name}"), "1")
                outcome = await pool.invoke(bench.invocation())
                assert outcome.error == ""
                assert sandboxes.processes == 1
        finally:
            await sandboxes.close()

    run(body)


def test_a_new_revision_ends_the_processes_of_the_old_one(run: Any) -> None:
    """After an update, the idle processes of the old code go."""

    async def body(bench: Any) -> Any:
        source = "import os\ndef handler(event, context): return os.getpid()\n"
        program = bench.python(source)
        old = int((await bench.run(program)).payload)
        pool = bench.sandboxes.open(program, "2")
        new = int((await pool.invoke(bench.invocation())).payload)
        await until(lambda: bench.sandboxes.processes == 1)
        return old, new

    old, new = run(body)
    assert old != new
    assert not is_alive(old)


def test_the_code_of_an_event_at_work_stays_though_it_was_replaced(
    run: Any, tmp_path: Path
) -> None:
    """A retired pool's code is in use until its last event has ended."""
    go = tmp_path / "go"
    source = (
        "import os, time\n"
        "def handler(event, context):\n"
        f"    while not os.path.exists({str(go)!r}): time.sleep(0.005)\n"
    )

    async def body(bench: Any) -> None:
        program, sandboxes = bench.python(source), bench.sandboxes
        at_work = asyncio.ensure_future(sandboxes.open(program, "1").invoke(bench.invocation()))
        await until(lambda: sandboxes.processes == 1)
        sandboxes.retire(program.name)
        assert sandboxes.directories() == {program.directory}
        go.touch()
        assert (await at_work).error == ""
        await until(lambda: not sandboxes.directories())

    run(body)


def test_no_process_outlives_a_killed_haar(tmp_path: Path) -> None:
    """SIGKILL to the process that started them ends functions, their children and the keeper."""
    script = tmp_path / "victim.py"
    here = Path(__file__).parent
    script.write_text(f"""
import asyncio, sys
from pathlib import Path
sys.path.insert(0, {str(here)!r})
import conftest
SOURCE = '''
import os, time
def handler(event, context):
    pid = os.fork()
    if pid == 0:
        os.setsid()
        time.sleep(600)
    print(os.getpid(), pid, os.getppid(), flush=True)
    if event:
        while True: pass
'''
async def main():
    bench = conftest.Bench(Path({str(tmp_path)!r}))
    program = bench.python(SOURCE, timeout_s=600)
    pool = bench.sandboxes.open(program, "1")
    idle = await pool.invoke(bench.invocation(b"0"))
    print(idle.log.decode().splitlines()[1], flush=True)
    busy = asyncio.ensure_future(pool.invoke(bench.invocation(b"1")))
    while len(pool.idle):
        await asyncio.sleep(0.01)
    await busy
asyncio.run(main())
""")
    victim = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True)
    assert victim.stdout is not None
    pids = [int(pid) for pid in victim.stdout.readline().split()]
    assert len(pids) == 3
    assert all(map(is_alive, pids))
    victim.kill()
    victim.wait()
    victim.stdout.close()
    wait_until(lambda: not any(map(is_alive, pids)), "nothing may outlive haar")


def test_a_killed_keeper_is_replaced(run: Any) -> None:
    """Should the keeper die, its processes die with it, and the next event starts a new one."""
    source = "import os\ndef handler(event, context): return [os.getpid(), os.getppid()]\n"

    async def body(bench: Any) -> Any:
        program = bench.python(source)
        pid, keeper = json.loads((await bench.run(program)).payload)
        os.kill(keeper, signal.SIGKILL)
        await until(lambda: not bench.sandboxes.processes)
        await asyncio.to_thread(wait_until, lambda: not is_alive(pid), "it dies with its keeper")
        return await bench.run(program)

    assert run(body).error == ""
