"""Which runtimes this machine can run, and by what command.

A ``python3.x`` function runs on an interpreter of that very version: haar's own where it is the
same, else one on the path. ``nodejs…`` runs on the ``node`` of the path if it is of that version or
newer. ``provided.…`` runs the package's own ``bootstrap``. What is not there is refused by name.
"""

from __future__ import annotations

import asyncio
import functools
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from haar.fabric.sandbox import python_client

_NODE_CLIENT = Path(__file__).with_name("node_client.mjs")
_BUNDLED = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3", "six")
"""What AWS's Python runtimes bring along."""
_PROBE_S = 10.0


class NotHere(Exception):
    """A runtime that this machine does not have; the text is the reason."""


@dataclass(frozen=True, slots=True)
class Runtime:
    """How the functions of one runtime are started.

    Attributes:
        argv: the command; ``{code}`` stands for the directory of the code.
        uses_socket: it is our own client, on descriptor 3.
    """

    argv: tuple[str, ...]
    uses_socket: bool

    def command(self, code: Path) -> tuple[str, ...]:
        """Return the command for code in a directory."""
        return tuple(part.replace("{code}", str(code)) for part in self.argv)


async def find(name: str) -> Runtime:
    """Return how a runtime is started here.

    Raises:
        NotHere: the machine does not have it, or haar does not know it.
    """
    return await asyncio.to_thread(_find, name)


@functools.cache
def _find(name: str) -> Runtime:
    if name in {"provided", "provided.al2", "provided.al2023"}:
        return Runtime(("{code}/bootstrap",), uses_socket=False)
    if matched := re.fullmatch(r"python(3\.\d+)", name):
        return Runtime((_python(matched[1]), "-S", python_client.__file__), uses_socket=True)
    if matched := re.fullmatch(r"nodejs(\d+)\.x", name):
        return Runtime((_node(int(matched[1])), str(_NODE_CLIENT)), uses_socket=True)
    raise NotHere(f"haar cannot run {name}: it has python3.x, nodejs and provided runtimes")


def _python(version: str) -> str:
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        return sys.executable
    if int(version.partition(".")[2]) < 9:
        raise NotHere(f"haar cannot run python{version}: 3.9 is the oldest that it knows")
    path = shutil.which(f"python{version}")
    said = _output(path, "-c", "import sys; print('%d.%d' % sys.version_info[:2])")
    if path is None or said != version:
        raise NotHere(f"haar cannot run python{version}: no such interpreter is on its PATH")
    return path


def _node(version: int) -> str:
    path = shutil.which("node")
    said = _output(path, "--version")
    if path is None or not said.startswith("v"):
        raise NotHere(f"haar cannot run nodejs{version}.x: no node is on its PATH")
    if int(said[1:].partition(".")[0]) < version:
        raise NotHere(f"haar cannot run nodejs{version}.x: the node on its PATH is {said}")
    return path


def _output(path: str | None, *arguments: str) -> str:
    if path is None:
        return ""
    try:
        done = subprocess.run(  # noqa: S603  # an interpreter of the machine's, asked its version
            [path, *arguments], capture_output=True, timeout=_PROBE_S, check=False, text=True
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()


def bundle(directory: Path) -> Path:
    """Return a directory with the packages that AWS brings along, where haar has them itself.

    Links, so that a function sees ``boto3`` and its like, and nothing else of haar's environment.
    """
    directory.mkdir(exist_ok=True)
    for name in _BUNDLED:
        found = importlib.util.find_spec(name)
        if found is None or found.origin is None:
            continue
        origin = Path(found.origin)
        source = origin.parent if origin.name == "__init__.py" else origin
        link = directory / source.name
        if not os.path.lexists(link):
            link.symlink_to(source)
    return directory
