"""Tags as a row beside that of their resource, where it has any."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from haar.kit.records import Codec
from haar.store.api import Transaction


class Tags(msgspec.Struct, frozen=True, array_like=True):
    """The tags of a resource."""

    tags: dict[str, str]


TAGS = Codec(Tags)


def read_tags(tx: Transaction, key: bytes) -> dict[str, str]:
    """Return the tags that stand at a key."""
    raw = tx.get(key)
    return {} if raw is None else TAGS.decode(raw).tags


def write_tags(tx: Transaction, key: bytes, tags: dict[str, str]) -> None:
    """Replace the tags that stand at a key."""
    if tags:
        tx.put(key, TAGS.encode(Tags(tags)))
    else:
        tx.clear(key)


def without(tags: dict[str, str], names: Iterable[str]) -> dict[str, str]:
    """Return the tags that are left when some are removed; unknown names are no harm."""
    gone = set(names)
    return {name: value for name, value in tags.items() if name not in gone}
