"""``haar env``: exports for a shell, so that AWS clients speak to haar.

Made from the credentials file alone, so that it works whether haar runs or not.
"""

from __future__ import annotations

import shlex
import sys
from configparser import ConfigParser
from configparser import Error as NotIni
from pathlib import Path

import click

from haar.cli.failure import Failure, own_command
from haar.cli.settings import configured
from haar.config import Config, default_data
from haar.identity.certificates import bundle_of
from haar.identity.credentials import FILE_NAME

STALE = ("AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "AWS_PROFILE")
"""Variables of another account that would be sent along with the new keys."""

BUNDLE = "AWS_CA_BUNDLE"

FUNCTION = (
    "unalias aws 2>/dev/null || :",
    'eval \'aws() { command aws ${AWS_ENDPOINT_URL:+--endpoint-url="$AWS_ENDPOINT_URL"} "$@"; }\'',
)
"""Tells the AWS CLI the endpoint as an option, unless one is typed behind it.

Version 1 asks AWS for SQS without that option, whatever variables and files say. The function is
evaluated by itself, because zsh reads aliases in all that it evaluates before it drops any."""


@click.command()
@click.option("--data", type=click.Path(path_type=Path), help="Data directory.")
@click.option("--host", help="Address that haar listens on.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port that haar listens on.")
@click.option("--tls", is_flag=True, default=None, help="haar speaks TLS.")
def env(*, data: Path | None, host: str | None, port: int | None, tls: bool | None) -> None:
    """Print exports that point AWS clients at haar: eval "$(haar env)"."""
    config = configured(data=data, host=host, port=port, tls=tls)
    directory = config.data or default_data()
    key = read_key(directory)
    bundle = bundle_of(config, directory)
    stale = STALE if bundle is not None else (*STALE, BUNDLE)
    click.echo(f"unset {' '.join(stale)}")
    for name, value in exports(config, *key, bundle).items():
        click.echo(f"export {name}={shlex.quote(value)}")
    for line in FUNCTION:
        click.echo(line)
    if sys.stdout.isatty():  # somebody reads it, who wants a shell to
        click.echo(f'# Nothing is set yet. To set it: eval "$({shlex.join(typed())})"')


def typed() -> list[str]:
    """Return the command as it was typed."""
    return [own_command(), *sys.argv[1:]]


def exports(
    config: Config, access_key_id: str, secret: str, bundle: Path | None = None
) -> dict[str, str]:
    """Return the variables that AWS clients read.

    Args:
        config: where haar listens.
        access_key_id: of the root.
        secret: of the root.
        bundle: what clients must trust; None where that needs no telling.
    """
    return {
        **({BUNDLE: str(bundle.absolute())} if bundle is not None else {}),
        "AWS_ENDPOINT_URL": config.endpoint(),
        "AWS_REGION": config.region,
        "AWS_DEFAULT_REGION": config.region,
        "AWS_ACCESS_KEY_ID": access_key_id,
        "AWS_SECRET_ACCESS_KEY": secret,
        # Host names like "sync-states.127.0.0.1" lead nowhere.
        "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
    }


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
        up = f"`{own_command()} up`"
        raise Failure(
            f"there are no credentials in {data} yet; {up} makes them at its first start."
        ) from err
    except PermissionError as err:
        raise Failure(f"{path} is not yours to read.") from err
    except (OSError, ValueError, NotIni, KeyError) as err:
        raise Failure(f"{path} is damaged; `{own_command()} up` writes it anew.") from err
