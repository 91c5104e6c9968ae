"""The sweep of files that a crash left between their write and the transaction for them."""

from __future__ import annotations

from haar.kernel.logs import Log
from haar.kit.cloud import Cloud
from haar.store.layers import references

log = Log()


async def sweep_files(cloud: Cloud) -> None:
    """Remove the files of earlier processes that no row refers to."""

    def is_kept(name: str) -> bool:
        return cloud.read(lambda tx: references.is_kept(tx, name))

    count = await cloud.blobs.sweep(is_kept)
    if count:
        log.info("files without a reference removed", count=count)
