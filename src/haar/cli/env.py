"""``haar env``: exports for a shell, so that AWS clients speak to haar.

Made from the credentials file alone, so that it works whether haar runs or not.
"""

from __future__ import annotations

import shlex
from configparser import ConfigParser
from configparser import Error as NotIni
from pathlib import Path

import click

from haar.cli.failure import Failure
from haar.cli.settings import configured
from haar.config import Config, default_data
from haar.identity.credentials import FILE_NAME

STALE = ("AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "AWS_PROFILE")
"""Variables of another account that would be sent along with the new keys."""


@click.command()
@click.option("--data", type=click.Path(path_type=Path), help="Data directory.")
@click.option("--host", help="Address that haar listens on.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port that haar listens on.")
def env(*, data: Path | None, host: str | None, port: int | None) -> None:
    """Print exports that point AWS clients at haar: eval "$(haar env)"."""
    config = configured(data=data, host=host, port=port)
    key = read_key(config.data or default_data())
    click.echo(f"unset {' '.join(STALE)}")
    for name, value in exports(config, *key).items():
        click.echo(f"export {name}={shlex.quote(value)}")


def exports(config: Config, access_key_id: str, secret: str) -> dict[str, str]:
    """Return the variables that AWS clients read."""
    return {
        "AWS_ENDPOINT_URL": endpoint_of(config.host, config.port),
        "AWS_REGION": config.region,
        "AWS_DEFAULT_REGION": config.region,
        "AWS_ACCESS_KEY_ID": access_key_id,
        "AWS_SECRET_ACCESS_KEY": secret,
        # Host names like "sync-states.127.0.0.1" lead nowhere.
        "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
    }


def endpoint_of(host: str, port: int) -> str:
    """Return the URL of a server on this machine; an address of all interfaces is not one."""
    if host in {"", "0.0.0.0", "::"}:  # noqa: S104  # compared, not bound
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def read_key(data: Path) -> tuple[str, str]:
    """Return access key id and secret of a data directory.

    Raises:
        Failure: there is no such directory yet, or nothing readable in it.
    """
    path = data / FILE_NAME
    keys = ConfigParser(interpolation=None)
    try:
        keys.read_string(path.read_text())
        return keys["default"]["aws_access_key_id"], keys["default"]["aws_secret_access_key"]
    except FileNotFoundError as err:
        raise Failure(
            f"there are no credentials in {data} yet; `haar up` makes them at its first start."
        ) from err
    except PermissionError as err:
        raise Failure(f"{path} is not yours to read.") from err
    except (OSError, ValueError, NotIni, KeyError) as err:
        raise Failure(f"{path} is damaged; `haar up` writes it anew.") from err
