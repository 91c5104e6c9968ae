"""How a command ends that cannot do its work: one sentence on stderr, and a status."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import IO, Any

import click

CANNOT_START = 2
NOT_RUNNING = 1
DISK_FAILED = 3


def own_command() -> str:
    """Return how the user calls haar: by name if that finds it, else as it was called now."""
    called = Path(sys.argv[0])
    found = shutil.which(called.name)
    if called.name != "haar" or (found and Path(found).resolve() == called.resolve()):
        return "haar"
    return str(called)


class Failure(click.ClickException):
    """Ends the command with a sentence for whoever typed it.

    Args:
        sentence: what is wrong and, where it helps, what to do.
        status: the exit status.
    """

    def __init__(self, sentence: str, status: int = CANNOT_START) -> None:
        super().__init__(sentence)
        self.exit_code = status  # type: ignore[misc]  # the instance narrows its class's constant

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the sentence."""
        click.echo(f"haar: {self.message}", file=file or sys.stderr)
