"""What the server speaks TLS with: files that were given, or those of haar's own authority."""

from __future__ import annotations

from pathlib import Path

from haar.config import Config
from haar.identity.certificates import Authority, CertificateError, context_of, reload
from haar.kernel.clock import Clock
from haar.kernel.entropy import Entropy
from haar.kernel.logs import Log

LOOK_MS = 3_600_000

log = Log()


class Tls:
    """A certificate that is kept fresh while the server runs.

    Args:
        certificate: file of the certificate, with those between it and its authority.
        key: file of its key.
        authority: issues both; None where they were given.
        clock: tells when to look again.

    Attributes:
        context: for the server.

    Raises:
        CertificateError: the files cannot be used.
    """

    def __init__(
        self, certificate: Path, key: Path, *, authority: Authority | None, clock: Clock
    ) -> None:
        self._certificate = certificate
        self._key = key
        self._authority = authority
        self._clock = clock
        if authority is not None:
            authority.refresh()
        self.context = context_of(certificate, key)
        self._seen = self._state()

    def _state(self) -> tuple[int, ...]:
        files = (self._certificate, self._key)
        return tuple(path.stat().st_mtime_ns for path in files if path.exists())

    def refresh(self) -> None:
        """Renew what is about to end, and take up files that have changed."""
        if self._authority is not None:
            self._authority.refresh()
        state = self._state()
        if state != self._seen:
            reload(self.context, self._certificate, self._key)
            self._seen = state

    async def keep_fresh(self) -> None:
        """Look once an hour, for ever; files that cannot be used leave the old ones in place."""
        while True:
            await self._clock.sleep_until(self._clock.now_ms() + LOOK_MS)
            try:
                self.refresh()
            except (CertificateError, OSError) as err:
                log.error("the certificate could not be renewed", reason=str(err))  # noqa: TRY400


def tls_of(config: Config, clock: Clock, entropy: Entropy) -> Tls | None:
    """Return what the settings ask for, None where that is no TLS.

    Raises:
        CertificateError: what they ask for is not to be had.
    """
    if config.tls_cert or config.tls_key:
        if not (config.tls_cert and config.tls_key):
            raise CertificateError("a certificate needs its key: give tls_cert and tls_key")
        certificate, key = (Path(path).expanduser() for path in (config.tls_cert, config.tls_key))
        return Tls(certificate, key, authority=None, clock=clock)
    if not config.tls:
        return None
    if config.data is None:
        raise CertificateError("the authority of --tls is kept in a data directory: name one")
    names = (config.host, *config.hosts, *config.s3_domains)
    authority = Authority(config.data, names, clock=clock, entropy=entropy)
    return Tls(authority.certificate_path, authority.key_path, authority=authority, clock=clock)
