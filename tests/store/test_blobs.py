"""What every place of large bytes promises (haar.store.blobs), in memory and in files."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from zlib import crc32

import pytest

from haar.kernel.entropy import SeededEntropy
from haar.store.blob_files import FileBlobs
from haar.store.blobs import INLINE_BYTES_MAX, Blob, BlobDamaged, Blobs
from haar.store.memory import MemoryBlobs

PIECE_BYTES_MAX = 256 * 1024
SIZES = [
    *(0, 1, INLINE_BYTES_MAX - 1, INLINE_BYTES_MAX, INLINE_BYTES_MAX + 1),
    *(PIECE_BYTES_MAX, PIECE_BYTES_MAX + 1, 3 * 1024 * 1024 + 7),
]


@pytest.fixture(params=["memory", "files"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Blobs:
    """A place of large bytes, empty."""
    if request.param == "memory":
        return MemoryBlobs()
    return FileBlobs(tmp_path / "blobs", SeededEntropy(1))


def sample(size: int) -> bytes:
    """Return bytes in which no two places look alike."""
    return b"".join(n.to_bytes(4, "big") for n in range(size // 4 + 1))[:size]


async def pieces(data: bytes, size: int = 100_000) -> AsyncIterator[bytes]:
    for at in range(0, len(data), size):
        yield data[at : at + size]


async def whole(blobs: Blobs, blob: Blob, **part: int) -> bytes:
    """Return what a read yields, and check its pieces."""
    found = [piece async for piece in blobs.read(blob, **part)]
    assert all(0 < len(piece) <= PIECE_BYTES_MAX for piece in found)
    return b"".join(found)


@pytest.mark.parametrize("size", SIZES)
async def test_what_was_written_is_read(blobs: Blobs, size: int) -> None:
    """Every size comes back whole; few bytes ride in the record, many lie in a file."""
    data = sample(size)
    blob = await blobs.write(pieces(data))
    assert blob.size == size
    assert await whole(blobs, blob) == data
    assert bool(blob.name) == (size > INLINE_BYTES_MAX)
    assert blob.inline == (b"" if blob.name else data)


@pytest.mark.parametrize("size", [1000, 1_000_000])
@pytest.mark.parametrize(
    ("start", "length"), [(0, 1), (999, 1), (500, 10_000_000), (0, 0), (1_000_000, 5), (123, 456)]
)
async def test_a_part_is_read(blobs: Blobs, size: int, start: int, length: int) -> None:
    """A range gives its bytes, as many as there are."""
    data = sample(size)
    blob = await blobs.write(pieces(data))
    assert await whole(blobs, blob, start=start, length=length) == data[start : start + length]
    assert await whole(blobs, blob, start=start) == data[start:]


async def test_parts_are_put_together(blobs: Blobs) -> None:
    """Small and large ones in any order make one; the old ones stay until they are removed."""
    data = [sample(size) for size in (10, 200_000, 0, 70_000, 5)]
    parts = [await blobs.write(pieces(one)) for one in data]
    joined = await blobs.concatenate(parts)
    assert await whole(blobs, joined) == b"".join(data)
    assert await whole(blobs, parts[1]) == data[1]
    assert (await blobs.concatenate([])).size == 0


async def test_who_reads_while_it_is_removed_reads_on(blobs: Blobs) -> None:
    """A download that began before a delete ends well; removing twice does no harm."""
    data = sample(1_000_000)
    blob = await blobs.write(pieces(data))
    reading = blobs.read(blob)
    first = await anext(reading)
    await blobs.remove(blob)
    await blobs.remove(blob)
    assert first + b"".join([piece async for piece in reading]) == data


async def test_an_upload_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    """A client that goes away in the middle leaves no file behind."""
    blobs = FileBlobs(tmp_path / "blobs", SeededEntropy(1))

    async def breaking() -> AsyncIterator[bytes]:
        yield bytes(3_000_000)
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await blobs.write(breaking())
    assert [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()] == []


def descriptors() -> list[Path]:
    """Return what this process has open."""
    return sorted(Path("/proc/self/fd").iterdir())


async def test_an_upload_that_is_cancelled_at_any_step_leaves_nothing(tmp_path: Path) -> None:
    """Whenever its caller goes away, an upload gives back its descriptor and its file."""
    blobs = FileBlobs(tmp_path / "blobs", SeededEntropy(1))
    await blobs.write(pieces(b"", 1))
    before = descriptors()
    for turns in range(1, 20):
        upload = asyncio.create_task(blobs.write(pieces(bytes(3_000_000))))
        for _ in range(turns):
            await asyncio.sleep(0)
        upload.cancel()
        with pytest.raises(asyncio.CancelledError):
            await upload
    assert descriptors() == before
    assert [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()] == []


async def test_uploads_that_break_off_do_not_spoil_a_snapshot(tmp_path: Path) -> None:
    """Files that come and go while a copy is made are none of its own."""
    blobs = FileBlobs(tmp_path / "blobs", SeededEntropy(1))
    kept = await blobs.write(pieces(sample(100_000)))
    is_done = False

    async def breaking() -> AsyncIterator[bytes]:
        yield bytes(100_000)
        raise ConnectionResetError

    async def upload() -> None:
        while not is_done:
            with pytest.raises(ConnectionResetError):
                await blobs.write(breaking())

    async def nothing() -> None: ...

    uploads = [asyncio.create_task(upload()) for _ in range(8)]
    for n in range(12):
        await blobs.link_into(tmp_path / str(n), nothing)
    is_done = True
    await asyncio.gather(*uploads)
    copy = FileBlobs(tmp_path / "11", SeededEntropy(2))
    assert await whole(copy, kept) == sample(100_000)


async def test_the_sweep_removes_what_nobody_refers_to(tmp_path: Path) -> None:
    """What a crash left between the file and its transaction is given back after the start."""
    before = FileBlobs(tmp_path / "blobs", SeededEntropy(1))
    kept, lost = [await before.write(pieces(bytes(100_000))) for _ in range(2)]
    blobs = FileBlobs(tmp_path / "blobs", SeededEntropy(2))
    own = await blobs.write(pieces(bytes(100_000)))
    assert await blobs.sweep(lambda name: name == kept.name) == 1
    for blob in (kept, own):
        assert await whole(blobs, blob) == bytes(100_000)
    with pytest.raises(FileNotFoundError):
        await whole(blobs, lost)


def flip(path: Path, at: int) -> None:
    """Change one bit of a file."""
    raw = bytearray(path.read_bytes())
    raw[at] ^= 4
    path.write_bytes(raw)


async def gather_into(seen: list[bytes], reading: AsyncIterator[bytes]) -> None:
    async for piece in reading:
        seen.append(piece)  # noqa: PERF401  # it is asked what was seen before the error


@pytest.fixture
def kept(tmp_path: Path) -> tuple[FileBlobs, Blob, Path]:
    """A blob of some pieces, and its file."""
    blobs = FileBlobs(tmp_path / "blobs", SeededEntropy(1))
    blob = asyncio.run(blobs.write(pieces(sample(700_000))))
    return blobs, blob, next(path for path in (tmp_path / "blobs").rglob("*") if path.is_file())


async def test_a_file_that_became_shorter_is_noticed(kept: tuple[FileBlobs, Blob, Path]) -> None:
    """A read that finds fewer bytes than the record says fails; it does not end early."""
    blobs, blob, path = kept
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(BlobDamaged):
        await whole(blobs, blob)
    with pytest.raises(BlobDamaged):
        await whole(blobs, blob, start=699_000)


@pytest.mark.parametrize("at", [0, 300_000, 699_999])
async def test_a_flipped_bit_is_noticed(kept: tuple[FileBlobs, Blob, Path], at: int) -> None:
    """No wrong byte is given out: what comes before the error is what was written."""
    blobs, blob, path = kept
    flip(path, at)
    seen: list[bytes] = []
    with pytest.raises(BlobDamaged):
        await gather_into(seen, blobs.read(blob))
    assert sample(700_000).startswith(b"".join(seen))


@pytest.mark.parametrize(("start", "length"), [(300_000, 1), (262_144, 9), (200_000, 200_000)])
async def test_a_flipped_bit_is_noticed_in_a_part(
    kept: tuple[FileBlobs, Blob, Path], start: int, length: int
) -> None:
    """A part is as certain as the whole; parts that the damage is far from are still read."""
    blobs, blob, path = kept
    flip(path, 300_000)
    with pytest.raises(BlobDamaged):
        await whole(blobs, blob, start=start, length=length)
    for far in (0, 600_000):
        assert await whole(blobs, blob, start=far, length=9) == sample(700_000)[far : far + 9]


async def test_a_flipped_checksum_is_noticed(kept: tuple[FileBlobs, Blob, Path]) -> None:
    """Nobody can tell which of both has changed."""
    blobs, blob, path = kept
    flip(path, path.stat().st_size - 1)
    with pytest.raises(BlobDamaged):
        await whole(blobs, blob, start=699_999)


@pytest.mark.parametrize("has_sum", [False, True])
async def test_an_older_blob_is_read(kept: tuple[FileBlobs, Blob, Path], *, has_sum: bool) -> None:
    """Records from before the blocks still give their bytes, checked whole if they have a sum."""
    blobs, blob, path = kept
    data = sample(700_000)
    path.write_bytes(data)
    older = Blob(blob.size, b"", blob.name, crc32(data) if has_sum else None)
    assert await whole(blobs, older) == data
    assert await whole(blobs, older, start=300_000, length=500) == data[300_000:300_500]
    if has_sum:
        flip(path, 699_999)
        with pytest.raises(BlobDamaged):
            await whole(blobs, older)
