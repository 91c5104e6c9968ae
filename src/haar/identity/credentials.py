"""Access keys: from an access key id to its secret and the principal that it stands for.

Three kinds, all verified alike:

* **The root key**: made at the first start, kept in the store, and written to
  ``<data>/credentials`` (mode 0600) in the form that AWS's tools read.
* **Sessions** (``ASIA…``): nothing is stored. The session token carries the principal and the
  expiry, sealed, and the secret is derived from the access key id, so any node that shares the
  store can verify a session without looking it up::

      token   = base64( 01 | sealing key id | nonce (12) | AES-256-GCM(sealing key, claims) )
      claims  = zlib( MessagePack array of Claims ), bound to the access key id
      secret  = base64( HMAC-SHA-256(secrets key, access key id) )[:40]

  At a start after :data:`SEALING_DAYS` both keys are made anew, and the ones before are kept until
  the next time: longer than any session lasts.

* **Development keys**, with ``dev``: the pair ``test``/``test``, and every 12-digit access key
  with the secret ``test``, as the root of the account it names.

============================  ===========================================================
key                           value
============================  ===========================================================
``identity, key, AKID``       ``KeyRecord``: the secret and the account of a root key
``identity, root, ACCOUNT``   the access key id of that account's root, as text
``identity, sealing``         ``SealingRecord``: the newest sealing key
``identity, sealed``          ``SealingRecord``: the one before, if any
============================  ===========================================================

Source: AWS docs, IAM user guide, "Temporary security credentials"; re:Invent SEC404, "A day in
the life of a billion requests", for sessions that need no table.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import msgspec

from haar.identity import principal as principals
from haar.identity.remembered import Remembered
from haar.kernel.clock import Clock
from haar.kernel.entropy import ALPHANUMERIC, Entropy
from haar.kernel.entropy import token as random_text
from haar.kit.call import Principal
from haar.kit.records import Codec
from haar.store.api import Store, Transaction
from haar.store.directory import replace_durably
from haar.store.subspace import Subspace

FILE_NAME = "credentials"
LASTING_PREFIX = "AKIA"
SESSION_PREFIX = "ASIA"
DEV_SECRET = "test"  # noqa: S105  # well known on purpose, and only on the loopback address
DEV_ACCESS_KEY = "test"
DEV_KEYS_CACHED_MAX = 1000
SESSIONS_CACHED_MAX = 10_000
SEALING_DAYS = 30

_IDENTITY = Subspace("identity")
_SECRET_ALPHABET = ALPHANUMERIC + ALPHANUMERIC[:26].lower() + "+/"
_TOKEN_VERSION = 1
_NONCE_BYTES = 12


class TokenInvalid(Exception):
    """A session token that haar did not make for that access key."""


class TokenExpired(Exception):
    """A session that has come to its end."""


class KeyRecord(msgspec.Struct, frozen=True, array_like=True):
    """A stored access key of an account's root."""

    secret: str
    account: str

    def __repr__(self) -> str:
        return f"KeyRecord(account={self.account!r})"  # a traceback must not show the secret


class SealingRecord(msgspec.Struct, frozen=True, array_like=True):
    """The keys that session tokens are sealed with, and session secrets derived from."""

    key_id: int
    sealing_key: bytes
    secrets_key: bytes
    made_ms: int = 0

    def __repr__(self) -> str:
        return f"SealingRecord(key_id={self.key_id})"  # a traceback must not show the keys


class Claims(msgspec.Struct, frozen=True, array_like=True):
    """What a session token says of its bearer."""

    kind: str
    arn: str
    account: str
    user_id: str
    issued_s: int
    expires_s: int


KEYS = Codec(KeyRecord)
SEALING = Codec(SealingRecord)


@dataclass(frozen=True, slots=True)
class Credential:
    """A known access key.

    Attributes:
        access_key_id: the key's public half.
        secret: its secret half.
        principal: for whom it signs.
        expires_ms: when a session ends; None for keys that last.
    """

    access_key_id: str
    secret: str = field(repr=False)
    principal: Principal
    expires_ms: int | None = None


class SessionKeys(NamedTuple):
    """Freshly made session credentials: id, secret, token, and when they end."""

    access_key_id: str
    secret: str
    token: str
    expires_ms: int

    def __repr__(self) -> str:
        return f"SessionKeys({self.access_key_id!r})"  # a traceback must not show the secret


class Credentials:
    """Knows every access key.

    Lasting keys are held in memory from :meth:`open` on: they never change until IAM keeps more
    of them. Sessions are opened once and remembered by token.

    Args:
        store: keeps the keys.
        clock: tells when a session has ended.
        entropy: makes keys, ids and nonces.
        account: whose root gets a key.
        directory: where the credentials file is written; None writes none.
        dev: whether the development keys are accepted.
    """

    def __init__(  # where keys come from, and what they depend on
        self,
        store: Store,
        clock: Clock,
        entropy: Entropy,
        *,
        account: str,
        directory: Path | None = None,
        dev: bool = False,
    ) -> None:
        self._store = store
        self._clock = clock
        self._entropy = entropy
        self._account = account
        self._directory = directory
        self._dev = dev
        self._lasting: dict[str, Credential] = {}
        self._dev_keys: Remembered[str, Credential] = Remembered(DEV_KEYS_CACHED_MAX)
        self._sessions: Remembered[tuple[str, str], Credential] = Remembered(SESSIONS_CACHED_MAX)
        self._opened: tuple[Credential, SealingRecord, SealingRecord | None] | None = None

    async def open(self) -> None:
        """Read the keys, or make them where this is the store's first start."""
        now_ms = self._clock.now_ms()
        sealing, before = await self._store.transact(
            lambda tx: _sealing_of(tx, self._entropy, now_ms)
        )
        root = await self._store.transact(lambda tx: _root_of(tx, self._account, self._entropy))
        if self._directory is not None:
            write_file(self._directory / FILE_NAME, root)
        self._lasting = {root.access_key_id: root}
        self._opened = (root, sealing, before)

    def root(self) -> Credential:
        """Return the key of the account's root."""
        assert self._opened, "open() comes first"
        return self._opened[0]

    @property
    def _sealing(self) -> SealingRecord:
        assert self._opened, "open() comes first"
        return self._opened[1]

    def lookup(self, access_key_id: str, token: str = "") -> Credential | None:
        """Return the credential of an access key, None where it is not known.

        Raises:
            TokenInvalid: the token is not one of this access key.
            TokenExpired: the session has ended.
        """
        if token:
            return self._session(access_key_id, token)
        found = self._lasting.get(access_key_id)
        if found is None and self._dev:
            return self._dev_keys.get(access_key_id) or self._dev_key(access_key_id)
        return found

    def _dev_key(self, access_key_id: str) -> Credential | None:
        if access_key_id == DEV_ACCESS_KEY:
            account = self._account
        elif is_account(access_key_id):
            account = access_key_id
        else:
            return None
        root = principals.root_of(account, access_key_id)
        found = Credential(access_key_id, DEV_SECRET, root)
        return self._dev_keys.keep(access_key_id, found)

    def _session(self, access_key_id: str, token: str) -> Credential:
        found = self._sessions.get((access_key_id, token))
        if found is None:
            opened = self._open(access_key_id, token)
            found = self._sessions.keep((access_key_id, token), opened)
        if found.expires_ms is not None and self._clock.now_ms() >= found.expires_ms:
            raise TokenExpired
        return found

    def _open(self, access_key_id: str, token: str) -> Credential:
        assert self._opened, "open() comes first"
        sealing = sealing_of(token, *self._opened[1:])
        claims = unseal(sealing, access_key_id, token)
        return Credential(
            access_key_id,
            secret_of(sealing, access_key_id),
            Principal(claims.kind, claims.arn, claims.account, claims.user_id, access_key_id),
            claims.expires_s * 1000,
        )

    def mint_session(self, role_arn: str, session_name: str, duration_s: int) -> SessionKeys:
        """Return credentials of a session of a role."""
        return self.mint(principals.of_role(role_arn, session_name), duration_s)

    def mint(self, principal: Principal, duration_s: int) -> SessionKeys:
        """Return session credentials that stand for ``principal`` for ``duration_s`` seconds."""
        access_key_id = key_id(SESSION_PREFIX, principal.account, self._entropy)
        issued_s = self._clock.now_ms() // 1000
        claims = Claims(
            principal.kind,
            principal.arn,
            principal.account,
            principal.user_id,
            issued_s,
            issued_s + duration_s,
        )
        return SessionKeys(
            access_key_id,
            secret_of(self._sealing, access_key_id),
            seal(self._sealing, access_key_id, claims, self._entropy),
            claims.expires_s * 1000,
        )


def _sealing_of(
    tx: Transaction, entropy: Entropy, now_ms: int
) -> tuple[SealingRecord, SealingRecord | None]:
    """Return the newest keys and those before, having made new ones where it is time."""
    key, key_before = (_IDENTITY.pack(name) for name in ("sealing", "sealed"))
    newest, before = (
        SEALING.decode(raw) if raw is not None else None
        for raw in (tx.get(key), tx.get(key_before))
    )
    if newest is not None and now_ms - newest.made_ms < SEALING_DAYS * 86_400_000:
        return newest, before
    number = newest.key_id % 255 + 1 if newest is not None else 1
    made = SealingRecord(number, entropy.bytes(32), entropy.bytes(32), now_ms)
    tx.put(key, SEALING.encode(made))
    if newest is not None:
        tx.put(key_before, SEALING.encode(newest))
    return made, newest


def _root_of(tx: Transaction, account: str, entropy: Entropy) -> Credential:
    named = tx.get(_IDENTITY.pack("root", account))
    if named is not None:
        access_key_id = named.decode()
        raw = tx.get(_IDENTITY.pack("key", access_key_id))
        assert raw is not None, "a root's key is written with its name"
        record = KEYS.decode(raw)
    else:
        access_key_id = key_id(LASTING_PREFIX, account, entropy)
        record = KeyRecord(random_text(entropy, 40, _SECRET_ALPHABET), account)
        tx.put(_IDENTITY.pack("key", access_key_id), KEYS.encode(record))
        tx.put(_IDENTITY.pack("root", account), access_key_id.encode())
    root = principals.root_of(record.account, access_key_id)
    return Credential(access_key_id, record.secret, root)


def is_account(text: str) -> bool:
    """Return whether ``text`` is an account's number: 12 digits."""
    return len(text) == 12 and text.isascii() and text.isdigit()


def key_id(prefix: str, account: str, entropy: Entropy) -> str:
    """Return an access key id that tells its account, as AWS's do.

    The first 48 bits after the prefix are 1 bit, the account (40 bits) and 7 bits that mean
    nothing; 32 more are random.
    """
    noise = int.from_bytes(entropy.bytes(1)) & 0x7F
    head = 0x800000000000 | int(account) << 7 | noise
    return prefix + base64.b32encode(head.to_bytes(6) + entropy.bytes(4)).decode()


def account_of(access_key_id: str) -> str | None:
    """Return the account that an access key id tells, None where it is not of that form."""
    try:
        raw = base64.b32decode(access_key_id[4:])
    except binascii.Error:
        return None
    account = f"{(int.from_bytes(raw[:6]) & 0x7FFFFFFFFF80) >> 7:012d}"
    return account if len(raw) == 10 and is_account(account) else None


def secret_of(sealing: SealingRecord, access_key_id: str) -> str:
    """Return the secret of a session's access key."""
    digest = hmac.digest(sealing.secrets_key, access_key_id.encode(), "sha256")
    return base64.b64encode(digest).decode()[:40]


def sealing_of(token: str, newest: SealingRecord, before: SealingRecord | None) -> SealingRecord:
    """Return the keys that a token says it was sealed with; the newest where it says neither."""
    try:
        number = base64.b64decode(token[:4])[1:2]
    except (ValueError, UnicodeEncodeError):
        return newest
    return before if before is not None and number == bytes([before.key_id]) else newest


def seal(sealing: SealingRecord, access_key_id: str, claims: Claims, entropy: Entropy) -> str:
    """Return the session token that carries ``claims``."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415  # 40 ms

    nonce = entropy.bytes(_NONCE_BYTES)
    plain = zlib.compress(msgspec.msgpack.encode(claims))
    sealed = AESGCM(sealing.sealing_key).encrypt(nonce, plain, access_key_id.encode())
    head = bytes([_TOKEN_VERSION, sealing.key_id])
    return base64.b64encode(head + nonce + sealed).decode()


def unseal(sealing: SealingRecord, access_key_id: str, token: str) -> Claims:
    """Return what a session token says.

    Raises:
        TokenInvalid: haar did not make it, or not for that access key.
    """
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415  # 40 ms
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415  # 40 ms

    try:
        raw = base64.b64decode(token, validate=True)
        if raw[:2] != bytes([_TOKEN_VERSION, sealing.key_id]):
            raise TokenInvalid
        nonce, sealed = raw[2 : 2 + _NONCE_BYTES], raw[2 + _NONCE_BYTES :]
        plain = AESGCM(sealing.sealing_key).decrypt(nonce, sealed, access_key_id.encode())
    except (ValueError, InvalidTag) as err:  # binascii.Error is a ValueError
        raise TokenInvalid from err
    return msgspec.msgpack.decode(zlib.decompress(plain), type=Claims)


def write_file(path: Path, credential: Credential) -> None:
    """Write a credential where AWS's tools can read it (``AWS_SHARED_CREDENTIALS_FILE``).

    Readable by its owner only, and never seen half written.
    """
    content = (
        "[default]\n"
        f"aws_access_key_id = {credential.access_key_id}\n"
        f"aws_secret_access_key = {credential.secret}\n"
    ).encode()
    if path.exists() and path.read_bytes() == content:
        path.chmod(0o600)
        return
    replace_durably(path, content, mode=0o600)
