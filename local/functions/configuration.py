"""What a function is made of, read from the Lambda service of the local cloud."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from botocore.exceptions import ClientError

from local.errors import NotEmulated
from local.functions.code import CodeStore
from local.functions.errors import CannotStart, FunctionNotFound
from local.functions.references import LATEST, FunctionReference


class Credentials(Protocol):
    """Temporary credentials of a role."""

    @property
    def access_key_id(self) -> str: ...
    @property
    def secret_access_key(self) -> str: ...
    @property
    def session_token(self) -> str | None: ...


class LambdaCloud(Protocol):
    """What functions need of the cloud around them (`local.cloud.Cloud`)."""

    @property
    def endpoint(self) -> str: ...
    def client(self, service: Any) -> Any: ...
    async def role_credentials(self, role_arn: str, session_name: str) -> Credentials: ...


@dataclass(frozen=True)
class FunctionConfiguration:
    """One version of a function, ready to run: code and layers are folders on this disk.

    `arn` is unqualified. `layers` are in the function's order; a later one overrides an earlier one.
    """

    name: str
    arn: str
    handler: str
    code: Path
    runtime: str = "python3.13"
    version: str = LATEST
    role: str | None = None
    timeout_seconds: float = 3
    memory_mb: int = 128
    environment: Mapping[str, str] = field(default_factory=dict)
    layers: tuple[Path, ...] = ()
    reserved_concurrency: int | None = None
    log_group: str = ""
    log_format: str = "Text"
    log_level: str | None = None

    @property
    def region(self) -> str:
        """The region in the ARN."""
        return self.arn.split(":")[3]


class Configurations(Protocol):
    """Where configurations come from."""

    async def read(self, reference: FunctionReference) -> FunctionConfiguration:
        """The current configuration.

        Raises:
            FunctionNotFound: there is no such function or qualifier.
            NotEmulated: its runtime is not Python.
            CannotStart: its code cannot be had.
        """
        ...


class CloudConfigurations:
    """Configurations from Lambda's API; code and layers are unpacked once per content."""

    def __init__(self, cloud: LambdaCloud, store: CodeStore) -> None:
        self._cloud = cloud
        self._store = store

    async def read(self, reference: FunctionReference) -> FunctionConfiguration:
        """Read one function. See `Configurations.read`."""
        return await asyncio.to_thread(self._read, reference)

    def _read(self, reference: FunctionReference) -> FunctionConfiguration:
        client = self._cloud.client("lambda")
        qualifier = {} if reference.qualifier == LATEST else {"Qualifier": reference.qualifier}
        try:
            function = client.get_function(FunctionName=reference.name, **qualifier)
        except ClientError as error:
            if error.response["Error"]["Code"] == "ResourceNotFoundException":
                raise FunctionNotFound(error.response["Error"]["Message"]) from error
            raise CannotStart(f"The configuration of {reference.name} cannot be read: {error}") from error
        described = function["Configuration"]
        runtime = described.get("Runtime", "")
        if described.get("PackageType", "Zip") != "Zip":
            raise NotEmulated(f"Container image of function {reference.name}", "only zip packages run without Docker")
        if not re.fullmatch(r"python3\.\d+", runtime):
            raise NotEmulated(f"Runtime {runtime} of function {reference.name}", "the workers are Python processes")
        logging = described.get("LoggingConfig", {})
        return FunctionConfiguration(
            name=described["FunctionName"],
            arn=":".join(described["FunctionArn"].split(":")[:7]),
            handler=described["Handler"],
            code=self._store.folder(described["CodeSha256"], function["Code"]["Location"]),
            runtime=runtime,
            version=described.get("Version", LATEST),
            role=described.get("Role"),
            timeout_seconds=described.get("Timeout", 3),
            memory_mb=described.get("MemorySize", 128),
            environment=described.get("Environment", {}).get("Variables", {}),
            layers=tuple(self._layer(client, layer["Arn"]) for layer in described.get("Layers", [])),
            reserved_concurrency=function.get("Concurrency", {}).get("ReservedConcurrentExecutions"),
            log_group=logging.get("LogGroup", f"/aws/lambda/{reference.name}"),
            log_format=logging.get("LogFormat", "Text"),
            log_level=logging.get("ApplicationLogLevel"),
        )

    def _layer(self, client: Any, arn: str) -> Path:
        known = self._store.layers.get(arn)
        if known is not None:
            return known
        try:
            content = client.get_layer_version_by_arn(Arn=arn)["Content"]
        except ClientError as error:
            raise CannotStart(f"Layer {arn} cannot be read: {error}") from error
        folder = self._store.folder(content["CodeSha256"], content["Location"])
        self._store.layers[arn] = folder  # a layer version never changes
        return folder
