"""`python -m local up`: one instance, started in order, watched, and stopped in the reverse order."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import json
import os
import signal
import socket
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import watchfiles
from rich.console import Console

from local import amplify_outputs, deploy
from local.cloud import Cloud, CloudError
from local.control import Control
from local.event_sources import EventSources
from local.explain import routes as explain
from local.explain.invocations import Invocations
from local.faults import Faults
from local.functions import Functions
from local.host import ApiHost
from local.progress import Progress
from local.seed import seed_if_empty, seed_products_if_empty
from local.settings import Settings
from local.sources import source_map
from local.standing_in import StandIns

HERE = Path(__file__).resolve().parent.parent


class RunnerError(Exception):
    """The instance cannot start or go on; the message says what to do."""


class Instance:
    """All parts of a running instance. `run` returns when it was asked to stop."""

    def __init__(self, settings: Settings, template: Path, stack: str) -> None:
        self.settings = settings
        self.template = template
        self.stack = stack
        self.progress = Progress(Console(stderr=False, highlight=False))
        self._faults = Faults()
        self._stand_ins = StandIns(settings.state, self._faults)
        self._stop = asyncio.Event()
        self._reload = asyncio.Event()
        self._redeploy = asyncio.Event()

    async def run(self) -> None:
        """Start everything, serve until SIGINT or SIGTERM, stop everything.

        Raises:
            RunnerError, CloudError, DeployError, NotEmulated: it cannot start, or the local cloud died.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._stop.set)
        with _lock(self.settings.state):
            self.settings.outputs_file.unlink(missing_ok=True)
            _check_ports(self.settings)
            async with contextlib.AsyncExitStack() as parts:
                serving = asyncio.create_task(self._serve(parts))
                stopping = asyncio.create_task(self._stop.wait())
                await asyncio.wait([serving, stopping], return_when=asyncio.FIRST_COMPLETED)
                if not serving.done():
                    serving.cancel()
                stopping.cancel()
                self.settings.outputs_file.unlink(missing_ok=True)
                with contextlib.suppress(asyncio.CancelledError):
                    await serving
                self.progress.line("Stopping ...")

    async def _serve(self, parts: contextlib.AsyncExitStack) -> None:
        settings = self.settings
        template = deploy.read_template(self.template)
        cloud = Cloud(
            port=settings.aws_port, mqtt_port=settings.mqtt_port, state=settings.state / "aws", region=settings.region
        )
        faults = self._faults
        host = ApiHost(settings, cloud, faults)
        functions = Functions(cloud=cloud, state=settings.state, rewrite=host.local_urls, faults=faults)
        control = Control(settings.state)
        faults.serve(control)
        faults.performs("kill-ministack", lambda _: _crash(cloud))
        parts.push_async_callback(self._stand_ins.stop)
        with self.progress.step("Starting the local cloud"):
            parts.push_async_callback(cloud.stop)
            await cloud.start()
            parts.push_async_callback(functions.stop)
            await functions.start()
        await self._deploy(template, cloud)
        await self._load(template, cloud, functions, host)
        with self.progress.step("Serving"):
            parts.push_async_callback(host.stop)
            await host.start()
            invocations = Invocations(functions)
            events = EventSources(cloud, invocations, settings.state, faults)
            parts.push_async_callback(events.stop)
            await events.start()
            explain.register(control, host.journal, invocations)
            parts.push_async_callback(control.stop)
            await control.start()
            parts.callback(faults.stop)
        if settings.seed and self.template == HERE / "template.yaml":
            await seed_if_empty(host.outputs(), progress=self.progress)
            outputs = host.outputs() | {"stack": self.stack}
            await seed_products_if_empty(outputs, settings.state, progress=self.progress)
        self.progress.ready(self._write_outputs(host))
        cloud.on_control(lambda service: self._changed(service, host))
        cloud.on_notice(self.progress.line)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._watch_cloud(cloud))
            tasks.create_task(self._watch_files(template))
            tasks.create_task(self._follow_changes(cloud, functions, host))

    def _write_outputs(self, host: ApiHost) -> dict[str, Any]:
        """Write outputs.json and Amplify's form of it; a deployment may have changed what is in them."""
        outputs = host.outputs() | {"stack": self.stack, "pid": os.getpid()}
        auth = amplify_outputs.authentication(host.user_pool, region=outputs["region"], endpoint=outputs["aws"])
        amplify_outputs.write(
            self.settings.state, host.main, url=outputs["graphqlTls"], api_key=outputs.get("apiKey"), auth=auth
        )
        _write_whole(self.settings.outputs_file, json.dumps(outputs, indent=2) + "\n")
        return outputs

    def _changed(self, service: str, host: ApiHost) -> None:
        if service in {"iam", "sts", "cloudformation"}:
            host.permissions_changed()
        if service in {"cloudformation", "appsync"}:
            self._reload.set()

    async def _deploy(self, template: deploy.Template, cloud: Cloud) -> None:
        parameters = deploy.local_parameters(template, datetime.now(UTC).date())
        parameters |= await self._stand_ins.parameters(template)
        mark = deploy.fingerprint(template, parameters)
        if await _deployed(cloud, self.stack) == mark:
            self.progress.line(f"Stack {self.stack} is up to date")
            return
        with self.progress.step(f"Deploying stack {self.stack} (sam build, sam deploy)"):
            await deploy.deploy(
                template, self.stack, parameters,
                endpoint=cloud.endpoint, region=self.settings.region, state=self.settings.state,
            )  # fmt: skip
            await _mark_deployed(cloud, self.stack, mark)

    async def _load(self, template: deploy.Template, cloud: Cloud, functions: Functions, host: ApiHost) -> None:
        stacks = await cloud.resources()
        functions.sources = source_map(template, self.stack, stacks)
        await host.load(stacks, self.stack, functions.invoke)
        functions.refresh()  # workers read the URLs of the APIs at their start

    async def _watch_cloud(self, cloud: Cloud) -> None:
        raise CloudError(f"the local cloud ended by itself: {await cloud.died()}")

    async def _watch_files(self, template: deploy.Template) -> None:
        """Templates, schema and resolver code redeploy; the code of functions reloads by itself."""
        while not self._stop.is_set():
            code = {folder for part in template.walk() for folder in part.code().values()}
            artifacts = set().union(*(part.artifacts() for part in template.walk()))
            files = {part.path for part in template.walk()} | {path for path in artifacts - code if path.is_file()}
            folders = {path.parent for path in files}
            async for changes in watchfiles.awatch(*folders, recursive=False, step=100, stop_event=self._stop):
                if any(Path(path) in files for _, path in changes):
                    self._redeploy.set()
                    break
            # The edit may name files that were not watched. A broken template is told by the deployment.
            with contextlib.suppress(deploy.DeployError):
                template = deploy.read_template(self.template)

    async def _follow_changes(self, cloud: Cloud, functions: Functions, host: ApiHost) -> None:
        while True:
            waits = [asyncio.create_task(self._reload.wait()), asyncio.create_task(self._redeploy.wait())]
            try:
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for wait in waits:
                    wait.cancel()
            redeploy = self._redeploy.is_set()
            # Before anything can fail: what is wrong is told once and looked at again after the next edit.
            self._redeploy.clear()
            self._reload.clear()
            try:
                template = deploy.read_template(self.template)
                if redeploy:
                    await self._deploy(template, cloud)
                    self._reload.clear()  # what the deployment itself changed is loaded now
                await self._load(template, cloud, functions, host)
                self._write_outputs(host)
            except Exception as error:  # noqa: BLE001  a half-saved file must not stop a running instance
                self.progress.problem(error)


@contextlib.contextmanager
def _lock(state: Path) -> Any:
    """One instance per state directory; the lock goes with the process, however it ends."""
    try:
        state.mkdir(parents=True, exist_ok=True)
        file = (state / "lock").open("a+")
    except OSError as error:
        raise RunnerError(
            f"no state can be kept in {state} ({error.strerror}); set HEADWATER_STATE to a folder that can be written"
        ) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            raise RunnerError(
                f"another instance (process {file.read().strip()}) runs on {state}; stop it or set HEADWATER_STATE"
            ) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


async def _crash(cloud: Cloud) -> str:
    began = time.monotonic()
    await cloud.crash()
    return f"killed MiniStack, which was back after {time.monotonic() - began:.1f} s"


def _check_ports(settings: Settings) -> None:
    wanted = [
        (settings.port, "HEADWATER_PORT"), (settings.tls_port, "HEADWATER_PORT (HTTPS is the port after it)"),
        (settings.aws_port, "HEADWATER_AWS_PORT"), (settings.mqtt_port, "HEADWATER_MQTT_PORT"),
    ]  # fmt: skip
    for port, variable in wanted:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                why = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be opened ({error.strerror})"
                raise RunnerError(f"port {port} {why}; choose another with {variable}") from error


async def _deployed(cloud: Cloud, stack: str) -> str | None:
    """The fingerprint of what is deployed. It lives beside the stack, so that both come back, or not, after a crash."""

    def read() -> str | None:
        try:
            status = cloud.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]
            mark = cloud.client("ssm").get_parameter(Name=_mark_name(stack))["Parameter"]["Value"]
        except cloud.client("ssm").exceptions.ParameterNotFound:
            return None
        except cloud.client("cloudformation").exceptions.ClientError:
            return None
        return mark if status.endswith("_COMPLETE") and "ROLLBACK" not in status else None

    return await asyncio.to_thread(read)


async def _mark_deployed(cloud: Cloud, stack: str, mark: str) -> None:
    await asyncio.to_thread(
        cloud.client("ssm").put_parameter, Name=_mark_name(stack), Value=mark, Type="String", Overwrite=True
    )


def _mark_name(stack: str) -> str:
    return f"/headwater/local/{stack}/fingerprint"


def _write_whole(file: Path, text: str) -> None:
    """Readers see the whole file or the one before."""
    unfinished = file.with_suffix(".tmp")
    unfinished.write_text(text)
    unfinished.replace(file)
