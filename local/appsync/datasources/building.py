"""From a definition to a data source."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from local.appsync.datasources.interface import DataSource, Invoke
from local.appsync.definition import ApiDefinition, DataSourceDefinition

Client = Callable[[str], Any]
"""A boto3 client by service name (`local.cloud.Cloud.client`)."""


def build(
    definition: DataSourceDefinition, *, api: ApiDefinition, invoke: Invoke, client: Client, secret: bytes
) -> DataSource:
    """Makes the data source of a definition.

    `secret` (32 bytes, kept over restarts) seals page tokens. Raises NotEmulated for the types that are not there yet.
    """
    raise NotImplementedError
