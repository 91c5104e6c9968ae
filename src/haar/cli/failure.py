"""How a command ends that cannot do its work: one sentence on stderr, and a status."""

from __future__ import annotations

import sys
from typing import IO, Any

import click

CANNOT_START = 2
NOT_RUNNING = 1
DISK_FAILED = 3


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
