"""The authority of haar's own: stable, renewed in time, and nobody else's to read."""

from __future__ import annotations

import ssl
import stat
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509

from haar.config import Config
from haar.identity.certificates import (
    AUTHORITY_DAYS,
    AUTHORITY_RENEWED_DAYS,
    SERVER_DAYS,
    SERVER_RENEWED_DAYS,
    Authority,
    CertificateError,
)
from haar.identity.tls import tls_of
from haar.kernel.clock import VirtualClock
from haar.kernel.entropy import SystemEntropy

DAY_MS = 86_400_000


def authority(data: Path, clock: VirtualClock, *names: str) -> Authority:
    return Authority(data, names, clock=clock, entropy=SystemEntropy())


def files(data: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (data / "tls").iterdir()}


def certificate(data: Path, name: str = "server") -> x509.Certificate:
    return x509.load_pem_x509_certificate((data / "tls" / f"{name}.pem").read_bytes())


def names_of(found: x509.Certificate) -> list[str]:
    extension = found.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    return [str(name.value) for name in extension.value]


def test_it_is_made_once_and_is_the_owners(tmp_path: Path) -> None:
    """A second start changes nothing; keys and directory have the modes of secrets."""
    clock = VirtualClock()
    assert authority(tmp_path, clock).refresh()
    before = files(tmp_path)
    assert not authority(tmp_path, clock).refresh()
    assert files(tmp_path) == before
    assert sorted(before) == ["ca.key", "ca.pem", "server.key", "server.pem"]
    for name in ("ca.key", "server.key"):
        assert stat.S_IMODE((tmp_path / "tls" / name).stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "tls").stat().st_mode) == 0o700


def test_the_certificate_is_good_for_the_servers_names(tmp_path: Path) -> None:
    """Loopback names and addresses, those of the settings, and all below a name."""
    authority(tmp_path, VirtualClock(), "haar.example", "192.0.2.7", "0.0.0.0").refresh()
    assert names_of(certificate(tmp_path)) == [
        "localhost",
        "*.localhost",
        "127.0.0.1",
        "::1",
        "haar.example",
        "*.haar.example",
        "192.0.2.7",
    ]


def test_the_servers_certificate_is_renewed_before_its_end(tmp_path: Path) -> None:
    """Thirty days before, under the same authority, which clients trust already."""
    clock = VirtualClock()
    made = authority(tmp_path, clock)
    made.refresh()
    before, trusted = certificate(tmp_path), certificate(tmp_path, "ca")
    clock.advance((SERVER_DAYS - SERVER_RENEWED_DAYS - 1) * DAY_MS)
    assert not made.refresh()
    clock.advance(DAY_MS)
    assert made.refresh()
    after = certificate(tmp_path)
    assert after.not_valid_after_utc - before.not_valid_after_utc > timedelta(days=50)
    assert certificate(tmp_path, "ca") == trusted
    after.verify_directly_issued_by(trusted)


def test_the_authority_keeps_its_key_when_it_is_renewed(tmp_path: Path) -> None:
    """What the old one issued is good under the new one, and the other way round."""
    clock = VirtualClock()
    made = authority(tmp_path, clock)
    made.refresh()
    old = certificate(tmp_path, "ca")
    clock.advance((AUTHORITY_DAYS - AUTHORITY_RENEWED_DAYS) * DAY_MS)
    made.refresh()
    new = certificate(tmp_path, "ca")
    assert new.not_valid_after_utc > old.not_valid_after_utc
    for one in (old, new):
        certificate(tmp_path).verify_directly_issued_by(one)


@pytest.mark.parametrize("damaged", ["ca.key", "ca.pem", "server.key", "server.pem"])
@pytest.mark.parametrize("how", ["empty", "gone", "another"])
def test_what_is_damaged_is_made_anew(tmp_path: Path, damaged: str, how: str) -> None:
    """A file that is empty, lost, or of another pair is not served."""
    clock = VirtualClock()
    made = authority(tmp_path, clock)
    made.refresh()
    path = tmp_path / "tls" / damaged
    if how == "gone":
        path.unlink()
    elif how == "empty":
        path.write_bytes(b"")
    else:
        (tmp_path / "x").mkdir()
        authority(tmp_path / "x", clock).refresh()
        path.write_bytes((tmp_path / "x" / "tls" / damaged).read_bytes())
    assert made.refresh()
    assert not made.refresh()
    certificate(tmp_path).verify_directly_issued_by(certificate(tmp_path, "ca"))


def test_a_certificate_without_names_is_made_anew(tmp_path: Path) -> None:
    """Where somebody put another certificate, such as the authority's, clients get a good one."""
    made = authority(tmp_path, VirtualClock())
    made.refresh()
    for kind in ("pem", "key"):
        (tmp_path / "tls" / f"server.{kind}").write_bytes(
            (tmp_path / "tls" / f"ca.{kind}").read_bytes()
        )
    assert made.refresh()
    assert "localhost" in names_of(certificate(tmp_path))


def test_other_names_need_another_certificate(tmp_path: Path) -> None:
    """Whoever adds a host name gets it at the next start."""
    authority(tmp_path, VirtualClock()).refresh()
    assert authority(tmp_path, VirtualClock(), "haar.example").refresh()
    assert "haar.example" in names_of(certificate(tmp_path))


def test_given_files_are_taken_up_when_they_change(tmp_path: Path) -> None:
    """A certificate that somebody else renews is served without a restart."""
    clock = VirtualClock()
    authority(tmp_path, clock).refresh()
    pem, key = (str(tmp_path / "tls" / name) for name in ("server.pem", "server.key"))
    tls = tls_of(Config(tls_cert=pem, tls_key=key), clock, SystemEntropy())
    assert tls is not None
    assert tls.context.minimum_version is ssl.TLSVersion.TLSv1_2
    loaded: list[object] = []
    tls.context.load_cert_chain = lambda *files, **_: loaded.append(files)  # type: ignore[method-assign]
    tls.refresh()
    assert loaded == []
    authority(tmp_path, clock, "haar.example").refresh()
    tls.refresh()
    assert len(loaded) == 1


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"tls_cert": "c.pem"}, "needs its key"),
        ({"tls_cert": "none.pem", "tls_key": "none.key"}, "none.pem cannot be read"),
        ({"tls_cert": "bad.pem", "tls_key": "bad.pem"}, "no certificate with its key"),
        ({"tls": True}, "data directory"),
    ],
)
def test_what_cannot_be_used_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], sentence: str
) -> None:
    """The sentence names the file, or the setting that is missing."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.pem").write_text("bad")
    with pytest.raises(CertificateError, match=sentence):
        tls_of(Config(**settings), VirtualClock(), SystemEntropy())


def test_no_tls_is_none() -> None:
    """Without a setting nothing is made."""
    assert tls_of(Config(), VirtualClock(), SystemEntropy()) is None
