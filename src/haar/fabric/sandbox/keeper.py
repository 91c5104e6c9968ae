"""The keeper: a small process that starts, limits, reaps and never leaves behind sandboxes.

Run as a script with the standard library only; haar's side is :mod:`haar.fabric.sandbox.processes`.
Sandboxes are children of the keeper and not of haar, for three reasons: what must happen between
fork and exec is safe in a process with one thread; the keeper adopts whatever a function leaves
running; and when haar dies, by whatever cause, the keeper reads the end of its commands and takes
everything with it. Should the keeper be killed itself, the kernel kills its children.

Commands come on descriptor 0, each a 4-byte length (big-endian) and a JSON object; descriptors that
the new process gets ride along. Events leave on descriptor 1, a JSON object a line.

=======================================================  ========================================
command                                                  what happens
=======================================================  ========================================
``{"start": id, "argv", "env", "cwd", "limits",          a process in a session of its own: the
"memory_kb"}``, descriptors: output[, channel]           output as 1 and 2, the channel as 3
``{"kill": id}``                                         SIGKILL to its process group
=======================================================  ========================================

=======================================================  ========================================
event                                                    meaning
=======================================================  ========================================
``{"id", "pid"}``                                        started
``{"id", "exit", "signal", "peak_kb"}``                  ended; told once, after ``pid`` where it
                                                         could be started at all
=======================================================  ========================================
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import select
import signal
import socket
import sys
from pathlib import Path
from typing import Any

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_MEMORY_EVERY_S = 0.2
_MARK = "_HAAR_SANDBOX"  # in the environment of a sandbox and of all that it starts
_IS_LINUX = sys.platform == "linux"


class Child:
    """A sandbox's first process."""

    def __init__(self, id_: int, pid: int, memory_kb: int) -> None:
        self.id = id_
        self.pid = pid
        self.memory_kb = memory_kb


class Keeper:
    """Reads commands until they end; then kills everything."""

    def __init__(self, commands: socket.socket, events: socket.socket) -> None:
        self._commands = commands
        self._events = events
        self._children: dict[int, Child] = {}
        self._libc = ctypes.CDLL(None) if _IS_LINUX else None
        self._null = os.open(os.devnull, os.O_RDONLY)
        self._pid = os.getpid()

    def run(self) -> None:
        """Serve until haar is gone."""
        woken, wakes = os.pipe()
        os.set_blocking(wakes, False)
        signal.set_wakeup_fd(wakes, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, wake)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is haar's to answer
        if self._libc is not None:
            self._libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        try:
            self._serve(woken)
        finally:
            self._kill_everything()

    def _serve(self, woken: int) -> None:
        while True:
            wait_s = _MEMORY_EVERY_S if self._children else None
            ready, _, _ = select.select([self._commands.fileno(), woken], [], [], wait_s)
            if woken in ready:
                os.read(woken, 4096)
                self._reap()
            if self._commands.fileno() in ready and not self._command():
                return
            self._check_memory()

    def _command(self) -> bool:
        head, descriptors, _, _ = socket.recv_fds(self._commands, 4, 4)
        if len(head) < 4:
            return False
        text = self._exactly(int.from_bytes(head, "big"))
        if text is None:
            return False
        command = json.loads(text)
        if "start" in command:
            self._start(command, descriptors)
        else:
            self._kill(command["kill"])
        for descriptor in descriptors:
            os.close(descriptor)
        return True

    def _exactly(self, count: int) -> bytes | None:
        pieces: list[bytes] = []
        while count:
            piece = self._commands.recv(count)
            if not piece:
                return None
            pieces.append(piece)
            count -= len(piece)
        return b"".join(pieces)

    def _start(self, command: dict[str, Any], descriptors: list[int]) -> None:
        try:
            pid = os.fork()
        except OSError:  # no room for one more: nothing that runs must suffer for it
            self._tell({"id": command["start"], "exit": 127, "signal": 0, "peak_kb": 0})
            return
        if pid == 0:
            self._become(command, descriptors)
        child = Child(command["start"], pid, command["memory_kb"])
        self._children[pid] = child
        self._tell({"id": child.id, "pid": pid})

    def _become(self, command: dict[str, Any], descriptors: list[int]) -> None:
        """Turn the fork into the sandbox; never return."""
        try:
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGINT, signal.SIGCHLD, signal.SIGPIPE, signal.SIGXFSZ):
                signal.signal(number, signal.SIG_DFL)
            os.setsid()
            self._die_with_keeper()
            for name, value in command["limits"].items():
                limit(name, value)
            os.chdir(command["cwd"])
            place(self._null, descriptors)
            environment = {**command["env"], _MARK: str(command["start"])}
            os.execve(command["argv"][0], command["argv"], environment)  # noqa: S606  # its purpose
        except BaseException as err:  # noqa: BLE001  # whatever it was, the fork must not go on
            os.write(2, f"haar could not start {command['argv'][0]}: {err}\n".encode())
        finally:
            os._exit(127)

    def _die_with_keeper(self) -> None:
        if self._libc is None:
            return
        self._libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
        if os.getppid() != self._pid:
            os._exit(127)  # the keeper went before the kernel was told

    def _kill(self, id_: int) -> None:
        for child in self._children.values():
            if child.id == id_:
                kill_group(child.pid)

    def _reap(self) -> None:
        """Tell of the processes that ended, and end what they left behind."""
        while True:
            try:
                # Looked at before it is reaped: until then its number cannot be given to another.
                ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if ended is None:
                return
            child = self._children.pop(ended.si_pid, None)
            if child is not None:
                kill_group(child.pid)
            _, status, usage = os.wait4(ended.si_pid, 0)
            if child is not None:
                self._kill_strays()
                self._tell_end(child, status, usage.ru_maxrss)

    def _tell_end(self, child: Child, status: int, peak_kb: int) -> None:
        code = os.waitstatus_to_exitcode(status)
        self._tell(
            {"id": child.id, "exit": max(code, 0), "signal": max(-code, 0), "peak_kb": peak_kb}
        )

    def _tell(self, event: dict[str, int]) -> None:
        with contextlib.suppress(OSError):  # haar is gone: the end of commands comes next
            self._events.sendall(json.dumps(event).encode() + b"\n")

    def _check_memory(self) -> None:
        for child in self._children.values():
            if child.memory_kb and resident_kb(child.pid) > child.memory_kb:
                kill_group(child.pid)

    def _kill_strays(self) -> None:
        """Kill adopted processes whose sandbox has ended."""
        alive = {f"{_MARK}={child.id}".encode() for child in self._children.values()}
        for pid in children_of(self._pid) - self._children.keys():
            with contextlib.suppress(OSError):
                marks = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
                if not alive.intersection(marks):
                    os.kill(pid, signal.SIGKILL)

    def _kill_everything(self) -> None:
        for pid in list(self._children):
            kill_group(pid)
        # What the dead leave is adopted, so there may be several rounds.
        while remaining := children_of(self._pid):
            for pid in remaining:
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(-1, 0)


def wake(number: int, frame: object) -> None:
    """Do nothing: that a signal is handled at all is what wakes the loop."""


def place(null: int, descriptors: list[int]) -> None:
    """Put nothing at 0, the output at 1 and 2, the channel (if any) at 3; close the rest."""
    high = [os.dup2(descriptor, 64 + at) for at, descriptor in enumerate(descriptors)]
    os.dup2(null, 0)
    os.dup2(high[0], 1)
    os.dup2(high[0], 2)
    if len(high) > 1:
        os.dup2(high[1], 3)
    os.closerange(4 if len(high) > 1 else 3, 256)


def limit(name: str, value: int) -> None:
    """Lower one resource limit, never above what this process has."""
    number: int = getattr(resource, f"RLIMIT_{name}")
    _, hard = resource.getrlimit(number)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(number, (value, value))


def kill_group(pid: int) -> None:
    """Kill a process and its group."""
    with contextlib.suppress(OSError):
        os.kill(pid, signal.SIGKILL)  # should it not have come to its setsid yet
    with contextlib.suppress(OSError):
        os.killpg(pid, signal.SIGKILL)


def resident_kb(pid: int) -> int:
    """Return the memory that a process holds, in KiB; 0 where that cannot be told."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_bytes().split()[1])
    except (OSError, IndexError):
        return 0
    return pages * resource.getpagesize() // 1024


def children_of(pid: int) -> set[int]:
    """Return the living children of a process; empty where the system cannot tell."""
    try:
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return set()
    return {int(child) for child in listed.split()}


def main() -> None:
    """Serve the two sockets that haar gave as descriptors 0 and 1."""
    with socket.socket(fileno=0) as commands, socket.socket(fileno=1) as events:
        Keeper(commands, events).run()


if __name__ == "__main__":
    main()
