"""Every setting: name, type, unit, default, one sentence. The documentation is made from it.

A setting is a field of :class:`Config`, an environment variable (``HAAR_`` and its name in
capitals), and, for the commonest, an option of ``haar up``. An option beats a variable, a variable
beats the default.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from pathlib import Path
from typing import Any, NamedTuple, cast

VARIABLE_PREFIX = "HAAR_"
PORT = 4566
LOOPBACK_OF = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # told, not bound


class BadSetting(ValueError):
    """A text that is no value of its setting; the message says which and why."""


def setting(default: Any, sentence: str, unit: str = "") -> Any:
    """Declare a setting with its default, the sentence that documents it, and its unit."""
    return field(default=default, metadata={"sentence": sentence, "unit": unit})


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """How one haar runs."""

    data: Path | None = setting(  # noqa: RUF009  # makes a field, shares nothing
        None, "Directory of everything that lasts; none keeps it in memory."
    )
    host: str = setting("127.0.0.1", "Address to listen on.")
    port: int = setting(PORT, "Port to listen on; 0 takes a free one.")
    dev: bool = setting(False, "Accept the well-known test credentials; loopback only.")  # noqa: FBT003
    tls: bool = setting(False, "Speak TLS, with a certificate of haar's own authority.")  # noqa: FBT003
    tls_cert: str = setting("", "File of a certificate to speak TLS with, and its chain; PEM.")
    tls_key: str = setting("", "File of that certificate's key; PEM, without a passphrase.")
    insecure: bool = setting(False, "Listen without TLS where other machines can reach haar.")  # noqa: FBT003
    region: str = setting("us-east-1", "Region that `haar env` tells clients to use.")
    account: str = setting("000000000000", "Account whose root credentials are made.")
    s3_domains: tuple[str, ...] = setting(
        ("localhost", "s3.localhost.localstack.cloud"),
        "Domains below which a host name's first label is a bucket.",
    )
    hosts: tuple[str, ...] = setting(
        (),
        "Host names that haar answers to, and names below, besides localhost and addresses.",
    )
    origins: tuple[str, ...] = setting(
        (), "Origins of web pages that may speak to haar, such as http://localhost:3000; * for all."
    )
    calls_max: int = setting(4096, "Calls that are worked on at once; more are throttled.")
    connections_max: int = setting(4096, "Connections that are open at once.")
    body_bytes_max: int = setting(
        5 * 1024**3 + 64 * 1024**2,
        "Largest body of a request; an upload's framing counts.",
        "bytes",
    )
    bodies_bytes_max: int = setting(
        256 * 1024 * 1024,
        "Memory for the bodies of all requests at once; what does not fit is throttled.",
        "bytes",
    )
    head_s: int = setting(20, "Time from a request's first byte to the end of its headers.", "s")
    body_s: int = setting(30, "Time between two pieces of a request's body.", "s")
    idle_s: int = setting(75, "Time that a connection is kept open between two requests.", "s")
    log_json: bool = setting(False, "Write the log as JSON, a line an event.")  # noqa: FBT003
    cache_bytes: int = setting(32 * 1024 * 1024, "Block cache of the store.", "bytes")
    function_processes_max: int = setting(64, "Processes of functions at once.")
    invocations_max: int = setting(
        1000, "Invocations that run or wait for a process at once; more are throttled."
    )

    @property
    def is_tls(self) -> bool:
        """Whether TLS is spoken."""
        return self.tls or bool(self.tls_cert)

    def endpoint(self, port: int | None = None) -> str:
        """Return the URL of a server with these settings, seen from this machine.

        An address of all interfaces is not one to connect to, so that the loopback one is told.
        """
        host = LOOPBACK_OF.get(self.host, self.host)
        place = f"[{host}]" if ":" in host else host
        return f"http{'s' * self.is_tls}://{place}:{self.port if port is None else port}"

    dynamodb_throttling: bool = setting(
        False,  # noqa: FBT003
        "Throttle DynamoDB tables at the figures of their capacity, as AWS does.",
    )
    queue_name_s: int = setting(
        60, "Time before the name of a deleted SQS queue can be used again.", "s"
    )


class Described(NamedTuple):
    """A setting as its documentation shows it."""

    name: str
    variable: str
    kind: str
    default: str
    unit: str
    sentence: str


def describe() -> list[Described]:
    """Return what there is to say of each setting, in order."""
    return [
        Described(
            name=one.name,
            variable=variable_of(one.name),
            kind=str(one.type),
            default=_shown(one.default),
            unit=one.metadata["unit"],
            sentence=one.metadata["sentence"],
        )
        for one in fields(Config)
    ]


def _shown(default: object) -> str:
    if isinstance(default, tuple):
        return ",".join(cast("tuple[str, ...]", default))
    if isinstance(default, bool):
        return str(default).lower()
    return "" if default is None else str(default)


def variable_of(name: str) -> str:
    """Return the environment variable of a setting."""
    return VARIABLE_PREFIX + name.upper()


def from_environment(environ: Mapping[str, str] | None = None, **chosen: Any) -> Config:
    """Return the configuration that variables and options make.

    Args:
        environ: the variables; those of this process where None.
        chosen: options by name; None means not chosen.

    Raises:
        BadSetting: a variable's text is no value of its setting.
    """
    variables = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    for one in fields(Config):
        if chosen.get(one.name) is not None:
            values[one.name] = chosen[one.name]
        elif text := variables.get(variable_of(one.name), ""):
            values[one.name] = _parse(one, text)
    return Config(**values)


def _parse(one: Field[Any], text: str) -> object:
    if one.name == "data":
        return Path(text).expanduser()
    if isinstance(one.default, bool):
        return _flag(one.name, text)
    if isinstance(one.default, int):
        return _number(one.name, text)
    if isinstance(one.default, tuple):
        return tuple(part.strip() for part in text.split(",") if part.strip())
    assert one.default is not MISSING, "every setting has a default"
    return text


def _number(name: str, text: str) -> int:
    try:
        number = int(text)
    except ValueError as err:
        raise BadSetting(f"{variable_of(name)} must be a whole number, not '{text}'.") from err
    if number < 0:
        raise BadSetting(f"{variable_of(name)} must not be negative, but it is {text}.")
    return number


def _flag(name: str, text: str) -> bool:
    flags = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
    known = flags.get(text.lower())
    if known is None:
        raise BadSetting(f"{variable_of(name)} must be true or false, not '{text}'.")
    return known


def default_data(environ: Mapping[str, str] | None = None) -> Path:
    """Return where data lies unless told otherwise: ``haar`` in the user's data directory."""
    variables = os.environ if environ is None else environ
    base = variables.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(base).expanduser() / "haar"
