"""``haar up``: starts, says where it is, stops; or says in one sentence why it cannot."""

from __future__ import annotations

import signal
import stat
from collections.abc import Callable
from configparser import ConfigParser
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

Run = Callable[..., CompletedProcess[str]]
Start = Callable[..., Any]


def sts(endpoint: str, access_key: str, secret: str) -> Any:
    return boto3.session.Session().client(
        "sts",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id=access_key,
        aws_secret_access_key=secret,
    )


def root_of(data: Path) -> tuple[str, str]:
    keys = ConfigParser()
    keys.read(data / "credentials")
    return keys["default"]["aws_access_key_id"], keys["default"]["aws_secret_access_key"]


def test_it_says_where_it_is_and_its_credentials_work(up: Start, tmp_path: Path) -> None:
    """The banner names endpoint and data; the credentials file is the owner's; its key signs."""
    running = up()
    data = tmp_path / "data"
    said = "\n".join(running.said)
    assert running.endpoint in said
    assert str(data) in said
    assert f"haar env --data {data} --port {running.port}" in said
    assert "WARNING" not in said
    assert stat.S_IMODE((data / "credentials").stat().st_mode) == 0o600
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    who = sts(running.endpoint, *root_of(data)).get_caller_identity()
    assert who["Arn"] == "arn:aws:iam::000000000000:root"


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_when_told(up: Start, how: signal.Signals) -> None:
    """Ctrl-C and SIGTERM drain, and the exit status is that of success."""
    assert up().end(how) == 0


def test_it_keeps_its_key_across_a_restart(up: Start, tmp_path: Path) -> None:
    """The root's key is made once, at the first start."""
    assert up().end() == 0
    before = root_of(tmp_path / "data")
    running = up()
    assert root_of(tmp_path / "data") == before
    assert sts(running.endpoint, *before).get_caller_identity()["Account"] == "000000000000"


def test_dev_is_warned_of_and_verified(up: Start) -> None:
    """With --dev the well-known pair works, a wrong secret does not, and the banner warns."""
    running = up("--dev")
    assert "WARNING" in "\n".join(running.said)
    who = sts(running.endpoint, "test", "test").get_caller_identity()
    assert who["Account"] == "000000000000"
    other = sts(running.endpoint, "123456789012", "test").get_caller_identity()
    assert other["Arn"] == "arn:aws:iam::123456789012:root"
    with pytest.raises(ClientError) as refused:
        sts(running.endpoint, "test", "tset").get_caller_identity()
    assert refused.value.response["Error"]["Code"] == "SignatureDoesNotMatch"


def test_without_dev_the_well_known_pair_is_unknown(up: Start) -> None:
    """Nobody gets in with test/test unless told so."""
    with pytest.raises(ClientError) as refused:
        sts(up().endpoint, "test", "test").get_caller_identity()
    assert refused.value.response["Error"]["Code"] == "InvalidClientTokenId"


def one_sentence(ended: CompletedProcess[str]) -> str:
    assert ended.returncode == 2, ended.stderr
    assert ended.stderr.startswith("haar: ")
    assert ended.stderr.count("\n") == 1
    assert ended.stderr.endswith(".\n")
    assert "ready" not in ended.stdout
    return ended.stderr


def test_a_busy_port_is_refused(haar_command: Run, busy_port: int, tmp_path: Path) -> None:
    """The sentence names the port and the option that chooses another one."""
    ended = haar_command("up", "--data", str(tmp_path / "d"), "--port", str(busy_port))
    said = one_sentence(ended)
    assert str(busy_port) in said
    assert "--port" in said


def test_a_directory_in_use_is_refused(up: Start, haar_command: Run, tmp_path: Path) -> None:
    """Two processes never share a data directory."""
    up()
    ended = haar_command("up", "--data", str(tmp_path / "data"), "--port", "0")
    assert "in use" in one_sentence(ended)


def test_a_directory_that_cannot_be_made_is_refused(haar_command: Run, tmp_path: Path) -> None:
    """A file in the way is no data directory."""
    (tmp_path / "file").touch()
    ended = haar_command("up", "--data", str(tmp_path / "file" / "data"), "--port", "0")
    assert str(tmp_path / "file" / "data") in one_sentence(ended)


def test_a_file_is_no_data_directory(haar_command: Run, tmp_path: Path) -> None:
    """It is said to be a file, without an error's number."""
    (tmp_path / "file").touch()
    said = one_sentence(haar_command("up", "--data", str(tmp_path / "file"), "--port", "0"))
    assert said == f"haar: {tmp_path / 'file'} is a file, not a directory.\n"


def test_a_directory_of_somebody_else_is_refused(haar_command: Run, tmp_path: Path) -> None:
    """``--data .`` in a project does not strew haar's files among the others."""
    (tmp_path / "notes.txt").touch()
    ended = haar_command("up", "--data", str(tmp_path), "--port", "0")
    assert "has other files in it" in one_sentence(ended)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_damaged_store_is_refused(up: Start, haar_command: Run, tmp_path: Path) -> None:
    """A sentence and a status of its own."""
    up().end()
    for path in (tmp_path / "data" / "store").glob("MANIFEST-*"):
        path.write_bytes(b"damage")
    ended = haar_command("up", "--data", str(tmp_path / "data"), "--port", "0")
    assert ended.returncode == 3
    assert "Traceback" not in ended.stderr
    assert str(tmp_path / "data" / "store") in ended.stderr


def test_a_directory_of_a_newer_format_is_refused(haar_command: Run, tmp_path: Path) -> None:
    """An older haar does not touch what a newer one wrote."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "format").write_text("999\n")
    ended = haar_command("up", "--data", str(tmp_path / "data"), "--port", "0")
    assert "999" in one_sentence(ended)
    assert [path.name for path in (tmp_path / "data").iterdir() if path.name != "lock"] == [
        "format"
    ]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com"])
def test_dev_listens_on_the_loopback_only(haar_command: Run, tmp_path: Path, host: str) -> None:
    """Well-known credentials are never offered to other machines."""
    options = ("--dev", "--host", host, "--data", str(tmp_path / "d"), "--port", "0")
    assert "--dev" in one_sentence(haar_command("up", *options))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_other_machines_are_let_in_by_tls_or_knowingly(
    haar_command: Run, tmp_path: Path, host: str
) -> None:
    """Beyond the loopback haar speaks TLS, unless told that the network is trusted."""
    options = ("--host", host, "--data", str(tmp_path / "d"), "--port", "0")
    said = one_sentence(haar_command("up", *options))
    assert host in said
    assert "--tls" in said
    assert "--insecure" in said


def test_insecure_is_warned_of(up: Start) -> None:
    """Whoever lets other machines in without TLS is told what that means."""
    assert "WARNING      --insecure" in "\n".join(up("--host", "0.0.0.0", "--insecure").said)


def test_tls_works_with_what_env_prints(up: Start, haar_command: Run, tmp_path: Path) -> None:
    """The exports hold https and the authority, which is the same after a restart."""
    data = str(tmp_path / "data")
    running = up("--tls", "--host", "0.0.0.0")
    assert f"haar env --data {data} --port {running.port} --tls" in "\n".join(running.said)
    told = ("--data", data, "--port", running.port, "--tls")
    exports = haar_command("env", *told).stdout
    assert f"export AWS_ENDPOINT_URL={running.endpoint}" in exports
    assert running.endpoint.startswith("https://127.0.0.1:")
    bundle = Path(exports.partition("AWS_CA_BUNDLE=")[2].split("\n")[0])
    client = boto3.session.Session().client(
        "sts",
        endpoint_url=running.endpoint,
        region_name="us-east-1",
        aws_access_key_id=root_of(tmp_path / "data")[0],
        aws_secret_access_key=root_of(tmp_path / "data")[1],
        verify=str(bundle),
    )
    assert client.get_caller_identity()["Account"] == "000000000000"
    assert haar_command("status", *told).returncode == 0
    before = bundle.read_bytes()
    assert running.end() == 0
    up("--tls")
    assert bundle.read_bytes() == before


def test_files_that_are_no_certificate_are_refused(haar_command: Run, tmp_path: Path) -> None:
    """The sentence names the file."""
    options = ("--tls-cert", str(tmp_path / "c.pem"), "--tls-key", str(tmp_path / "k.pem"))
    ended = haar_command("up", *options, "--data", str(tmp_path / "d"), "--port", "0")
    assert "c.pem cannot be read" in one_sentence(ended)


def test_an_address_of_another_machine_is_refused(haar_command: Run, tmp_path: Path) -> None:
    """What cannot be listened on is said, not traced."""
    options = ("--host", "192.0.2.1", "--insecure", "--data", str(tmp_path / "d"), "--port", "0")
    assert "192.0.2.1" in one_sentence(haar_command("up", *options))


def test_a_host_name_that_nobody_knows_is_refused(haar_command: Run, tmp_path: Path) -> None:
    """A name without an address is said, not traced."""
    options = ("--host", "no.such.name.invalid", "--insecure", "--data", str(tmp_path / "d"))
    assert "no.such.name.invalid" in one_sentence(haar_command("up", *options, "--port", "0"))


def test_a_wrong_variable_is_refused_by_name(haar_command: Run) -> None:
    """A setting that cannot be read is named."""
    assert "HAAR_PORT" in one_sentence(haar_command("up", HAAR_PORT="many"))
