"""``haar clock``: the time of a haar that runs with ``--dev``, and how it goes."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from haar.cli.admin import ask
from haar.cli.failure import Failure
from haar.cli.settings import configured
from haar.config import Config

UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


@click.group(invoke_without_command=True)
@click.option("--data", type=click.Path(path_type=Path), help="Data directory.")
@click.option("--host", help="Address that haar listens on.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port that haar listens on.")
@click.option("--tls", is_flag=True, default=None, help="haar speaks TLS.")
@click.pass_context
def clock(ctx: click.Context, /, **options: Any) -> None:
    """Show or move the time of a haar that runs with --dev.

    Timers, delays, retention and schedules follow it; signatures and sessions stay with the
    machine's clock, so that clients go on working.
    """
    ctx.obj = configured(**options)
    if ctx.invoked_subcommand is None:
        show(ask(ctx.obj, "DescribeClock", {}))


@clock.command()
@click.pass_obj
def freeze(config: Config) -> None:
    """Stop the time.

    Whatever waits for a time waits on, also what failed and is to be tried again: `advance` moves
    it.
    """
    show(ask(config, "ScaleClock", {"rate": 0}))


@clock.command()
@click.argument("duration")
@click.pass_obj
def advance(config: Config, duration: str) -> None:
    """Move the time forward by DURATION, like 90s, 15m, 12h, 1d or 1d12h."""
    show(ask(config, "AdvanceClock", {"by_ms": milliseconds_of(duration)}))


@clock.command()
@click.argument("rate", type=click.FloatRange(min=0, min_open=True, max=100_000))
@click.pass_obj
def scale(config: Config, rate: float) -> None:
    """Let the time go RATE times as fast."""
    show(ask(config, "ScaleClock", {"rate": rate}))


@clock.command()
@click.pass_obj
def real(config: Config) -> None:
    """Go back to the machine's time."""
    show(ask(config, "ReleaseClock", {}))


def milliseconds_of(duration: str) -> int:
    """Return a duration in milliseconds.

    Raises:
        Failure: it is none.
    """
    parts = re.findall(r"(\d+)([smhdw])", duration)
    if not parts or "".join(number + unit for number, unit in parts) != duration:
        raise Failure(f"'{duration}' is no duration; write it like 90s, 15m, 12h, 1d or 1d12h.")
    return 1000 * sum(int(number) * UNITS_S[unit] for number, unit in parts)


def show(told: dict[str, Any]) -> None:
    """Print a clock."""
    now = datetime.fromtimestamp(told["now_ms"] / 1000, UTC)
    off_s = (told["now_ms"] - told["wall_ms"]) // 1000
    click.echo(f"{now:%Y-%m-%d %H:%M:%S} UTC, {how(told)}")
    if off_s:
        click.echo(f"{abs(off_s)} s {'ahead of' if off_s > 0 else 'behind'} the machine's clock")


def how(told: dict[str, Any]) -> str:
    """Return how a clock goes, in words."""
    if told["is_real"]:
        return "the machine's time"
    if told["rate"] == 0:
        return "frozen"
    return "moved" if told["rate"] == 1 else f"{told['rate']:g} times as fast"
