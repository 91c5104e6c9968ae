"""The settings of a command: options, then variables, then defaults."""

from __future__ import annotations

from typing import Any

from haar.cli.failure import Failure
from haar.config import BadSetting, Config, from_environment


def configured(**chosen: Any) -> Config:
    """Return the configuration that options and variables make.

    Args:
        chosen: options by name; None means not chosen.

    Raises:
        Failure: a variable's text is no value of its setting.
    """
    try:
        return from_environment(**chosen)
    except BadSetting as err:
        raise Failure(str(err)) from err
