"""Access keys: the root's, sessions', and those of development."""

from __future__ import annotations

import asyncio
import stat
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import pytest

from haar.identity import principal as principals
from haar.identity.credentials import (
    SEALING_DAYS,
    Credentials,
    TokenExpired,
    TokenInvalid,
    account_of,
    key_id,
)
from haar.kernel.clock import VirtualClock
from haar.kernel.entropy import SeededEntropy

ROLE = "arn:aws:iam::123456789012:role/service-role/worker"


def store() -> Any:
    memory = pytest.importorskip("haar.store.memory")
    return memory.MemoryStore()


def opened(kept: Any = None, clock: VirtualClock | None = None, **options: Any) -> Credentials:
    made = Credentials(
        kept or store(),
        clock or VirtualClock(),
        SeededEntropy(options.pop("seed", 1)),
        account=options.pop("account", "000000000000"),
        **options,
    )
    asyncio.run(made.open())
    return made


def test_the_root_key_is_made_once() -> None:
    """A store that is opened again has the key that it had."""
    kept = store()
    first, second = opened(kept), opened(kept, seed=2)
    assert first.root() == second.root()
    assert first.lookup(first.root().access_key_id) == first.root()
    assert first.root().principal.arn == "arn:aws:iam::000000000000:root"
    assert len(first.root().secret) == 40


def test_the_file_is_for_its_owner_and_for_aws_tools(tmp_path: Path) -> None:
    """``<data>/credentials`` has mode 0600, is INI, and comes back when it was lost."""
    kept = store()
    root = opened(kept, directory=tmp_path).root()
    path = tmp_path / "credentials"
    path.unlink()
    opened(kept, directory=tmp_path)
    keys = ConfigParser()
    keys.read(path)
    assert keys["default"]["aws_access_key_id"] == root.access_key_id
    assert keys["default"]["aws_secret_access_key"] == root.secret
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_strangers_key_is_unknown() -> None:
    """Without ``dev`` the well-known pair is nobody's."""
    credentials = opened()
    assert credentials.lookup("test") is None
    assert credentials.lookup("123456789012") is None


@pytest.mark.parametrize(
    ("access_key", "account"), [("test", "000000000000"), ("123456789012", "123456789012")]
)
def test_dev_takes_the_well_known_keys(access_key: str, account: str) -> None:
    """With ``dev``, ``test`` is the account's root and 12 digits are the root of that account."""
    found = opened(dev=True).lookup(access_key)
    assert found is not None
    assert (found.secret, found.principal.account) == ("test", account)
    assert found.principal.kind == "root"


@pytest.mark.parametrize("access_key", ["tests", "12345678901", "1234567890123", "१२३४५६७८९०१२"])
def test_dev_takes_no_other_key(access_key: str) -> None:
    """What is not exactly twelve digits is no account."""
    assert opened(dev=True).lookup(access_key) is None


def test_a_session_is_known_by_every_node_of_the_store() -> None:
    """A token minted by one process is opened by another that shares only the store."""
    kept = store()
    made = opened(kept).mint_session(ROLE, "run-1", 900)
    found = opened(kept, seed=9).lookup(made.access_key_id, made.token)
    assert found is not None
    assert found.secret == made.secret
    assert found.principal.arn == "arn:aws:sts::123456789012:assumed-role/worker/run-1"
    assert found.principal.user_id.startswith("AROA")
    assert found.principal.user_id.endswith(":run-1")
    assert found.principal.access_key_id == made.access_key_id
    assert len(made.token) < 4096


def test_secrets_are_not_shown() -> None:
    """What is printed of a credential, in a log or a traceback, leaves the secret out."""
    credentials = opened()
    made = credentials.mint_session(ROLE, "run-1", 900)
    shown = repr((credentials.root(), made, credentials._opened))
    assert credentials.root().access_key_id in shown
    for secret in (credentials.root().secret, made.secret, made.token):
        assert secret not in shown


def test_a_session_ends() -> None:
    """A session is refused from the millisecond that it ends at."""
    clock = VirtualClock()
    credentials = opened(clock=clock)
    made = credentials.mint_session(ROLE, "run-1", 900)
    clock.advance(made.expires_ms - clock.now_ms() - 1)
    assert credentials.lookup(made.access_key_id, made.token)
    clock.advance(1)
    with pytest.raises(TokenExpired):
        credentials.lookup(made.access_key_id, made.token)


def test_the_sealing_keys_are_changed_and_sessions_outlive_it() -> None:
    """After a month a start makes new ones; what the old ones sealed is good to its own end."""
    clock, kept = VirtualClock(), store()
    old = opened(kept, clock=clock)
    clock.advance(SEALING_DAYS * 86_400_000 - 60_000)
    made = old.mint_session(ROLE, "run-1", 900)
    assert opened(kept, clock=clock, seed=2)._sealing == old._sealing
    clock.advance(60_000)
    new = opened(kept, clock=clock, seed=3)
    assert new._sealing != old._sealing
    found = new.lookup(made.access_key_id, made.token)
    assert found is not None
    assert found.secret == made.secret
    later = new.mint_session(ROLE, "run-2", 900)
    with pytest.raises(TokenInvalid):
        old.lookup(later.access_key_id, later.token)
    assert opened(kept, clock=clock, seed=4).lookup(later.access_key_id, later.token)
    clock.advance(2 * SEALING_DAYS * 86_400_000)
    for seed in (5, 6):
        newer = opened(kept, clock=clock, seed=seed)
        clock.advance(SEALING_DAYS * 86_400_000)
    with pytest.raises(TokenInvalid):
        newer.lookup(made.access_key_id, made.token)


def test_a_token_cannot_be_forged() -> None:
    """A token with any character changed, cut short, or of another key or store is refused."""
    credentials = opened()
    made = credentials.mint_session(ROLE, "run-1", 900)
    other = credentials.mint_session(ROLE, "run-1", 900)
    stranger = opened(seed=5).mint_session(ROLE, "run-1", 900)
    forged = [
        made.token[:at] + ("A" if made.token[at] != "A" else "B") + made.token[at + 1 :]
        for at in range(len(made.token.rstrip("=")) - 1)
    ]
    forged += [made.token[:-5], "x", "é", made.token * 2, other.token, stranger.token]
    for token in forged:
        with pytest.raises(TokenInvalid):
            credentials.lookup(made.access_key_id, token)
    with pytest.raises(TokenInvalid):
        credentials.lookup(credentials.root().access_key_id, made.token)


def test_a_session_key_without_its_token_is_unknown() -> None:
    """The token is what makes the key one of ours."""
    credentials = opened()
    assert credentials.lookup(credentials.mint_session(ROLE, "run-1", 900).access_key_id) is None


@pytest.mark.parametrize("account", ["000000000000", "123456789012", "999999999999"])
def test_an_access_key_tells_its_account(account: str) -> None:
    """The account can be read from the id, as from AWS's."""
    made = key_id("AKIA", account, SeededEntropy(3))
    assert len(made) == 20
    assert account_of(made) == account


@pytest.mark.parametrize("text", ["", "AKIA", "AKIA!!!!", "AKIAIOSF", "AKIA" + "7" * 16])
def test_other_texts_tell_no_account(text: str) -> None:
    """What is no access key id tells nothing, or at least no account with too many digits."""
    assert account_of(text) is None


@pytest.mark.parametrize(
    ("arn", "kind", "told"),
    [
        (ROLE, "role", "arn:aws:sts::123456789012:assumed-role/worker/haar"),
        (
            "arn:aws:sts::123456789012:assumed-role/worker/s",
            "role",
            "arn:aws:sts::123456789012:assumed-role/worker/s",
        ),
        ("arn:aws:iam::123456789012:root", "root", "arn:aws:iam::123456789012:root"),
        ("arn:aws:iam::123456789012:user/ann", "unknown", "arn:aws:iam::123456789012:user/ann"),
        ("worker", "unknown", "worker"),
    ],
)
def test_an_arn_names_a_principal(arn: str, kind: str, told: str) -> None:
    """Roles, their sessions and roots are somebody; whatever else is written there is nobody."""
    found = principals.of_role(arn, "haar")
    assert (found.kind, found.arn) == (kind, told)
