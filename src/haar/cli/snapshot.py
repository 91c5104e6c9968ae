"""``haar snapshot``: a copy of all data, saved while haar runs, put back while it does not."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import click

from haar.cli.admin import ask
from haar.cli.failure import Failure
from haar.cli.settings import configured
from haar.config import Config, default_data
from haar.kernel.entropy import SystemEntropy
from haar.store.api import StoreDamaged
from haar.store.blob_files import FileBlobs
from haar.store.checkpoints import SnapshotError, check, restore, save
from haar.store.directory import DataDirectory, DirectoryError, DirectoryInUse
from haar.store.rocksdb import RocksStore


@click.group()
@click.option("--data", type=click.Path(path_type=Path), help="Data directory.")
@click.option("--host", help="Address that haar listens on.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port that haar listens on.")
@click.option("--tls", is_flag=True, default=None, help="haar speaks TLS.")
@click.pass_context
def snapshot(ctx: click.Context, /, **options: Any) -> None:
    """Save a copy of all data, or put one back."""
    ctx.obj = configured(**options)


@snapshot.command("save")
@click.argument("directory", type=click.Path(path_type=Path))
@click.pass_obj
def save_command(config: Config, directory: Path) -> None:
    """Save everything that is acknowledged now to DIRECTORY, whether haar runs or not."""
    data, target = config.data or default_data(), directory.absolute()
    if not data.is_dir():
        raise Failure(f"there is no data in {data} yet.")
    try:
        held = DataDirectory(data)
    except DirectoryInUse:
        ask(config, "SaveSnapshot", {"directory": str(target)})
    except DirectoryError as err:
        raise Failure(f"{err}.") from err
    else:
        save_stopped(held, target)
    click.echo(f"saved {data} to {directory}")


def save_stopped(held: DataDirectory, target: Path) -> None:
    """Save the data of a haar that does not run.

    Raises:
        Failure: it is damaged, or the snapshot cannot be made.
    """

    async def work() -> None:
        store = RocksStore(held.path / "store")
        try:
            await save(store, FileBlobs(held.path / "blobs", SystemEntropy()), target)
        finally:
            await store.close()

    try:
        asyncio.run(work())
    except (SnapshotError, StoreDamaged) as err:
        raise Failure(f"{err}.") from err
    finally:
        held.close()


@snapshot.command("restore")
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def restore_command(config: Config, directory: Path, *, yes: bool) -> None:
    """Replace all data by that of DIRECTORY, which stays as it is. haar must not run."""
    data = config.data or default_data()
    try:
        check(directory)
        held = DataDirectory(data, is_to_replace=True)
        try:
            confirm(held, f"Replace all data in {data} by {directory}?", is_sure=yes)
            restore(directory, held)
        finally:
            held.close()
    except (SnapshotError, DirectoryError) as err:
        raise Failure(f"{err}.") from err
    click.echo(f"restored {data} from {directory}")


@click.command()
@click.option("--data", type=click.Path(path_type=Path), help="Data directory.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def reset(*, data: Path | None, yes: bool) -> None:
    """Remove all data, for good. haar must not run."""
    path = configured(data=data).data or default_data()
    if not path.is_dir():
        raise Failure(f"there is no data in {path}.")
    try:
        held = DataDirectory(path, is_to_replace=True)
    except DirectoryError as err:
        raise Failure(f"{err}.") from err
    try:
        confirm(held, f"Remove all data in {path}, for good?", is_sure=yes)
        held.empty()
        held.settle()
    finally:
        held.close()
    click.echo(f"removed all data in {path}")


def confirm(held: DataDirectory, question: str, *, is_sure: bool) -> None:
    """Ask, where there is something to lose.

    Raises:
        Failure: it is not data of haar.
        click.Abort: the answer is no.
    """
    if held.is_empty:
        return
    if not (held.path / "format").exists() and not (held.path / "unfinished").exists():
        raise Failure(f"{held.path} holds something else than data of haar.")
    if not is_sure:
        click.confirm(question, abort=True)
