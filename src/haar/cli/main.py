"""``haar``: the command line's front door.

A command's module is imported when it is asked for, so that ``haar --help`` and ``haar up`` do
not pay for what they do not use. To add a command, add a line to :data:`COMMANDS`.
"""

from __future__ import annotations

import gc
import importlib
from typing import NamedTuple

import click


class Place(NamedTuple):
    """Where a command is, and what ``haar --help`` says of it."""

    module: str
    function: str
    sentence: str


COMMANDS = {
    "up": Place("haar.cli.up", "up", "Run haar until Ctrl-C."),
    "env": Place("haar.cli.env", "env", "Print exports that point AWS clients at haar."),
    "status": Place("haar.cli.status", "status", "Tell whether haar is up, and how it is."),
    "clock": Place(
        "haar.cli.clock", "clock", "Show or move the time of a haar that runs with --dev."
    ),
    "snapshot": Place("haar.cli.snapshot", "snapshot", "Save a copy of all data, or put one back."),
    "reset": Place("haar.cli.snapshot", "reset", "Remove all data, for good."),
    "coverage": Place(
        "haar.cli.coverage", "coverage", "List the operations that are implemented or refused."
    ),
    "demo": Place("haar.cli.demo.command", "demo", "Count 336,776 flights and check each figure."),
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are run."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands, in the order of the table."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, imported now."""
        del ctx
        place = COMMANDS.get(cmd_name)
        if place is None:
            return None
        gc.disable()  # nearly all that is imported stays
        try:
            command = getattr(importlib.import_module(place.module), place.function)
        finally:
            gc.enable()
        assert isinstance(command, click.Command), f"{cmd_name} is a command"
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, place.sentence) for name, place in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="haar", prog_name="haar")
def main() -> None:
    """Run the AWS serverless stack on this machine."""


if __name__ == "__main__":
    main()
