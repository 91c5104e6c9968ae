"""Start haar inside a test: a context manager and a pytest fixture.

::

    def test_an_order_is_queued(haar):
        sqs = haar.client("sqs")
        ...

    with haar.testing.running() as cloud:
        cloud.client("s3").create_bucket(Bucket="b")

It runs in a thread of this process on a free port with the memory store, speaks real HTTP, and
checks signatures like any haar: the clients are given the root credentials of its account.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import threading
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvloop

from haar.app import App, build
from haar.config import Config
from haar.identity.certificates import bundle_of
from haar.kernel.clock import Clock
from haar.kernel.entropy import Entropy
from haar.wire.models import ModelCatalog

_MAKING = threading.Lock()
"""A session makes one client at a time; the clients themselves are free of it."""


@functools.cache
def _session() -> Any:
    """Return the one session of this process: it reads each service's model once, not per test."""
    import boto3  # an optional dependency, haar[testing]  # noqa: PLC0415

    return boto3.session.Session()


class Running:
    """A haar that runs in a thread.

    Attributes:
        app: its parts; touch them only from its own loop (see :meth:`run`).
        region: of the clients.
    """

    def __init__(self, app: App) -> None:
        self.app = app
        self.region = app.config.region
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name="haar", daemon=True)

    @property
    def endpoint(self) -> str:
        """``http://host:port``."""
        return self.app.endpoint

    @property
    def credentials(self) -> dict[str, str]:
        """The root credentials, as keyword arguments of ``boto3.client``."""
        key = self.app.credentials.root()
        return {"aws_access_key_id": key.access_key_id, "aws_secret_access_key": key.secret}

    def client(self, service: str, **options: Any) -> Any:
        """Return a boto3 client of a service; ``options`` go to ``boto3.client``."""
        from botocore.config import Config as ClientConfig  # noqa: PLC0415  # as in _session

        chosen = {
            "endpoint_url": self.endpoint,
            "region_name": self.region,
            "config": ClientConfig(
                retries={"total_max_attempts": 1}, inject_host_prefix=False, max_pool_connections=64
            ),
            **self.credentials,
            **self._trust(),
            **options,
        }
        with _MAKING:
            return _session().client(service, **chosen)

    def _trust(self) -> dict[str, str]:
        config = self.app.config
        bundle = bundle_of(config, config.data) if config.data is not None else None
        return {"verify": str(bundle)} if bundle is not None else {}

    def run(self, work: Any) -> Any:
        """Run a coroutine on haar's loop and return its result."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=60)

    def start(self) -> None:
        """Start, and return once it listens."""
        self._thread.start()
        self.run(self.app.start())

    def stop(self) -> None:
        """Drain, close the store and end the thread."""
        self.run(self.app.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()


@functools.cache
def _catalog() -> ModelCatalog:
    """Return the models that every haar in memory of this process reads: they take a while."""
    return ModelCatalog(None)


@contextlib.contextmanager
def running(
    *,
    data: Path | None = None,
    clock: Clock | None = None,
    wall: Clock | None = None,
    entropy: Entropy | None = None,
    **settings: Any,
) -> Generator[Running]:
    """Run a haar for the length of a ``with`` block.

    Args:
        data: a directory, for the embedded store; None keeps everything in memory.
        clock: of the services, for example a :class:`haar.kernel.clock.VirtualClock`.
        wall: of those who speak to it: signatures and sessions end by it.
        entropy: for example a :class:`haar.kernel.entropy.SeededEntropy`.
        settings: of :class:`haar.config.Config`.
    """
    config = Config(data=data, port=0, **settings)
    cloud = Running(
        build(config, clock=clock, wall=wall, entropy=entropy, catalog=None if data else _catalog())
    )
    cloud.start()
    try:
        yield cloud
    finally:
        cloud.stop()


@pytest.fixture
def haar() -> Iterator[Running]:
    """A haar of the test's own, in memory."""
    with running() as cloud:
        yield cloud
