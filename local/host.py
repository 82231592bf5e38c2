"""The data plane of what is deployed: an engine for each API of the local cloud, behind one server."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from local import refusals, rest
from local.appsync.apis import Apis
from local.appsync.auth.principals import Principals
from local.appsync.datasources import Invoke, build
from local.appsync.datasources.http import Address
from local.appsync.definition import ApiDefinition
from local.appsync.engine import Engine
from local.appsync.javascript import JavaScript
from local.appsync.journal import Journal
from local.appsync.rates import Rates, documented
from local.appsync.server import Server
from local.certificates import certificates
from local.cloud import Cloud, Stack
from local.endpoints import local_address
from local.errors import NotEmulated
from local.faults import Faults
from local.roles import Roles
from local.settings import Settings
from local.template import api_definitions
from local.user_pools import UserPool, find

HOST = "127.0.0.1"


class HostError(Exception):
    """The data plane cannot be reached; the message says what to do."""


class ApiHost:
    """Serves the APIs of all stacks: that of the stack which `up` deployed at `/graphql`, any at `/{apiId}/graphql`."""

    def __init__(self, settings: Settings, cloud: Cloud, faults: Faults | None = None) -> None:
        self._faults = faults or Faults()
        self._settings = settings
        self._cloud = cloud
        self._javascript = JavaScript()
        self._principals = Principals(cloud.principal)
        self._roles = Roles(cloud)
        self._apis = Apis(self._principals, aws_endpoint=cloud.endpoint, faults=self._faults)
        self._server = Server(self._apis, rates=Rates(documented(settings.region)) if settings.rates else None)
        self._definitions: dict[str, ApiDefinition] = {}
        self._main: str | None = None
        self._rest: str | None = None
        self.user_pool: UserPool | None = None
        """Where the users of the main API are, once it is loaded."""
        self._ca_file: Path | None = None
        self._secret = _page_token_secret(settings.state)
        self._refusals = refusals.log_to(settings.state)

    async def start(self) -> None:
        """Listen on the HTTP port and, with the local certificate authority, on the one after it."""
        files = await asyncio.to_thread(certificates, self._settings.state)
        self._ca_file = files.authority
        for port, tls in ((self._settings.port, None), (self._settings.tls_port, files.context())):
            try:
                await self._server.listen(HOST, port, tls)
            except OSError as error:
                raise HostError(f"port {port} is in use by now; choose another with HEADWATER_PORT") from error

    async def stop(self) -> None:
        """Finish requests, close sockets."""
        await self._server.stop()
        refusals.close(self._refusals)

    def permissions_changed(self) -> None:
        """Look policies up again at the next request."""
        self._principals.forget()
        self._roles.forget()

    async def load(self, stacks: Sequence[Stack], stack_name: str, invoke: Invoke) -> None:
        """Serve what the stacks define now. An API that did not change is left alone, with its sockets.

        Raises:
            NotEmulated: the stack has no API, or one uses what the data plane does not have.
            SchemaError, CodeError: a schema or resolver code is wrong; nothing is replaced then.
        """
        definitions = await asyncio.to_thread(api_definitions, stacks, self._read_s3)
        self._main = _api_of(stack_name, stacks)
        if self._main is None:
            raise NotEmulated(f"stack {stack_name}", "it has no AWS::AppSync::GraphQLApi, which is what is served here")
        changed = [api for api in definitions if self._definitions.get(api.id) != api]
        engines = {api.id: self._engine(api, invoke) for api in changed if api.schema}
        for api in changed:
            authorizing = self._roles.authorizing(invoke, api.arn)
            await self._apis.serve(api, engines.get(api.id), main=api.id == self._main, invoke=authorizing)
            self._definitions[api.id] = api
        for gone in self._definitions.keys() - {api.id for api in definitions}:
            self._apis.withdraw(gone)
            del self._definitions[gone]
        self.user_pool = find(stacks, stack_name, self.main)
        self._rest = rest.find(stacks, stack_name, self._cloud.endpoint)

    def local_urls(self, value: str) -> str:
        """A function's variable with each API's AWS URL replaced by the one that answers here."""
        for api in self._definitions.values():
            value = value.replace(api.aws_url, self._url("http", self._settings.port, api.id))
        return value

    @property
    def journal(self) -> Journal:
        """What was published, and to whom."""
        return self._apis.journal

    @property
    def main(self) -> ApiDefinition:
        """The API that is served at `/graphql`, once it is loaded."""
        assert self._main
        return self._definitions[self._main]

    def outputs(self) -> dict[str, Any]:
        """The data plane's part of outputs.json."""
        api = self.main
        port, tls_port = self._settings.port, self._settings.tls_port
        found = {
            "graphql": f"http://{HOST}:{port}/graphql",
            "realtime": f"ws://{HOST}:{port}/graphql/realtime",
            "graphqlTls": f"https://{HOST}:{tls_port}/graphql",
            "realtimeTls": f"wss://{HOST}:{tls_port}/graphql/realtime",
            "caFile": str(self._ca_file),
            "region": api.region,
            "aws": self._cloud.endpoint,
        }
        if api.api_keys:
            found["apiKey"] = max(api.api_keys, key=lambda key: key.expires_at).id
        if self._rest is not None:
            found["rest"] = self._rest
        if self.user_pool is not None:
            found |= {"userPoolId": self.user_pool.id, "userPoolClientId": self.user_pool.client_id}
        return found

    def _url(self, scheme: str, port: int, api_id: str) -> str:
        return (
            f"{scheme}://{HOST}:{port}/graphql"
            if api_id == self._main
            else f"{scheme}://{HOST}:{port}/{api_id}/graphql"
        )

    def _engine(self, api: ApiDefinition, invoke: Invoke) -> Engine:
        data_sources = {
            name: build(
                definition,
                api=api,
                invoke=invoke,
                roles=self._roles,
                locate=self._locate,
                secret=self._secret,
            )
            for name, definition in api.data_sources.items()
        }
        return Engine(api, data_sources=data_sources, javascript=self._javascript, faults=self._faults)

    def _locate(self, endpoint: str) -> Address:
        data_plane = f"http://{HOST}:{self._settings.port}"
        return local_address(endpoint, aws=self._cloud.endpoint, data_plane=data_plane)

    def _read_s3(self, bucket: str, key: str) -> bytes:
        body: bytes = self._cloud.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        return body


def _api_of(stack_name: str, stacks: Sequence[Stack]) -> str | None:
    """The id of the first API in a stack or below it."""
    below: Mapping[str, list[Stack]] = {stack.name: [s for s in stacks if s.parent == stack.name] for stack in stacks}
    pending = [stack for stack in stacks if stack.name == stack_name]
    while pending:
        stack = pending.pop(0)
        for resource in stack.resources:
            if resource.type == "AWS::AppSync::GraphQLApi":
                return str(resource.attributes["ApiId"])
        pending += below[stack.name]
    return None


def _page_token_secret(state: Path) -> bytes:
    """Kept over restarts, so that page tokens stay valid."""
    file = state / "page-token.key"
    if not file.exists():
        unfinished = file.with_suffix(".tmp")
        unfinished.touch(mode=0o600)
        unfinished.write_bytes(secrets.token_bytes(32))
        unfinished.replace(file)
    return file.read_bytes()
