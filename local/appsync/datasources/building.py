"""From a definition to a data source."""

from __future__ import annotations

from local.appsync.datasources.aws_lambda import LambdaDataSource
from local.appsync.datasources.dynamodb import DynamoDBDataSource
from local.appsync.datasources.interface import Client, DataSource, Invoke
from local.appsync.datasources.none import NoneDataSource
from local.appsync.datasources.page_tokens import PageTokens
from local.appsync.definition import ApiDefinition, DataSourceDefinition
from local.errors import NotEmulated


def build(
    definition: DataSourceDefinition, *, api: ApiDefinition, invoke: Invoke, client: Client, secret: bytes
) -> DataSource:
    """Makes the data source of a definition.

    `secret` (random, kept over restarts) seals page tokens. Raises NotEmulated for the types that are not there yet.
    """
    match definition.type:
        case "NONE":
            return NoneDataSource()
        case "AWS_LAMBDA":
            return LambdaDataSource(str(definition.config["LambdaFunctionArn"]), invoke=invoke, client=client)
        case "AMAZON_DYNAMODB":
            if definition.config.get("Versioned"):
                raise NotEmulated(f"the versioned data source {definition.name}", "delta sync is not kept locally")
            tokens = PageTokens(secret, api.id)
            return DynamoDBDataSource(str(definition.config["TableName"]), client=client, tokens=tokens)
        case other:
            raise NotEmulated(
                f"the data source type {other}", f"of {definition.name}; NONE, AWS_LAMBDA and AMAZON_DYNAMODB are here"
            )
