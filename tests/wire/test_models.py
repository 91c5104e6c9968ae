"""Service models: compact files that are kept, checked, and made anew when they are not right."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from haar.wire import models
from haar.wire.models import ModelCatalog, UnknownModel


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the models that were read from botocore's own files, in order."""
    names: list[str] = []
    build = ModelCatalog._build

    def noting(self: ModelCatalog, name: str) -> bytes:
        names.append(name)
        return build(self, name)

    monkeypatch.setattr(ModelCatalog, "_build", noting)
    return names


def shapes(catalog: ModelCatalog) -> dict[str, object]:
    model = catalog.service("sts")
    return {name: model.shape(name) for name in model.shape_names()}


def test_a_model_is_read_from_botocore_once(tmp_path: Path, built: list[str]) -> None:
    """The second start finds the compact file, and the same shapes in it."""
    first = shapes(ModelCatalog(tmp_path))
    assert shapes(ModelCatalog(tmp_path)) == first
    assert built == ["sts"]


@pytest.mark.parametrize("at", [0, 3, 5, 9, 1000, -1])
def test_a_damaged_file_is_made_anew(tmp_path: Path, built: list[str], at: int) -> None:
    """One wrong byte anywhere is noticed; nobody is served from it."""
    first = shapes(ModelCatalog(tmp_path))
    (path,) = tmp_path.iterdir()
    raw = bytearray(path.read_bytes())
    raw[at] ^= 0x40
    path.write_bytes(raw)
    assert shapes(ModelCatalog(tmp_path)) == first
    assert shapes(ModelCatalog(tmp_path)) == first
    assert built == ["sts", "sts"]


@pytest.mark.parametrize("kept", [0, 3, 8, 500])
def test_half_a_file_is_made_anew(tmp_path: Path, built: list[str], kept: int) -> None:
    """A file that was cut off by a full disk counts for nothing."""
    first = shapes(ModelCatalog(tmp_path))
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:kept])
    assert shapes(ModelCatalog(tmp_path)) == first
    assert built == ["sts", "sts"]


def test_another_botocore_makes_its_own(
    tmp_path: Path, built: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file is of one version of botocore."""
    shapes(ModelCatalog(tmp_path))
    monkeypatch.setattr(models, "botocore_version", lambda root: "999.0")
    shapes(ModelCatalog(tmp_path))
    shapes(ModelCatalog(tmp_path))
    assert built == ["sts", "sts"]


def test_a_directory_that_cannot_be_written_is_no_harm(tmp_path: Path) -> None:
    """The cache is a help, not a need."""
    (tmp_path / "cache").write_text("a file where a directory should be")
    assert shapes(ModelCatalog(tmp_path / "cache")) == shapes(ModelCatalog(None))


def test_many_processes_may_write_at_once(tmp_path: Path) -> None:
    """Readers see whole files only, and no scratch file stays."""
    catalogs = [ModelCatalog(tmp_path) for _ in range(4)]
    threads = [threading.Thread(target=shapes, args=(catalog,)) for catalog in catalogs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [path.name for path in tmp_path.iterdir()] == ["sts.model"]
    assert models.read_cache(tmp_path / "sts.model") is not None


@pytest.mark.parametrize("name", ["nothing", "", "..", "../data/sts", "/etc"])
def test_what_botocore_does_not_have_is_unknown(name: str) -> None:
    """A name is a name, never a path."""
    with pytest.raises(UnknownModel):
        ModelCatalog(None).service(name)
