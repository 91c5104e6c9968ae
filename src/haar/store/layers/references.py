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

from collections.abc import Callable
from typing import TypeVar

from haar.kernel.errors import ApiError
from haar.store.api import Store, Transaction
from haar.store.blobs import Blob, Blobs
from haar.store.subspace import Subspace

T = TypeVar("T")

_BLOB = Subspace("blob")


def refer(tx: Transaction, blob: Blob) -> None:
    """Keep a blob's file, if it has one."""
    if blob.name:
        tx.put(_BLOB.pack(blob.name), b"")


def forget(tx: Transaction, blob: Blob) -> None:
    """Keep a blob's file no longer; removing it is the caller's, after the commit."""
    if blob.name:
        tx.clear(_BLOB.pack(blob.name))


async def adopt(store: Store, blobs: Blobs, blob: Blob, body: Callable[[Transaction], T]) -> T:
    """Run the transaction that puts a new blob in a row, and refer to it; remove it if refused.

    Only then: a call that was cancelled may have been committed.
    """

    def adopting(tx: Transaction) -> T:
        refer(tx, blob)
        return body(tx)

    try:
        return await store.transact(adopting)
    except ApiError:
        await blobs.remove(blob)
        raise


def is_kept(tx: Transaction, name: str) -> bool:
    """Whether some row refers to a file."""
    return tx.get(_BLOB.pack(name)) is not None
