"""TLS: an authority of haar's own, and the certificate that it gives the server.

::

    <data>/tls/ca.pem       the authority's certificate: what clients trust (AWS_CA_BUNDLE)
    <data>/tls/ca.key       its key, mode 0600
    <data>/tls/server.pem   the server's certificate
    <data>/tls/server.key   its key, mode 0600

The authority is made once and lasts ten years; in its last year it is issued again with the same
key, so that the server's certificate stays good under both. The server's certificate lasts 90 days
and is issued anew 30 days before its end, when the names of the server change, or when it is
damaged; a running server takes it up without a restart.

Who holds ``ca.key`` can be any host for whoever trusts the authority, so that it stays where the
credentials are, and signs for no names but the server's.

Source: RFC 5280; CA/Browser Forum, Baseline Requirements, for what clients expect of a certificate.
"""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from haar.config import Config
from haar.kernel.clock import Clock
from haar.kernel.entropy import Entropy
from haar.store.directory import replace_durably

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.x509 import Certificate, CertificateBuilder, GeneralName, Name

DIRECTORY = "tls"
AUTHORITY_DAYS = 3650
AUTHORITY_RENEWED_DAYS = 365
SERVER_DAYS = 90
SERVER_RENEWED_DAYS = 30

_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


class CertificateError(Exception):
    """Files that TLS cannot be spoken with; the message is for whoever chose them."""


class Pair(NamedTuple):
    """A certificate with its key."""

    certificate: Certificate
    key: EllipticCurvePrivateKey

    def __repr__(self) -> str:
        return f"Pair({self.certificate.subject.rfc4514_string()!r})"  # never the key


class Authority:
    """Issues the server's certificate.

    Args:
        data: the data directory.
        names: host names and addresses of the server; names below a name are the server's too.
        clock: tells when something ends.
        entropy: makes keys and serial numbers.
    """

    def __init__(self, data: Path, names: Iterable[str], *, clock: Clock, entropy: Entropy) -> None:
        self._directory = data / DIRECTORY
        self._names = tuple(dict.fromkeys(("localhost", "127.0.0.1", "::1", *names)))
        self._clock = clock
        self._entropy = entropy

    @property
    def certificate_path(self) -> Path:
        """The server's certificate."""
        return self._directory / "server.pem"

    @property
    def key_path(self) -> Path:
        """The key of the server's certificate."""
        return self._directory / "server.key"

    def refresh(self) -> bool:
        """Issue what is missing, damaged, or about to end; return whether anything was."""
        self._directory.mkdir(mode=0o700, exist_ok=True)
        authority, is_new = self._authority()
        known = load(self.certificate_path, self.key_path)
        if not is_new and known is not None and self._is_good(known.certificate, authority):
            return False
        self._store("server", self._issue(authority))
        return True

    def _authority(self) -> tuple[Pair, bool]:
        known = load(self._directory / "ca.pem", self._directory / "ca.key")
        if known is not None and self._days_left(known.certificate) > AUTHORITY_RENEWED_DAYS:
            return known, False
        key = known.key if known is not None else self._key()
        made = Pair(self._self_signed(key), key)
        self._store("ca", made)
        return made, known is None

    def _is_good(self, certificate: Certificate, authority: Pair) -> bool:
        from cryptography.x509 import (  # noqa: PLC0415  # 40 ms
            ExtensionNotFound,
            SubjectAlternativeName,
        )

        try:
            told = certificate.extensions.get_extension_for_class(SubjectAlternativeName).value
        except ExtensionNotFound:
            return False
        is_ours = certificate.issuer == authority.certificate.subject
        is_lasting = self._days_left(certificate) > SERVER_RENEWED_DAYS
        return is_ours and is_lasting and list(told) == alternatives(self._names)

    def _days_left(self, certificate: Certificate) -> float:
        return (certificate.not_valid_after_utc - self._now()) / timedelta(days=1)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.now_ms() // 1000, UTC)

    def _key(self) -> EllipticCurvePrivateKey:
        from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415  # 40 ms

        number = int.from_bytes(self._entropy.bytes(40)) % (_ORDER - 1) + 1
        return ec.derive_private_key(number, ec.SECP256R1())

    def _self_signed(self, key: EllipticCurvePrivateKey) -> Certificate:
        from cryptography import x509  # noqa: PLC0415  # 40 ms

        name = named("haar authority " + key_mark(key))
        usage = x509.KeyUsage(
            digital_signature=False,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=True,
            crl_sign=True,
            encipher_only=False,
            decipher_only=False,
        )
        draft = self._draft(name, name, key, AUTHORITY_DAYS)
        draft = draft.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        return draft.add_extension(usage, critical=True).sign(key, _sha256())

    def _issue(self, authority: Pair) -> Pair:
        from cryptography import x509  # noqa: PLC0415  # 40 ms

        key, issuer = self._key(), authority.certificate.subject
        names = x509.SubjectAlternativeName(alternatives(self._names))
        purpose = x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.SERVER_AUTH])
        signer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
        draft = self._draft(named("haar"), issuer, key, SERVER_DAYS)
        leaf = x509.BasicConstraints(ca=False, path_length=None)
        draft = draft.add_extension(leaf, critical=True)
        draft = draft.add_extension(names, critical=False).add_extension(purpose, critical=False)
        certificate = draft.add_extension(signer, critical=False).sign(authority.key, _sha256())
        return Pair(certificate, key)

    def _draft(
        self, subject: Name, issuer: Name, key: EllipticCurvePrivateKey, days: int
    ) -> CertificateBuilder:
        from cryptography import x509  # noqa: PLC0415  # 40 ms

        start = self._now() - timedelta(hours=1)  # clients' clocks may be behind
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(int.from_bytes(self._entropy.bytes(19)) + 1)
            .not_valid_before(start)
            .not_valid_after(start + timedelta(days=days))
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
            )
        )

    def _store(self, name: str, made: Pair) -> None:
        from cryptography.hazmat.primitives import serialization as form  # noqa: PLC0415  # 40 ms

        secret = made.key.private_bytes(
            form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption()
        )
        public = made.certificate.public_bytes(form.Encoding.PEM)
        # The key first: a certificate whose key is another's is damaged, and is issued anew.
        replace_durably(self._directory / f"{name}.key", secret, mode=0o600)
        replace_durably(self._directory / f"{name}.pem", public)


def _sha256() -> SHA256:
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415  # 40 ms

    return SHA256()


def load(certificate: Path, key: Path) -> Pair | None:
    """Return a certificate with its key, None where they are missing, damaged or do not fit."""
    from cryptography import x509  # noqa: PLC0415  # 40 ms
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415  # the same
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415  # the same
        load_pem_private_key,
    )

    try:
        found = x509.load_pem_x509_certificate(certificate.read_bytes())
        secret = load_pem_private_key(key.read_bytes(), None)
    except (FileNotFoundError, ValueError, TypeError):
        return None
    if not isinstance(secret, ec.EllipticCurvePrivateKey):
        return None
    return Pair(found, secret) if found.public_key() == secret.public_key() else None


def named(name: str) -> Name:
    """Return a subject with that common name."""
    from cryptography import x509  # noqa: PLC0415  # 40 ms

    return x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, name)])


def key_mark(key: EllipticCurvePrivateKey) -> str:
    """Return a few digits that tell one authority from another in a list of trusted ones."""
    from cryptography.x509 import SubjectKeyIdentifier  # noqa: PLC0415  # 40 ms

    return SubjectKeyIdentifier.from_public_key(key.public_key()).digest.hex()[:8]


def alternatives(names: Iterable[str]) -> list[GeneralName]:
    """Return the names that a certificate is good for: addresses, names, and all below a name."""
    from cryptography import x509  # noqa: PLC0415  # 40 ms

    found: list[GeneralName] = []
    for name in names:
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            found += [x509.DNSName(name), x509.DNSName(f"*.{name}")]
        else:
            if not address.is_unspecified:
                found.append(x509.IPAddress(address))
    return found


def bundle_of(config: Config, data: Path) -> Path | None:
    """Return the file that clients must trust, None where they trust haar's certificate anyway."""
    is_own = config.tls and not config.tls_cert
    return data / DIRECTORY / "ca.pem" if is_own else None


def context_of(certificate: Path, key: Path) -> ssl.SSLContext:
    """Return what a server speaks TLS with.

    Raises:
        CertificateError: the files cannot be read, or do not fit.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    reload(context, certificate, key)
    return context


def reload(context: ssl.SSLContext, certificate: Path, key: Path) -> None:
    """Let new connections have the certificate that the files hold now.

    Raises:
        CertificateError: the files cannot be read, or do not fit.
    """
    try:
        # A key with a passphrase must not make a server ask its terminal for it.
        context.load_cert_chain(certificate, key, password="")
    except ssl.SSLError as err:
        reason = (err.reason or "not PEM").lower().replace("_", " ")
        raise CertificateError(
            f"{certificate} and {key} are no certificate with its key: {reason}"
        ) from err
    except OSError as err:
        # Which of both it is, the exception does not tell.
        missing = next((path for path in (certificate, key) if not path.exists()), certificate)
        raise CertificateError(f"{missing} cannot be read: {err.strerror}") from err
