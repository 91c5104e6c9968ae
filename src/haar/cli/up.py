"""``haar up``: run until Ctrl-C."""

from __future__ import annotations

import asyncio
import errno
import gc
import ipaddress
import os
import shlex
import signal
import socket
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click
import uvloop

from haar.app import App, build
from haar.cli.failure import DISK_FAILED, Failure, own_command
from haar.cli.settings import configured
from haar.config import PORT, Config, default_data
from haar.fabric.travel import ClockMoved
from haar.identity.certificates import CertificateError
from haar.kernel import logs
from haar.kernel.clock import SystemClock
from haar.store.api import StoreDamaged, StoreStopped
from haar.store.directory import DirectoryError

COLLECTOR_THRESHOLDS = (20_000, 20, 50)
BANNER = """\
haar {version}
  endpoint     {endpoint}
  data         {data}
  credentials  eval "$({command} env{options})"\
"""
DEV_WARNING = """\
  WARNING      --dev: anybody on this machine may sign as any account with the secret "test"\
"""

INSECURE_WARNING = """\
  WARNING      --insecure: what is sent and answered can be read on the network\
"""


@click.command()
@click.option("--data", type=click.Path(path_type=Path), help="Data directory.")
@click.option("--host", help="Address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), help="Port to listen on; 0 takes a free one."
)
@click.option("--dev", is_flag=True, default=None, help="Accept the well-known test credentials.")
@click.option("--tls", is_flag=True, default=None, help="Speak TLS, with haar's own authority.")
@click.option("--tls-cert", metavar="FILE", help="Speak TLS with this certificate (PEM).")
@click.option("--tls-key", metavar="FILE", help="The key of that certificate (PEM).")
@click.option("--insecure", is_flag=True, default=None, help="Let other machines in without TLS.")
def up(**options: Any) -> None:
    """Run haar until Ctrl-C."""
    config = configured(**options)
    if config.data is None:
        config = replace(config, data=default_data())
    refuse_open_dev(config)
    refuse_open_plain(config)
    logs.configure(as_json=config.log_json)
    uvloop.run(serve(config))


def refuse_open_dev(config: Config) -> None:
    """Refuse to accept well-known credentials from other machines.

    Raises:
        Failure: ``--dev`` on an address that is not of the loopback.
    """
    if config.dev and not is_loopback(config.host):
        raise Failure(
            f"--dev accepts credentials that everybody knows, so it listens on the loopback "
            f"address only, not on {config.host}."
        )


def refuse_open_plain(config: Config) -> None:
    """Refuse to speak without TLS where others may listen, unless told to.

    Raises:
        Failure: an address that is not of the loopback, without TLS.
    """
    if not (config.is_tls or config.insecure or is_loopback(config.host)):
        raise Failure(
            f"other machines can reach {config.host or 'every address'}, so haar speaks TLS there: "
            "add --tls (or --tls-cert and --tls-key), or --insecure if the network is trusted."
        )


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach ``host``."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def serve(config: Config) -> None:
    """Start, print the banner, and stop when told to."""
    clock = SystemClock()
    started_ms = clock.monotonic_ms()
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for one in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(one, told.set)
    gc.disable()  # until it is ready: nearly all that is made on the way stays
    app = build(config)
    failures: list[StoreStopped] = []

    def stop(reason: StoreStopped) -> None:
        failures.append(reason)
        told.set()

    app.on_stop = stop
    await start(app, config)
    port = int(app.endpoint.rpartition(":")[2])
    endpoint = config.endpoint(port)
    calm_collector()
    click.echo(banner(config, endpoint, port))
    click.echo(f"ready {endpoint} in {clock.monotonic_ms() - started_ms:.0f} ms")
    await told.wait()
    for one in (signal.SIGINT, signal.SIGTERM):
        loop.remove_signal_handler(one)  # a second Ctrl-C does not wait for the drain
    await end(app, failures)


def calm_collector() -> None:
    """Let the cyclic garbage collector run seldom, and never over what lives as long as haar.

    Models, codecs and policies are hundreds of thousands of objects that refer to each other; a
    request makes few cycles, if any. Walking over all of them took a tenth of a request's time.
    """
    gc.freeze()
    gc.enable()
    gc.set_threshold(*COLLECTOR_THRESHOLDS)


async def end(app: App, failures: list[StoreStopped]) -> None:
    """Drain and close.

    Raises:
        Failure: the disk failed, before or now; what was acknowledged is there at the next start.
    """
    try:
        await app.stop()
    except StoreStopped as err:
        failures.append(err)
    if failures:
        raise Failure(f"stopped, because {failures[0]}.", DISK_FAILED)


async def start(app: App, config: Config) -> None:
    """Start the app.

    Raises:
        Failure: the port or the data directory cannot be had.
    """
    try:
        await app.start()
    except (DirectoryError, CertificateError) as err:
        raise Failure(f"{err}.") from err
    except StoreDamaged as err:
        raise Failure(
            f"the data is damaged ({err}); `haar snapshot restore` puts back a copy.", DISK_FAILED
        ) from err
    except ClockMoved as err:
        raise Failure(
            "the time of this data was moved; go on with --dev, or set it back there with "
            "`haar clock real`."
        ) from err
    except StoreStopped as err:
        raise Failure(f"haar cannot start: {err}.", DISK_FAILED) from err
    except socket.gaierror as err:
        raise Failure(f"cannot listen on {config.host}: no such host name is known.") from err
    except OSError as err:
        if err.errno == errno.EADDRINUSE:
            place = f"port {config.port} of {config.host}"
            raise Failure(f"{place} is in use; choose another one with --port.") from err
        if err.errno in {errno.EADDRNOTAVAIL, errno.EACCES}:
            raise Failure(
                f"cannot listen on {config.host} port {config.port}: {os.strerror(err.errno)}."
            ) from err
        raise Failure(f"haar cannot start: {err}.") from err


def banner(config: Config, endpoint: str, port: int) -> str:
    """Return what is said at the start."""
    assert config.data is not None, "`haar up` always has a data directory"
    options = "" if config.data == default_data() else f" --data {shlex.quote(str(config.data))}"
    options += "" if port == PORT else f" --port {port}"
    options += " --tls" if config.is_tls else ""
    said = BANNER.format(
        version=version("haar"),
        endpoint=endpoint,
        data=config.data,
        command=own_command(),
        options=options,
    )
    return "\n".join([said, *warnings(config)])


def warnings(config: Config) -> list[str]:
    """Return what whoever starts haar like this should know."""
    is_open = not (config.is_tls or is_loopback(config.host))
    return [DEV_WARNING] * config.dev + [INSECURE_WARNING] * is_open
