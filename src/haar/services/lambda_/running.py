"""The part of Lambda that runs functions: from a stored function to a pool of processes."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

from haar.config import Config
from haar.fabric.sandbox import outcomes, runtimes
from haar.fabric.sandbox.packages import Packages
from haar.fabric.sandbox.pool import Pool, Sandboxes, TooManyInvocations
from haar.fabric.sandbox.program import InitFailed, Invocation, Outcome, Program
from haar.fabric.sandbox.runtimes import Runtime
from haar.identity.certificates import bundle_of
from haar.identity.credentials import Credentials
from haar.kernel import arn as arns
from haar.kernel.entropy import hex_id
from haar.kit.cloud import Cloud
from haar.kit.streams import Pieces, gather
from haar.services.lambda_ import keys, rules
from haar.services.lambda_.errors import ResourceNotFound, TooManyRequests
from haar.services.lambda_.records import CODE, Function

CREDENTIALS_S = 12 * 3600
"""Twice as long as a process may live."""

_MIB = 1024 * 1024
_PATH = "/usr/local/bin:/usr/bin:/bin"


class Runner:
    """Runs functions; made once, found by ``cloud.part(Runner)``."""

    def __init__(self, cloud: Cloud) -> None:
        config = cloud.part(Config)
        data = config.data
        trusted = bundle_of(config, data) if data is not None else None
        self._trust = {"AWS_CA_BUNDLE": str(trusted.absolute())} if trusted is not None else {}
        self._cloud = cloud
        self.packages = Packages(data / "functions" if data is not None else None)
        self.sandboxes = Sandboxes(
            cloud.clock,
            processes_max=config.function_processes_max,
            invocations_max=config.invocations_max,
        )
        self._bundle: Path | None = None
        self._bundling = asyncio.Lock()

    async def invoke(self, function: Function, invocation: Invocation) -> Outcome:
        """Run one event and return how it went.

        Raises:
            TooManyRequests: there is no room for it.
            ResourceNotFound: the function's code is gone, since it was just deleted.
        """
        pool = self.sandboxes.find(function.arn, function.revision)
        try:
            if pool is None:
                pool = await self._open(function)
            return await pool.invoke(invocation)
        except TooManyInvocations:
            raise TooManyRequests from None
        except InitFailed as failure:
            return outcomes.of_init(failure, invocation, function.timeout_s, function.memory_mb)

    async def _open(self, function: Function) -> Pool:
        runtime = await runtimes.find(function.runtime)
        code = await self._unpacked(function)
        first = Path(runtime.command(code)[0])
        if not os.access(first, os.X_OK):
            message = f"Couldn't find valid bootstrap(s): [{first.name}]"
            raise InitFailed("Runtime.InvalidEntrypoint", message=message)
        bundle = await self._bundled()
        program = self._program(function, runtime, code, bundle)
        return self.sandboxes.open(program, function.revision)

    async def _unpacked(self, function: Function) -> Path:
        name = rules.file_name(function.code_sha256)
        found = self.packages.find(name)
        if found is not None:
            return found
        raw = self._cloud.read(lambda tx: tx.get(keys.code(function.arn)))
        if raw is None:
            raise ResourceNotFound(arn=function.arn)
        blob = CODE.decode(raw).blob
        archive = await gather(Pieces(self._cloud.blobs.read(blob), blob.size))
        if rules.sha256(archive) != function.code_sha256:
            raise ResourceNotFound(arn=function.arn)  # replaced between the two reads
        return await self.unpack(archive, function.code_sha256)

    async def unpack(self, archive: bytes, code_sha256: str) -> Path:
        """Return where a package lies unpacked.

        Raises:
            BadPackage: not an archive, or not a safe one.
        """
        path = await self.packages.unpack(archive, rules.file_name(code_sha256))
        await self.packages.trim(self.sandboxes.directories() | {path})
        return path

    async def _bundled(self) -> Path:
        async with self._bundling:  # the first events of a function may come at once
            if self._bundle is None:
                directory = self.packages.directory / "runtime"
                self._bundle = await asyncio.to_thread(runtimes.bundle, directory)
            return self._bundle

    def _program(self, function: Function, runtime: Runtime, code: Path, bundle: Path) -> Program:
        return Program(
            name=function.arn,
            argv=runtime.command(code),
            directory=code,
            scratch=self.packages.directory,
            environment=self._environment(function, code, bundle),
            timeout_s=float(function.timeout_s),
            memory_mb=function.memory_mb,
            disk_bytes_max=function.disk_mb * _MIB,
            uses_socket=runtime.uses_socket,
        )

    def _environment(
        self, function: Function, code: Path, bundle: Path
    ) -> Callable[[], dict[str, str]]:
        """Return what makes the variables of a new process: Lambda's documented ones."""
        region = arns.parse(function.arn).region
        cloud = self._cloud
        credentials = cloud.part(Credentials)
        reserved = {
            "_HANDLER": function.handler,
            "AWS_DEFAULT_REGION": region,
            "AWS_REGION": region,
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.runtime}",
            "AWS_LAMBDA_FUNCTION_NAME": function.name,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
            "AWS_LAMBDA_FUNCTION_VERSION": rules.LATEST,
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.name}",
            "LAMBDA_TASK_ROOT": str(code),
            "LAMBDA_RUNTIME_DIR": str(bundle),
        }

        def make() -> dict[str, str]:
            keys_ = credentials.mint_session(function.role, function.name, CREDENTIALS_S)
            return {
                "PATH": _PATH,
                "LANG": "en_US.UTF-8",
                "TZ": ":UTC",
                "AWS_ENDPOINT_URL": cloud.endpoint,
                "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
                **self._trust,
                **function.variables,
                **reserved,
                "AWS_LAMBDA_LOG_STREAM_NAME": rules.log_stream(
                    cloud.clock.now_ms(), hex_id(cloud.entropy, 32)
                ),
                "AWS_ACCESS_KEY_ID": keys_.access_key_id,
                "AWS_SECRET_ACCESS_KEY": keys_.secret,
                "AWS_SESSION_TOKEN": keys_.token,
            }

        return make

    async def close(self) -> None:
        """End every process and remove what is temporary."""
        await self.sandboxes.close()
        await self.packages.close()
