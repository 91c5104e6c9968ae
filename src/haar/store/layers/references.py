"""References to files of blobs: which of them some row needs.

============================  =====================================================
key                           value
============================  =====================================================
``blob, NAME``                empty; there while a row of some service refers to it
============================  =====================================================

Whoever stores a :class:`haar.store.blobs.Blob` in a row refers to it in the same transaction, and
forgets it in the transaction that drops that row. A file without its row here is swept at the next
start. A reference that moves from one row to another needs nothing.
"""

from __future__ import annotations

from haar.store.api import Transaction
from haar.store.blobs import Blob
from haar.store.subspace import Subspace

_BLOB = Subspace("blob")


def refer(tx: Transaction, blob: Blob) -> None:
    """Keep a blob's file, if it has one."""
    if blob.name:
        tx.put(_BLOB.pack(blob.name), b"")


def forget(tx: Transaction, blob: Blob) -> None:
    """Keep a blob's file no longer; removing it is the caller's, after the commit."""
    if blob.name:
        tx.clear(_BLOB.pack(blob.name))


def is_kept(tx: Transaction, name: str) -> bool:
    """Whether some row refers to a file."""
    return tx.get(_BLOB.pack(name)) is not None
