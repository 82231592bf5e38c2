"""All Lambda code of the local cloud: looks functions up, runs them in their workers, follows every change."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import os
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from local.errors import NotEmulated
from local.faults import Faults
from local.functions import environment, tracing
from local.functions.code import CodeStore
from local.functions.configuration import (
    CloudConfigurations,
    Configurations,
    FunctionConfiguration,
    LambdaCloud,
)
from local.functions.endpoint import InvokeEndpoint
from local.functions.errors import CannotStart, FunctionsError, RequestTooLarge
from local.functions.fork_server import ForkServer
from local.functions.invocation import LARGEST_REQUEST_BYTES, Invocation, platform_error
from local.functions.logs import LogFile
from local.functions.paths import (
    PRELOADED_FROM_LAYERS,
    PRELOADED_FROM_RUNTIME,
    PRELOADED_STANDARD_LIBRARY,
    layer_paths,
    runtime_directory,
    shadows_preloaded,
)
from local.functions.pool import Concurrency, Pool
from local.functions.references import LATEST, FunctionReference, parse
from local.functions.sources import SourceMap, SourceWatch
from local.functions.worker import Worker

logger = logging.getLogger("headwater.functions")

CONCURRENCY_CAP = 40
"""Workers of one function on this machine, when it reserves no concurrency of its own."""

IDLE_SECONDS = 300.0
CONFIGURATION_SECONDS = 10.0
"""A configuration is read again when it is used after this time, in case a notification of its change was lost."""

STOP_GRACE_SECONDS = 1.5
NEVER = float("inf")


class FunctionsCloud(LambdaCloud, Protocol):
    """What `Functions` needs of `local.cloud.Cloud`."""

    @property
    def invoke_socket(self) -> Path: ...
    def on_control(self, callback: Callable[[str], None]) -> None: ...


class Functions:
    """The functions of the local cloud.

    `state` takes logs, code and bytecode. `rewrite` changes values of environment variables for this machine.
    `configurations` replaces the cloud's Lambda service as the place where functions are looked up.
    """

    def __init__(
        self,
        *,
        cloud: FunctionsCloud | None,
        state: Path,
        rewrite: environment.Rewrite | None = None,
        sources: SourceMap | None = None,
        configurations: Configurations | None = None,
        concurrency: int = CONCURRENCY_CAP,
        idle_seconds: float = IDLE_SECONDS,
        faults: Faults | None = None,
    ) -> None:
        if configurations is None:
            if cloud is None:
                raise ValueError("Functions needs a cloud or configurations")
            configurations = CloudConfigurations(cloud, CodeStore(state / "code", cloud.endpoint))
        self.socket_path = cloud.invoke_socket if cloud is not None else self.socket_for(state)
        self._cloud = cloud
        self._state = state
        self._bytecode = state / "bytecode"
        self._rewrite = rewrite
        self._sources: SourceMap = sources or {}
        self._configurations = configurations
        self._cap = concurrency
        self._idle_seconds = idle_seconds
        self._faults = faults or Faults()
        self._entries: dict[FunctionReference, _Entry] = {}
        self._concurrency: dict[str, Concurrency] = {}
        self._logs: dict[str, LogFile] = {}
        self._servers: dict[tuple[tuple[Path, ...], bool], ForkServer] = {}
        self._runtime = Path()
        self._endpoint = InvokeEndpoint(self.socket_path, self.invoke)
        self._watch: SourceWatch | None = None
        self._watching = asyncio.Lock()
        self._tasks: set[asyncio.Task[Any]] = set()
        if cloud is not None:
            cloud.on_control(self._control_changed)

    @staticmethod
    def socket_for(state: Path) -> Path:
        """The invocation socket of an instance: not inside a long `state`, as a socket's path has at most 107 bytes."""
        path = state.absolute() / "invoke.sock"
        if len(os.fsencode(path)) < 104:
            return path
        digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"headwater-{os.getuid()}-{digest}" / "invoke.sock"

    async def start(self) -> None:
        """Serve the invocation socket and watch the sources. Workers start when they are needed."""
        self._runtime = runtime_directory(self._state / "runtime")
        await self._endpoint.start()
        await self._restart_watch()
        # Most functions have layers or not; either way the first one does not wait for the SDK's import.
        self._server((), preload=True)

    async def stop(self) -> None:
        """Stop serving; running invocations get a moment to finish, then everything is killed."""
        await self._endpoint.stop()
        if self._watch is not None:
            await self._watch.stop()
            self._watch = None
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*(entry.pool.stop(STOP_GRACE_SECONDS) for entry in self._entries.values()))
        await asyncio.gather(*(server.stop() for server in self._servers.values()))
        self._servers.clear()
        self._entries.clear()
        for log in self._logs.values():
            log.close()

    @property
    def sources(self) -> SourceMap:
        """Live source folders by function name. Set it after every deployment."""
        return self._sources

    @sources.setter
    def sources(self, sources: SourceMap) -> None:
        before, self._sources = self._sources, sources
        if before == sources:
            return
        for reference, entry in self._entries.items():
            if before.get(reference.name) != sources.get(reference.name):
                entry.pool.replace()
        self._background(self._restart_watch())

    def refresh(self) -> None:
        """Look functions up again when they are next invoked: call it when what `rewrite` answers has changed."""
        for entry in self._entries.values():
            entry.stale = True
            entry.changes += 1

    def generation(self, name: str) -> int:
        """How often a function's workers were replaced because its code or configuration changed."""
        return max((entry.pool.generation for key, entry in self._entries.items() if key.name == name), default=0)

    async def invoke(
        self,
        function_arn: str,
        event: bytes,
        *,
        request_id: str | None = None,
        client_context: str | None = None,
        trace_id: str | None = None,
    ) -> Invocation:
        """Run a function and wait for what it came to. `event` is JSON, `client_context` too.

        A function that this emulator cannot run answers as a failed one, with the reason as its error.

        Raises:
            FunctionNotFound: there is no such function, version or alias.
            TooManyRequests: its concurrency is used up.
            RequestTooLarge: the event has more than 6 MB.
        """
        reference = parse(function_arn)
        if len(event) > LARGEST_REQUEST_BYTES:
            raise RequestTooLarge(
                f"Request must be smaller than {LARGEST_REQUEST_BYTES} bytes for the InvokeFunction operation"
            )
        try:
            entry = await self._entry(reference)
            configuration = entry.pool.configuration
            qualifier = "" if reference.qualifier == LATEST else f":{reference.qualifier}"
            return await entry.pool.invoke(
                event,
                request_id=request_id or str(uuid.uuid4()),
                arn=configuration.arn + qualifier,
                client_context=client_context,
                trace_id=trace_id or tracing.segment(),
            )
        except NotEmulated as error:
            return Invocation(platform_error("NotEmulated", str(error)), "Unhandled", b"")
        except CannotStart as error:
            logger.warning("%s cannot start: %s", reference.name, error)
            return Invocation(platform_error("CannotStart", str(error)), "Unhandled", b"")

    # --- configurations ---

    async def _entry(self, reference: FunctionReference) -> _Entry:
        entry = self._entries.get(reference)
        if entry is None or entry.stale:
            return await self._read(reference)
        if time.monotonic() - entry.read_at > CONFIGURATION_SECONDS and not entry.reading.locked():
            self._background(self._read(reference))
        return entry

    async def _read(self, reference: FunctionReference) -> _Entry:
        entry = self._entries.get(reference)
        if entry is None:
            configuration = await self._configurations.read(reference)
            entry = self._entries.get(reference)
            if entry is None:
                entry = self._entries[reference] = _Entry(self._pool(configuration), self._fingerprint(configuration))
            return entry
        async with entry.reading:
            if not entry.stale and time.monotonic() - entry.read_at < CONFIGURATION_SECONDS:
                return entry  # whoever held the lock has read it
            changes = entry.changes
            try:
                configuration = await self._configurations.read(reference)
            except FunctionsError:
                entry.pool.replace()
                self._entries.pop(reference, None)
                raise
            entry.read_at = time.monotonic()
            entry.stale = entry.changes != changes  # it may have changed during the read
            fingerprint = self._fingerprint(configuration)
            if fingerprint != entry.fingerprint:
                entry.fingerprint = fingerprint
                entry.pool.replace(configuration)
                self._background(self._stop_unused_servers())
            return entry

    def _fingerprint(self, configuration: FunctionConfiguration) -> str:
        """Changes with whatever a running worker was started with, the rewritten environment included."""
        variables = environment.rewritten(configuration.environment, self._rewrite)
        return repr((configuration, sorted(variables.items())))

    def _pool(self, configuration: FunctionConfiguration) -> Pool:
        name = configuration.name
        log = self._logs.setdefault(name, LogFile(self._state / "logs" / f"{name}.log"))
        return Pool(
            configuration,
            launch=lambda configuration, generation: self._launch(configuration, generation, log),
            concurrency=self._concurrency.setdefault(name, Concurrency(self._cap)),
            log=log,
            idle_seconds=self._idle_seconds,
            faults=self._faults,
        )

    def _control_changed(self, service: str) -> None:
        if service in {"lambda", "cloudformation", "iam"}:
            self.refresh()

    # --- workers ---

    async def _launch(self, configuration: FunctionConfiguration, generation: int, log: LogFile) -> Worker:
        credentials = None
        if self._cloud is not None and configuration.role:
            try:
                session = configuration.name.ljust(2, "-")  # the shortest session name that STS takes
                credentials = await self._cloud.role_credentials(configuration.role, session)
            except Exception as error:  # whatever the cloud says, the function has no role to run as
                message = "The role defined for the function cannot be assumed by Lambda."
                raise CannotStart(f"{message} ({configuration.role}: {error})") from error
        overlays = [folder.resolve() for folder in self._sources.get(configuration.name, ()) if folder.is_dir()]
        variables = environment.build(
            configuration,
            credentials,
            endpoint=self._cloud.endpoint if self._cloud is not None else None,
            runtime_directory=self._runtime,
            rewrite=self._rewrite,
        )
        own = [entry for entry in configuration.environment.get("PYTHONPATH", "").split(os.pathsep) if entry]
        shadows = shadows_preloaded([*overlays, configuration.code])
        server = self._server(configuration.layers, preload=not shadows)
        task = {
            "environment": variables,
            "path": [*map(str, overlays), str(configuration.code), *own],
            "handler": configuration.handler,
            "bytecode": str(self._bytecode),
        }
        expires_at = getattr(credentials, "expires_at", NEVER)
        return await Worker.launch(server, task, log, generation=generation, expires_at=expires_at)

    def _server(self, layers: tuple[Path, ...], *, preload: bool) -> ForkServer:
        key = (layers, preload)
        server = self._servers.get(key)
        if server is None or not server.alive:
            names = (*PRELOADED_STANDARD_LIBRARY, *PRELOADED_FROM_RUNTIME, *(PRELOADED_FROM_LAYERS if layers else ()))
            server = ForkServer(
                path=[*layer_paths(layers), str(self._runtime)],
                preload=names if preload else (),
                log=self._state / "logs" / "fork-servers.log",
            )
            server.start()
            self._servers[key] = server
        return server

    async def _stop_unused_servers(self) -> None:
        used = {entry.pool.configuration.layers for entry in self._entries.values()} | {()}
        for key, server in list(self._servers.items()):
            if key[0] not in used and not server.workers:
                del self._servers[key]
                await server.stop()

    # --- sources ---

    async def _restart_watch(self) -> None:
        async with self._watching:
            if self._watch is not None:
                await self._watch.stop()
            self._watch = SourceWatch(self._sources, bytecode=self._bytecode, changed=self._sources_changed)
            self._watch.start()

    def _sources_changed(self, names: set[str]) -> None:
        logger.info("reloaded %s", ", ".join(sorted(names)))
        for reference, entry in self._entries.items():
            if reference.name in names:
                entry.pool.replace()

    def _background(self, work: Any) -> None:
        async def guarded() -> None:
            with contextlib.suppress(FunctionsError, NotEmulated):
                await work

        task = asyncio.get_running_loop().create_task(guarded())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class _Entry:
    """A function version that was used: its pool, and how current what is known of it is."""

    def __init__(self, pool: Pool, fingerprint: str) -> None:
        self.pool = pool
        self.fingerprint = fingerprint
        self.read_at = time.monotonic()
        self.stale = False
        self.changes = 0
        self.reading = asyncio.Lock()
