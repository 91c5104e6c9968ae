"""``haar demo [--crash]``: tell the story on real data and check each figure."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from haar.cli.demo import run


@click.command()
@click.option("--crash", is_flag=True, help="Kill haar in the middle of the map and of the pipe.")
@click.option("--data", type=click.Path(path_type=Path), help="A fresh data directory to keep.")
@click.option("--rows", type=click.IntRange(min=1), help="Only so many flights.")
def demo(*, crash: bool, data: Path | None, rows: int | None) -> None:
    """Count 336,776 flights through S3, Step Functions, Lambda, DynamoDB, SQS and Pipes."""
    with tempfile.TemporaryDirectory(prefix="haar-demo-") as scratch:
        raise SystemExit(run.run(data or Path(scratch) / "data", crash=crash, rows=rows))
