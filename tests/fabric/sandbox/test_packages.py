"""Archives of code: what is unpacked, and what is refused."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import stat
import zipfile
from pathlib import Path
from typing import Any

import pytest

from haar.fabric.sandbox import packages
from haar.fabric.sandbox.packages import BadPackage, Packages, PackageTooLarge, unpack_whole

LINK = (stat.S_IFLNK | 0o777) << 16


def archive(*entries: tuple[str, bytes, int]) -> bytes:
    """Return a zip of (name, content, external attributes)."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content, attributes in entries:
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = attributes
            made.writestr(info, content)
    return buffer.getvalue()


def test_files_modes_and_inner_links_are_unpacked(tmp_path: Path) -> None:
    """Files lie where the archive says, programs stay programs, links inside work."""
    unpack_whole(
        archive(
            ("link", b"deep/file", LINK),
            ("deep/file", b"content", 0o600 << 16),
            ("bootstrap", b"#!/bin/sh\n", 0o755 << 16),
            ("plain", b"", 0),
        ),
        tmp_path / "code",
    )
    code = tmp_path / "code"
    assert (code / "link").read_bytes() == b"content"
    assert os.access(code / "bootstrap", os.X_OK)
    assert stat.S_IMODE((code / "deep" / "file").stat().st_mode) == 0o644
    assert stat.S_IMODE((code / "plain").stat().st_mode) == 0o644


@pytest.mark.parametrize(
    "entries",
    [
        [("../escaped", b"x", 0)],
        [("a/../../escaped", b"x", 0)],
        [("/escaped", b"x", 0)],
        [("..\\escaped", b"x", 0)],
        [("out", b"../escaped", LINK)],
        [("out", b"/etc/passwd", LINK)],
        [("out", b"..", LINK), ("out/escaped", b"x", 0)],
        [("a/out", b"b/../../escaped", LINK), ("a/b", b"..", LINK)],
        [("a", b"d/..", LINK), ("d", b".", LINK), ("a/made/link", b"x", LINK)],
        [("endless", b"./" * 3000 + b"x", LINK)],
        [("same", b"1", 0), ("same", b"2", 0)],
        [("same", b"1", 0), ("./same", b"2", 0)],
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_archive_that_reaches_out_is_refused_and_leaves_nothing(
    tmp_path: Path, entries: list[Any]
) -> None:
    """No entry is written outside of its directory, and a refused archive leaves no trace."""
    inside = tmp_path / "cache"
    inside.mkdir()
    with pytest.raises(BadPackage):
        unpack_whole(archive(*entries), inside / "code")
    assert list(inside.iterdir()) == []
    assert list(tmp_path.iterdir()) == [inside]


@pytest.mark.parametrize("data", [b"", b"PK", b"no zip at all", archive(("a", b"x" * 99, 0))[:-30]])
def test_what_is_no_archive_is_refused(tmp_path: Path, data: bytes) -> None:
    """Bytes that are no zip are a BadPackage, whatever zipfile says of them."""
    with pytest.raises(BadPackage):
        unpack_whole(data, tmp_path / "code")


def test_an_archive_that_unpacks_to_too_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bound is on what comes out, not on what the archive says of itself."""
    monkeypatch.setattr(packages, "UNPACKED_BYTES_MAX", 1_000_000)
    bomb = archive(("a", bytes(600_000), 0), ("b", bytes(600_000), 0))
    assert len(bomb) < 10_000
    with pytest.raises(PackageTooLarge):
        unpack_whole(bomb, tmp_path / "code")
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    """A content that does not match its checksum is a BadPackage."""
    data = bytearray(archive(("a", os.urandom(1000), 0)))
    data[200] ^= 0xFF
    with pytest.raises(BadPackage):
        unpack_whole(bytes(data), tmp_path / "code")


def test_damage_anywhere_in_an_archive_is_refused_or_does_no_harm(tmp_path: Path) -> None:
    """Whatever byte is wrong, the archive is a BadPackage or unpacks: zipfile raises much else."""
    whole = archive(("a", b"content " * 50, 0), ("b", os.urandom(50) * 4, 0))
    unpacked = 0
    for at in range(len(whole)):
        data = bytearray(whole)
        data[at] ^= 0xFF
        with contextlib.suppress(BadPackage):
            unpack_whole(bytes(data), tmp_path / str(at))
            unpacked += 1
    assert 0 < unpacked < len(whole)


def test_a_package_is_whole_though_whoever_unpacked_it_went_away(tmp_path: Path) -> None:
    """A cancelled caller's thread goes on: the next one waits for it, and finds its work."""

    async def body() -> None:
        cache = Packages(tmp_path / "cache")
        data = archive(("a", bytes(20_000_000), 0))
        first = asyncio.create_task(cache.unpack(data, "hash"))
        await asyncio.sleep(0)  # it has begun
        first.cancel()
        path = await cache.unpack(data, "hash")
        assert [file.name for file in path.iterdir()] == ["a"]
        with pytest.raises(asyncio.CancelledError):
            await first
        assert [entry.name for entry in (tmp_path / "cache").iterdir()] == ["hash"]

    asyncio.run(body())


def test_the_cache_begins_empty_and_unpacks_once(tmp_path: Path) -> None:
    """What an earlier process left is gone; the same archive is not unpacked twice."""
    (tmp_path / "cache" / "left").mkdir(parents=True)

    async def body() -> Any:
        cache = Packages(tmp_path / "cache")
        data = archive(("a", b"1", 0))
        assert cache.find("hash") is None
        paths = await asyncio.gather(*(cache.unpack(data, "hash") for _ in range(3)))
        assert set(paths) == {cache.find("hash")}
        assert [path.name for path in (tmp_path / "cache").iterdir()] == ["hash"]

    asyncio.run(body())


def test_packages_beyond_the_bound_go_unless_they_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oldest packages make room, but for those that processes use."""
    monkeypatch.setattr(packages, "PACKAGES_MAX", 2)

    async def body() -> Any:
        cache = Packages(tmp_path / "cache")
        for name in ("one", "two", "three", "four"):
            await cache.unpack(archive(("a", b"1", 0)), name)
        await cache.trim({tmp_path / "cache" / "one"})
        return {path.name for path in (tmp_path / "cache").iterdir()}

    assert asyncio.run(body()) == {"one", "four"}
