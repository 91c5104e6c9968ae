"""``haar status``: is it up, and how is it."""

from __future__ import annotations

import json
import os
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any

import click

from haar.cli.failure import NOT_RUNNING, Failure, own_command
from haar.cli.settings import configured
from haar.config import default_data
from haar.identity.certificates import bundle_of

TIMEOUT_S = 5
UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")


@click.command()
@click.option("--host", help="Address that haar listens on.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port that haar listens on.")
@click.option("--data", type=click.Path(path_type=Path), help="Data directory, for --tls.")
@click.option("--tls", is_flag=True, default=None, help="haar speaks TLS.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def status(
    *, host: str | None, port: int | None, data: Path | None, tls: bool | None, as_json: bool
) -> None:
    """Tell whether haar is up, and how it is. Exit status 1 if it is not."""
    config = configured(host=host, port=port, data=data, tls=tls)
    endpoint = config.endpoint()
    health = ask(endpoint, bundle_of(config, config.data or default_data()))
    figures = {"endpoint": endpoint, **health, **local_figures(health)}
    if as_json:
        click.echo(json.dumps(figures, indent=2))
        return
    for line in lines(figures):
        click.echo(line)


def connect(endpoint: str, bundle: Path | None) -> HTTPConnection:
    """Return a connection to an endpoint.

    Args:
        endpoint: a URL.
        bundle: what to trust; None for what everybody trusts.

    Raises:
        Failure: the bundle is not there.
    """
    scheme, _, place = endpoint.partition("://")
    if scheme == "http":
        return HTTPConnection(place, timeout=TIMEOUT_S)
    if bundle is not None and not bundle.exists():
        raise Failure(f"there is no {bundle}: `haar up --tls` makes it.")
    context = ssl.create_default_context(cafile=bundle)
    return HTTPSConnection(place, timeout=TIMEOUT_S, context=context)


def ask(endpoint: str, bundle: Path | None = None) -> dict[str, Any]:
    """Return what the server says of itself.

    Args:
        endpoint: where it is.
        bundle: what to trust there; None for what everybody trusts.

    Raises:
        Failure: nobody answers there, or somebody else.
    """
    connection = connect(endpoint, bundle)
    try:
        connection.request("GET", "/_haar/health")
        answer = connection.getresponse()
        health = json.loads(answer.read())
    except OSError as err:
        sentence = f"haar is not running at {endpoint}; `{own_command()} up` starts it."
        raise Failure(sentence, NOT_RUNNING) from err
    except (HTTPException, ValueError) as err:
        raise Failure(f"what answers at {endpoint} is not haar.", NOT_RUNNING) from err
    finally:
        connection.close()
    if answer.status != 200 or "version" not in health:
        raise Failure(f"what answers at {endpoint} is not haar.", NOT_RUNNING)
    return dict(health)


def local_figures(health: dict[str, Any]) -> dict[str, Any]:
    """Return what this machine knows of the server, where the server is on it."""
    figures: dict[str, Any] = {}
    data = health.get("data")
    if data and os.access(data, os.R_OK):
        figures["data_bytes"] = sum(sizes(Path(data)))
        figures["free_bytes"] = shutil.disk_usage(data).free
    memory = resident_bytes(int(health.get("pid", 0)))
    if memory is not None:
        figures["memory_bytes"] = memory
    return figures


def sizes(directory: Path) -> Iterator[int]:
    """Yield the size of each file below a directory, passing over files that go meanwhile."""
    for parent, _, names in os.walk(directory):
        for name in names:
            try:
                yield (Path(parent) / name).lstat().st_size
            except OSError:
                continue


def resident_bytes(pid: int) -> int | None:
    """Return the memory that a process holds, None where it cannot be told."""
    ps = shutil.which("ps")
    path = Path(f"/proc/{pid}/statm")
    if path.exists():
        return int(path.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    if ps is None or pid <= 0:
        return None
    said = subprocess.run(  # noqa: S603  # our own command, a number as its argument
        [ps, "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout.strip()
    return int(said) * 1024 if said.isdigit() else None


def lines(figures: dict[str, Any]) -> Iterator[str]:
    """Yield the report's lines."""
    yield f"haar {figures['version']} is up at {figures['endpoint']}"
    if "uptime_seconds" in figures:
        yield f"  uptime    {duration(figures['uptime_seconds'])}"
    yield f"  process   {figures.get('pid', '?')}"
    if "memory_bytes" in figures:
        yield f"  memory    {size(figures['memory_bytes'])}"
    yield f"  data      {figures.get('data') or 'in memory only'}"
    if "data_bytes" in figures:
        yield f"  on disk   {size(figures['data_bytes'])}, {size(figures['free_bytes'])} free"
    if figures.get("stuck_jobs"):
        yield f"  stuck     {figures['stuck_jobs']} jobs fail again and again; the log tells why"
    for name, state in sorted(figures.get("services", {}).items()):
        yield f"  {state:9} {name}"


def size(count: int) -> str:
    """Return a number of bytes as people read it."""
    amount = float(count)
    for unit in UNITS:
        if amount < 1024 or unit == UNITS[-1]:
            return f"{amount:.0f} {unit}" if unit == UNITS[0] else f"{amount:.1f} {unit}"
        amount /= 1024
    raise AssertionError("the last unit takes everything")


def duration(seconds: int) -> str:
    """Return a duration as people read it."""
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = ((days, "d"), (hours, "h"), (minutes, "min"), (seconds, "s"))
    return " ".join(f"{count} {unit}" for count, unit in parts if count) or "0 s"
