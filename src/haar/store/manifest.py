"""A look at RocksDB's manifest before RocksDB reads it.

RocksDB verifies a checksum of each record of its manifest, with one hole: a type byte that was
damaged into a type of recycled logs makes it walk in a circle for ever. Manifests are never
recycled, so that such a type proves damage. The format is blocks of 32 KiB, each of records:

=======  ==============================================
bytes    meaning
=======  ==============================================
4        CRC-32C of type and content (RocksDB's to check)
2        length of the content, little-endian
1        type: 1 to 4, or 0 in what was never written
length   content
=======  ==============================================

Source: RocksDB wiki, Write Ahead Log File Format.
"""

from __future__ import annotations

from pathlib import Path

from haar.store.api import StoreDamaged

_BLOCK = 32 * 1024
_HEADER = 7
_TYPES = frozenset((0, 1, 2, 3, 4))


def check_manifests(directory: Path) -> None:
    """Look at every manifest of a store.

    Raises:
        StoreDamaged: one has records that no manifest has.
    """
    for path in directory.glob("MANIFEST-*"):
        if not _TYPES.issuperset(_types(path.read_bytes())):
            raise StoreDamaged(f"{path} is damaged")


def _types(manifest: bytes) -> set[int]:
    found: set[int] = set()
    for block in range(0, len(manifest), _BLOCK):
        at, end = block, min(block + _BLOCK, len(manifest))
        while at + _HEADER <= end:
            found.add(manifest[at + 6])
            at += _HEADER + int.from_bytes(manifest[at + 4 : at + 6], "little")
    return found
