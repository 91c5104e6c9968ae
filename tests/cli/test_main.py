"""``haar``: the front door."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from subprocess import CompletedProcess

import pytest

from haar.cli.main import COMMANDS

Run = Callable[..., CompletedProcess[str]]


def test_help_lists_every_command(haar_command: Run) -> None:
    """``haar --help`` names each command with its sentence."""
    said = haar_command("--help").stdout
    for name, place in COMMANDS.items():
        assert name in said
        assert place.sentence.split()[0] in said


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(haar_command: Run, name: str) -> None:
    """Each command has help of its own, which begins with a sentence."""
    ended = haar_command(name, "--help")
    assert ended.returncode == 0, ended.stderr
    assert f"{name} [OPTIONS]" in ended.stdout


def test_the_version_is_the_packages(haar_command: Run) -> None:
    """``haar --version`` tells the version that is installed."""
    assert version("haar") in haar_command("--version").stdout


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("haar.cli.main", ["haar.app", "rich", "cryptography", "botocore", "boto3"]),
        ("haar.cli.env", ["haar.app", "rich", "cryptography.hazmat", "botocore", "boto3"]),
        ("haar.cli.up", ["cryptography.hazmat", "botocore", "boto3", "pytest"]),
    ],
)
def test_a_command_does_not_pay_for_what_it_does_not_use(module: str, heavy: list[str]) -> None:
    """Starting is fast because heavy libraries are imported where they are used."""
    script = f"import sys, {module}; print(*[name for name in {heavy!r} if name in sys.modules])"
    loaded = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert loaded.stdout.strip() == ""
