"""The README, run: each command and each program in it does what it says."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from haar.cli.main import COMMANDS, main

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
BIN = Path(sys.executable).parent
LINES_MAX = 120
TIMEOUT_S = 300


def blocks(language: str) -> list[str]:
    """Return the code blocks of a language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def commands(block: str) -> list[str]:
    """Return what a console block tells to type, at this environment's place."""
    typed = [line.removeprefix("$ ") for line in block.splitlines() if line.startswith("$ ")]
    return [line.replace(".venv/bin/", f"{BIN}/") for line in typed]


def shell(script: str, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run lines in one shell, in the checkout, until one fails."""
    return subprocess.run(
        ["/bin/sh", "-ec", script],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


@pytest.fixture(scope="module")
def environ(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A newcomer's variables: a home of the test's, the environment's programs on the path."""
    home = tmp_path_factory.mktemp("home")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("HAAR_", "AWS_", "XDG_"))}
    path = f"{BIN}{os.pathsep}{kept.get('PATH', '')}"
    return {**kept, "HOME": str(home), "PATH": path, "PYTHONUNBUFFERED": "1", "HAAR_PORT": "0"}


@pytest.fixture(scope="module")
def used(environ: dict[str, str]) -> Iterator[dict[str, str]]:
    """The variables of "another shell" while ``haar up`` of the README runs in the first."""
    (up,) = commands(blocks("console")[1])
    with subprocess.Popen(
        ["/bin/sh", "-c", f"exec {up}"],
        cwd=ROOT,
        env=environ,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        ready = next(line for line in process.stdout if line.startswith("ready"))
        yield {**environ, "HAAR_PORT": ready.split()[1].rpartition(":")[2]}
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=TIMEOUT_S) == 0


def test_it_is_short() -> None:
    """A newcomer reads it whole."""
    assert README.count("\n") <= LINES_MAX


def test_it_has_the_console_blocks_that_are_run_here() -> None:
    """Set up, start, use: a block that is added is a block that is tested."""
    assert len(blocks("console")) == 3
    assert len(blocks("python")) == 2


@pytest.mark.parametrize(
    ("typed", "does"),
    list(zip(commands(blocks("console")[0]), ["demo", "demo --crash"], strict=True)),
)
def test_what_sets_up_tells_the_story(typed: str, does: str, environ: dict[str, str]) -> None:
    """Each ``make`` command ends in the one that tests/cli/test_demo.py runs, on fewer rows."""
    recipe = shell(f"{typed} --no-print-directory --dry-run", environ)
    assert recipe.returncode == 0, recipe.stderr
    assert recipe.stdout.splitlines()[-1] == f".venv/bin/haar {does}"


def test_what_is_typed_in_another_shell_works(used: dict[str, str]) -> None:
    """``haar env`` and the AWS CLI, as they stand."""
    done = shell("\n".join(commands(blocks("console")[2])), used)
    assert done.returncode == 0, done.stderr
    assert "/000000000000/orders" in done.stdout
    assert "make_bucket: bucket" in done.stdout


def test_the_program_works(used: dict[str, str]) -> None:
    """boto3 with nothing but the variables of ``haar env``."""
    evaluate = commands(blocks("console")[2])[0]
    done = shell(f"{evaluate}\n{sys.executable} - <<'END'\n{blocks('python')[0]}\nEND", used)
    assert done.returncode == 0, done.stderr


def test_the_test_passes(environ: dict[str, str], tmp_path: Path) -> None:
    """The example of a test is one that passes in an empty directory."""
    (tmp_path / "test_example.py").write_text(blocks("python")[1])
    done = shell(f"cd '{tmp_path}' && {sys.executable} -m pytest -q -p no:cacheprovider", environ)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout


def rows() -> list[list[str]]:
    """Return the commands of the table of commands, each with its options."""
    told = re.findall(r"^\| `haar ([^`]*)`", README, re.MULTILINE)
    return [re.findall(r"--?[a-z][a-z-]*|^[a-z]+", row) for row in told]


def test_the_table_has_every_command() -> None:
    """And no other."""
    assert {row[0] for row in rows()} == set(COMMANDS)


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0])
def test_the_options_in_the_table_are_there(row: list[str]) -> None:
    """A command takes what the table shows."""
    command: Any = main.get_command(click.Context(main), row[0])
    taken = {name for parameter in command.params for name in parameter.opts}
    assert set(row[1:]) <= taken


@pytest.mark.parametrize("page", ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"])
def test_what_a_page_links_to_is_there(page: str) -> None:
    """Relative links lead somewhere."""
    links = re.findall(r"\]\(([^)#:]+)\)", (ROOT / page).read_text())
    assert [link for link in links if not (ROOT / link).exists()] == []


@pytest.mark.parametrize("page", ["ARCHITECTURE.md", "CONTRIBUTING.md"])
def test_the_files_that_a_page_names_are_there(page: str) -> None:
    """A path in a page is a path in the tree."""
    named = set(re.findall(r"`((?:[a-z_]+/)+[a-z_0-9]*(?:\.py)?)`", (ROOT / page).read_text()))
    roots = (ROOT, ROOT / "src" / "haar")
    missing = [path for path in named if not any((root / path).exists() for root in roots)]
    assert missing == []


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")
@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_the_targets_that_a_page_names_are_there(page: str) -> None:
    """``make`` knows each word that a page tells to make."""
    text = (ROOT / page).read_text()
    told = re.findall(
        r"`make ([a-z -]+)`|^ {4}make ([a-z ]+)|^\$ make ([a-z -]+)", text, re.MULTILINE
    )
    words = {word for found in told for part in found for word in part.split()}
    known = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert words
    assert words <= known
