"""Libraries of the extra ``haar[transfers]``: imported when they are first needed."""

from __future__ import annotations

import importlib
from importlib.util import find_spec
from types import ModuleType

from haar.kernel.errors import NotImplementedByHaar


def require(name: str, what: str) -> None:
    """Refuse what needs a library that is not installed.

    Raises:
        NotImplementedByHaar: names ``what``, and the extra that brings the library.
    """
    try:
        found = find_spec(name)
    except ModuleNotFoundError:  # of the package above it
        found = None
    if found is None:
        raise NotImplementedByHaar(what=f"{what} unless haar[transfers] is installed")


def module(name: str) -> ModuleType:
    """Return a library's module."""
    return importlib.import_module(name)
