"""``haar env``: plain AWS clients speak to haar."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

Run = Callable[..., CompletedProcess[str]]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "my data"
    folder.mkdir()
    (folder / "credentials").write_text(
        "[default]\naws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = s+e/c%r'et\n"
    )
    return folder


def evaluated(said: str, before: dict[str, str]) -> dict[str, str]:
    """Return the variables that a shell has after ``eval``."""
    shell = subprocess.run(
        ["/bin/sh", "-c", f"{said}\nenv"], env=before, capture_output=True, text=True, check=True
    )
    return dict(line.partition("=")[::2] for line in shell.stdout.splitlines())


def test_a_shell_that_evaluates_it_has_what_clients_read(haar_command: Run, data: Path) -> None:
    """Endpoint, regions and keys are set, and another account's token is gone."""
    ended = haar_command("env", "--data", str(data), "--port", "4599")
    found = evaluated(ended.stdout, {"AWS_SESSION_TOKEN": "x", "AWS_PROFILE": "work"})
    assert {name: value for name, value in found.items() if name.startswith("AWS_")} == {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:4599",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "s+e/c%r'et",
        "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
    }


@pytest.mark.slow
@pytest.mark.parametrize("shell", ["sh", "bash", "zsh"])
def test_the_aws_command_line_needs_no_option(
    up: Callable[..., Any], haar_command: Run, tmp_path: Path, shell: str
) -> None:
    """Version 1 asks AWS for SQS whatever the variables say; evaluated, it asks haar."""
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"there is no {shell} here")
    running = up()
    said = haar_command("env", "--data", str(tmp_path / "data"), "--port", running.port).stdout
    typed = "aws sqs create-queue --queue-name orders && aws sqs list-queues --output text"
    place = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    ended = subprocess.run(
        [program, "-c", f"eval {shlex.quote(said)}\n{typed}"],
        env={"PATH": place, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[-1].endswith("/000000000000/orders")


@pytest.mark.parametrize("shell", ["sh", "bash", "zsh"])
def test_an_alias_is_not_in_the_way(haar_command: Run, data: Path, shell: str) -> None:
    """A shell in which ``aws`` is an alias can evaluate it all the same."""
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"there is no {shell} here")
    said = haar_command("env", "--data", str(data)).stdout
    script = f"alias aws='echo other'\neval {shlex.quote(said)}\ncommand -V aws"
    ended = subprocess.run([program, "-c", script], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "function" in ended.stdout


def test_settings_come_from_variables_too(haar_command: Run, data: Path) -> None:
    """``HAAR_…`` variables stand for options, and options beat them."""
    variables = {"HAAR_DATA": str(data), "HAAR_PORT": "1", "HAAR_REGION": "eu-west-1"}
    said = haar_command("env", "--port", "2", **variables).stdout
    assert "http://127.0.0.1:2" in said
    assert "AWS_REGION=eu-west-1" in said


@pytest.mark.parametrize(
    ("host", "shown"), [("0.0.0.0", "127.0.0.1"), ("::", "[::1]"), ("::1", "[::1]")]
)
def test_the_endpoint_can_be_called(haar_command: Run, data: Path, host: str, shown: str) -> None:
    """An address of all interfaces is no place to call; one of version 6 needs brackets."""
    said = haar_command("env", "--data", str(data), "--host", host).stdout
    assert f"AWS_ENDPOINT_URL={shown!s}" in said.replace("http://", "").replace("'", "")


@pytest.mark.parametrize("content", [None, "nonsense", "[default]\n", b"\xff\xfe"])
def test_without_credentials_it_says_what_to_do(
    haar_command: Run, tmp_path: Path, content: Any
) -> None:
    """No data directory yet, or a damaged file: one sentence that names ``haar up``."""
    if content is not None:
        raw = content if isinstance(content, bytes) else content.encode()
        (tmp_path / "credentials").write_bytes(raw)
    ended = haar_command("env", "--data", str(tmp_path))
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr.startswith("haar: ")
    assert "haar up" in ended.stderr


def test_the_real_command_line_speaks_to_haar(
    up: Callable[..., Any], haar_command: Run, tmp_path: Path, environ: dict[str, str]
) -> None:
    """After ``eval "$(haar env)"`` boto3 needs nothing else."""
    running = up()
    said = haar_command("env", "--data", str(tmp_path / "data"), "--port", running.port).stdout
    program = 'import boto3; print(boto3.client("sts").get_caller_identity()["Arn"])'
    script = f"{said}\n{sys.executable} -c '{program}'"
    shell = subprocess.run(
        ["/bin/sh", "-c", script], env=environ, capture_output=True, text=True, check=True
    )
    assert shell.stdout.strip() == "arn:aws:iam::000000000000:root"
