"""Builds a haar from its parts: the only module that knows them all.

``build(config)`` makes an :class:`App`; ``await app.start()`` opens the store and listens;
``await app.stop()`` drains and closes. With ``config.data`` None everything is kept in memory.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import resource
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from haar.config import Config
from haar.fabric.travel import Travel
from haar.fabric.workers import Workers
from haar.gateway.admin import Action, Admin
from haar.gateway.admission import Admission
from haar.gateway.audit import Audit
from haar.gateway.dispatch import Registry
from haar.gateway.figures import Figure
from haar.gateway.guard import Guard
from haar.gateway.local import LocalCloud
from haar.gateway.pipeline import Pipeline
from haar.gateway.probes import Probes
from haar.identity.credentials import Credentials
from haar.identity.sigv4 import Verifier
from haar.identity.tls import tls_of
from haar.kernel.clock import Clock, SystemClock, TravelClock
from haar.kernel.entropy import Entropy, SystemEntropy
from haar.kernel.errors import RefusedAs
from haar.kit.call import Members
from haar.kit.service import Service
from haar.store import checkpoints
from haar.store.api import Store, StoreStopped
from haar.store.blob_files import FileBlobs
from haar.store.blobs import Blobs
from haar.store.checkpoints import SnapshotError
from haar.store.directory import DataDirectory
from haar.store.memory import MemoryBlobs, MemoryStore
from haar.store.rocksdb import RocksStore
from haar.wire.documents import ModelDocuments
from haar.wire.inside import InsideChecks
from haar.wire.limits import Limits
from haar.wire.models import ModelCatalog
from haar.wire.protocols import Codecs
from haar.wire.room import Room
from haar.wire.route import Router
from haar.wire.server import HttpServer

SERVICES = ("sts", "s3", "sqs", "dynamodb", "lambda_", "pipes", "states")


def services() -> tuple[Service, ...]:
    """Return every service that haar has, in the order of their start."""
    found: list[Service] = []
    for name in SERVICES:
        front = importlib.import_module(f"haar.services.{name}.service").SERVICE
        assert isinstance(front, Service), f"{name} has no front door"
        found.append(front)
    return tuple(found)


@runtime_checkable
class Counted(Protocol):
    """An engine that offers figures of itself."""

    def figures(self) -> Mapping[str, float]:
        """Return values by name, in snake case."""
        ...


@dataclass
class Opened:
    """The parts of a haar that live from its start to its end."""

    directory: DataDirectory | None
    store: Store
    blobs: Blobs
    credentials: Credentials
    audit: Audit
    cloud: LocalCloud
    workers: Workers
    server: HttpServer


class App:
    """One haar.

    Attributes:
        config: its settings.
        clock: the only source of time of its services.
        wall: the time of those who speak to it: signatures, sessions, ``Date`` headers.
        entropy: its only source of randomness.
        catalog: the models of AWS's services; several haars of a process may share one.
        services: what it serves.
        on_stop: told when the disk has failed; whoever runs it calls :meth:`stop` then.
    """

    def __init__(
        self, config: Config, clock: Clock, wall: Clock, entropy: Entropy, catalog: ModelCatalog
    ) -> None:
        self.config = config
        self.clock = clock
        self.wall = wall
        self.entropy = entropy
        self.catalog = catalog
        self.services = tuple(service.configured(config) for service in services())
        self.on_stop: Callable[[StoreStopped], None] | None = None
        self._opened: Opened | None = None
        self._renewal: asyncio.Task[None] | None = None
        self._started_ms = wall.now_ms()

    @property
    def _parts(self) -> Opened:
        assert self._opened is not None, "start() comes first"
        return self._opened

    @property
    def endpoint(self) -> str:
        """Where it listens: ``http://host:port``, or ``https``."""
        return self._parts.cloud.endpoint

    @property
    def credentials(self) -> Credentials:
        """Its access keys."""
        return self._parts.credentials

    @property
    def cloud(self) -> LocalCloud:
        """What its services are given; for tests and tools that look inside."""
        return self._parts.cloud

    @property
    def audit(self) -> Audit:
        """Its audit records."""
        return self._parts.audit

    async def start(self) -> None:
        """Open the store and listen.

        Raises:
            DirectoryError: the data directory cannot be used; the subclass says why.
            CertificateError: TLS cannot be spoken with what the settings name.
            StoreDamaged: what lies in it is not what was written.
            ClockMoved: its time was moved, and this is no development haar.
            OSError: the address cannot be listened on.
        """
        directory = DataDirectory(self.config.data) if self.config.data else None
        try:
            store, blobs = open_store(self.config, self.entropy, self._stopped)
            try:
                self._opened = await self._assemble(directory, store, blobs)
                await self._listen(self._opened)
            except BaseException:
                await store.close()
                raise
        except BaseException:
            if directory is not None:
                directory.close()
            raise

    async def _assemble(
        self, directory: DataDirectory | None, store: Store, blobs: Blobs
    ) -> Opened:
        config, clock, entropy = self.config, self.clock, self.entropy
        travel = Travel(store, self.wall, clock)
        travel.resume()
        credentials = Credentials(
            store, self.wall, entropy, account=config.account, directory=config.data, dev=config.dev
        )
        await credentials.open()
        registry = Registry(self.services)
        audit = Audit(config.data / "audit" if config.data else None)
        cloud = LocalCloud(
            registry=registry,
            store=store,
            blobs=blobs,
            clock=clock,
            entropy=entropy,
            audit=audit,
            checks=InsideChecks(self.catalog),
        )
        cloud.add_part(credentials)
        cloud.add_part(config)
        admission = Admission(config.calls_max, self.wall)
        room = Room(config.bodies_bytes_max)
        pipeline = self._pipeline(
            cloud, credentials, admission, audit, actions_of(travel, store, blobs), room
        )
        server = HttpServer(
            pipeline.handle,
            clock=self.wall,
            limits=limits_of(config),
            refuse=pipeline.refuse,
            room=room,
        )
        workers = Workers(cloud, self.services)
        return Opened(directory, store, blobs, credentials, audit, cloud, workers, server)

    def _pipeline(
        self,
        cloud: LocalCloud,
        credentials: Credentials,
        admission: Admission,
        audit: Audit,
        actions: dict[str, Action],
        room: Room,
    ) -> Pipeline:
        config = self.config
        verifier = Verifier(credentials, self.wall, region=config.region)
        catalog = self.catalog
        cloud.add_part(ModelDocuments(catalog))
        registered = [(service.name, service.models) for service in self.services]
        router = Router(catalog, registered, config.s3_domains)
        return Pipeline(
            router=router,
            codecs=Codecs(catalog, router),
            verifier=verifier,
            cloud=cloud,
            guard=Guard((config.host, *config.hosts, *config.s3_domains), config.origins),
            admission=admission,
            audit=audit,
            probes=Probes(
                admission=admission,
                audit=audit,
                describe=self._describe,
                more=self._more_figures,
            ),
            admin=Admin(verifier, config.account, actions),
            room=room,
        )

    async def _listen(self, opened: Opened) -> None:
        config, tls = self.config, tls_of(self.config, self.wall, self.entropy)
        await opened.server.start(config.host, config.port, tls=tls.context if tls else None)
        if tls is not None:
            self._renewal = asyncio.get_running_loop().create_task(tls.keep_fresh())
        opened.cloud.endpoint = config.endpoint(opened.server.port)
        opened.cloud.open_parts(self.services)
        opened.audit.start()
        await opened.workers.start()

    async def stop(self) -> None:
        """Drain, end the workers, make everything durable and give the files back."""
        opened = self._parts
        if self._renewal is not None:
            self._renewal.cancel()
        await opened.server.close()
        await opened.workers.stop()
        await opened.cloud.close_parts()
        await opened.audit.close()
        try:
            await opened.store.close()
        finally:
            if opened.directory is not None:
                opened.directory.close()

    def _more_figures(self) -> Iterable[Figure]:
        """Return the figures of the process and of the parts that the gateway does not know."""
        yield from process_figures()
        yield Figure(
            "haar_connections", "gauge", "Connections open.", len(self._parts.server.connections)
        )
        held = self._parts.server.room.used
        yield Figure("haar_body_bytes", "gauge", "Bytes of bodies held in memory.", held)
        stuck = self._parts.workers.stuck_jobs()
        yield Figure("haar_jobs_stuck", "gauge", "Jobs that fail again and again.", stuck)
        store = self._parts.store
        if isinstance(store, Counted):
            for name, value in store.figures().items():
                yield Figure(f"haar_store_{name}", "gauge", f"The store's {name}.", value)

    def _stopped(self, reason: StoreStopped) -> None:
        if self.on_stop is not None:
            self.on_stop(reason)

    def _describe(self) -> dict[str, Any]:
        return {
            "version": version("haar"),
            "pid": os.getpid(),
            "data": str(self.config.data) if self.config.data else None,
            "uptime_seconds": (self.wall.now_ms() - self._started_ms) // 1000,
            "stuck_jobs": self._parts.workers.stuck_jobs(),
            "services": {service.models[0]: "running" for service in self.services},
        }


def process_figures() -> Iterable[Figure]:
    """Return what the operating system counts of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = used.ru_utime + used.ru_stime
    yield Figure("process_cpu_seconds_total", "counter", "CPU time used.", seconds)
    memory = Path("/proc/self/statm")
    if memory.exists():
        pages = int(memory.read_text().split()[1])
        count = pages * resource.getpagesize()
        yield Figure("process_resident_memory_bytes", "gauge", "Memory held.", count)


def actions_of(travel: Travel, store: Store, blobs: Blobs) -> dict[str, Action]:
    """Return what haar's command line may ask of a running haar."""

    def told(move: Callable[[Members], Awaitable[None]]) -> Action:
        async def action(members: Members) -> Members:
            await move(members)
            return travel.describe()

        return action

    saving = asyncio.Lock()

    async def save(members: Members) -> Members:
        if not isinstance(store, RocksStore) or not isinstance(blobs, FileBlobs):
            raise RefusedAs("NotSaved", "A haar that keeps everything in memory saves nothing.")
        try:
            async with saving:  # whoever asks for another one meanwhile waits for its turn
                await checkpoints.save(store, blobs, Path(members["directory"]))
        except SnapshotError as err:
            raise RefusedAs("NotSaved", f"{err}.") from err
        return {}

    async def stay(members: Members) -> None:
        del members

    return {
        "DescribeClock": told(stay),
        "AdvanceClock": told(lambda members: travel.advance(int(members["by_ms"]))),
        "ScaleClock": told(lambda members: travel.scale(float(members["rate"]))),
        "ReleaseClock": told(lambda _: travel.real()),
        "SaveSnapshot": save,
    }


def open_store(
    config: Config, entropy: Entropy, on_stop: Callable[[StoreStopped], None]
) -> tuple[Store, Blobs]:
    """Return the store and the blobs of a data directory, or in memory where there is none."""
    if config.data is None:
        return MemoryStore(), MemoryBlobs()
    return (
        RocksStore(config.data / "store", cache_bytes=config.cache_bytes, on_stop=on_stop),
        FileBlobs(config.data / "blobs", entropy),
    )


def limits_of(config: Config) -> Limits:
    """Return what a client may ask of the server."""
    return Limits(
        body_bytes_max=config.body_bytes_max,
        connections_max=config.connections_max,
        head_s=config.head_s,
        body_s=config.body_s,
        idle_s=config.idle_s,
    )


def build(
    config: Config,
    *,
    clock: Clock | None = None,
    wall: Clock | None = None,
    entropy: Entropy | None = None,
    catalog: ModelCatalog | None = None,
) -> App:
    """Return a haar that has not been started.

    Args:
        config: its settings.
        clock: of its services; the machine's where None, and in development one that can be moved.
        wall: of those who speak to it; the machine's where None.
        entropy: the operating system's where None.
        catalog: of models; one of its own where None.
    """
    wall = wall or SystemClock()
    clock = clock or (TravelClock(wall) if config.dev else wall)
    catalog = catalog or ModelCatalog(config.data / "cache" if config.data else None)
    return App(config, clock, wall, entropy or SystemEntropy(), catalog)
