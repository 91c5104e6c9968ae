"""The tree keeps the shape that the design gives it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "haar"
LEDGERS = ROOT / "tests" / "ledgers"
MODULES = sorted(SOURCE.rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("test_*.py"))

FUNCTION_LINES_MAX = 60
FILE_LINES_MAX = 600


def ids(path: Path) -> str:
    return str(path.relative_to(ROOT))


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def lines_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    body = function.body
    has_docstring = ast.get_docstring(function) is not None
    first = body[1] if has_docstring and len(body) > 1 else body[0]
    return (function.end_lineno or 0) - first.lineno + 1


def ledger(name: str) -> set[str]:
    path = LEDGERS / name
    lines = path.read_text().splitlines() if path.exists() else []
    return {line.split("#")[0].strip() for line in lines if line.split("#")[0].strip()}


def test_no_function_is_longer_than_a_page() -> None:
    """A function over 60 lines stands in the ledger, and the ledger only shrinks."""
    long = {
        f"{ids(path)}:{function.name}"
        for path in MODULES
        for function in functions(ast.parse(path.read_text()))
        if lines_of(function) > FUNCTION_LINES_MAX
    }
    assert long == ledger("long_functions.txt")


def test_no_file_hides_a_second_noun() -> None:
    """A file past 600 lines stands in the ledger, and the ledger only shrinks."""
    long = {ids(path) for path in MODULES if path.read_text().count("\n") > FILE_LINES_MAX}
    assert long == ledger("long_files.txt")


@pytest.mark.parametrize("path", MODULES, ids=ids)
def test_a_package_init_is_a_docstring_only(path: Path) -> None:
    """Façades make import cycles."""
    if path.name == "__init__.py":
        body = ast.parse(path.read_text()).body
        assert len(body) == 1, path
        assert ast.get_docstring(ast.parse(path.read_text()))


@pytest.mark.parametrize("path", MODULES, ids=ids)
def test_nothing_of_ours_is_imported_inside_a_function(path: Path) -> None:
    """An import that hides in a function hides a cycle."""
    allowed = ledger("lazy_imports.txt")
    hidden = {
        f"{ids(path)}:{inner.module}"
        for function in functions(ast.parse(path.read_text()))
        for inner in ast.walk(function)
        if isinstance(inner, ast.ImportFrom) and (inner.module or "").startswith("haar")
    }
    assert hidden <= allowed


@pytest.mark.parametrize("path", TESTS, ids=ids)
def test_a_test_has_its_sentence(path: Path) -> None:
    """Each test says which promise it keeps."""
    missing = [
        function.name
        for function in functions(ast.parse(path.read_text()))
        if function.name.startswith("test_") and not ast.get_docstring(function)
    ]
    assert not missing


def test_only_supervisors_catch_everything() -> None:
    """A broad except hides bugs; the ledger names the few that must have one."""
    broad = {
        ids(path)
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ExceptHandler)
        and isinstance(node.type, ast.Name)
        and node.type.id in {"Exception", "BaseException"}
    }
    assert broad == ledger("broad_excepts.txt")


@pytest.mark.parametrize("path", [path for path in MODULES if "/services/" in str(path)], ids=ids)
def test_services_do_not_sleep(path: Path) -> None:
    """No sleep stands for anything that must survive a crash (a turn of the loop is no sleep)."""
    assert not re.search(r"asyncio\.sleep\((?!0\))|time\.sleep\(", path.read_text())


def test_nothing_names_the_workplace() -> None:
    """The project speaks of itself alone: no local paths in what it ships."""
    words = re.compile(r"/(?:work|root)/|/tmp/scratch")
    named = [
        ids(path)
        for folder in ("src", "docs", "bench", "tests")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in {".py", ".md", ".txt"}
        and path != Path(__file__)
        and not {".peers", "node_modules"} & set(path.parts)  # others' software, not in the tree
        and words.search(path.read_text(errors="replace"))
    ]
    assert not named
