"""The generated pages say what the code says."""

import importlib.util
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
DOCS = Path(__file__).parents[2] / "docs"


def test_the_generated_pages_are_of_this_code() -> None:
    """A page that was not written anew would tell of operations that are not there."""
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    written = generate.pages()
    stale = [
        path.name for path, text in written.items() if not path.exists() or path.read_text() != text
    ]
    assert not stale, "run 'make docs'"
    assert {path.name for path in (DOCS / "services").glob("*.md")} == {
        path.name for path in written if path.parent.name == "services"
    }


@pytest.mark.parametrize(
    "page", sorted((DOCS / "services").glob("*.md")), ids=lambda path: path.stem
)
def test_a_difference_that_is_told_is_tested(page: Path) -> None:
    """A page that says where something is tested names a file of tests."""
    named = set(re.findall(r"`(test_\w+\.py)`", page.read_text()))
    known = {path.name for path in TESTS.rglob("test_*.py")}
    assert not named - known
