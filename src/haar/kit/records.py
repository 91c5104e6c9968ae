"""Records: stored values as bytes.

A record is a frozen :class:`msgspec.Struct` with ``array_like=True``, written as one version byte
and a MessagePack array. Fields are only ever appended, with defaults, so that the newest code reads
the oldest record; any other change raises the version and brings an upgrade.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

import msgspec

R = TypeVar("R")

_MEMO_MAX = 1024


class Codec(Generic[R]):
    """Encodes and decodes one kind of record.

    Args:
        kind: the struct's class.
        version: the version byte that is written.
        upgrades: from an older version byte to a function from its bytes to the record.

    Attributes:
        kind: the struct's class.
    """

    __slots__ = ("_decoder", "_encoder", "_memo", "_upgrades", "_version", "kind")

    def __init__(
        self,
        kind: type[R],
        version: int = 1,
        upgrades: Mapping[int, Callable[[bytes], R]] | None = None,
    ) -> None:
        self.kind = kind
        self._version = bytes([version])
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(kind)
        self._upgrades = dict(upgrades or {})
        self._memo: dict[bytes, R] = {}

    def encode(self, record: R) -> bytes:
        """Return the stored form."""
        return self._version + self._encoder.encode(record)

    def decode(self, raw: bytes) -> R:
        """Return the record.

        Raises:
            msgspec.DecodeError: bytes that are no such record.
        """
        if raw[:1] == self._version:
            return self._decoder.decode(memoryview(raw)[1:])
        upgrade = self._upgrades.get(raw[0])
        if upgrade is None:
            raise msgspec.DecodeError(f"record version {raw[0]} is not known")
        return upgrade(raw[1:])

    def decode_hot(self, raw: bytes) -> R:
        """Return the record, remembered by its bytes: for rows that nearly every call reads.

        The memo is a pure function's cache (equal bytes, equal record), so it can never be stale.
        """
        record = self._memo.get(raw)
        if record is None:
            if len(self._memo) >= _MEMO_MAX:
                self._memo.clear()
            record = self._memo[raw] = self.decode(raw)
        return record
