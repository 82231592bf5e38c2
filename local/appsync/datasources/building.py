"""From a definition to a data source."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from local.appsync.datasources.aws_lambda import LambdaDataSource
from local.appsync.datasources.dynamodb import DynamoDBDataSource
from local.appsync.datasources.eventbridge import EventBridgeDataSource
from local.appsync.datasources.http import Address, HttpDataSource, Signing
from local.appsync.datasources.interface import DataSource, DataSourceRoles, Invoke
from local.appsync.datasources.none import NoneDataSource
from local.appsync.datasources.page_tokens import PageTokens
from local.appsync.definition import ApiDefinition, DataSourceDefinition
from local.errors import NotEmulated

_WITH_ROLE = frozenset({"AWS_LAMBDA", "AMAZON_DYNAMODB", "AMAZON_EVENTBRIDGE"})

Locate = Callable[[str], Address]
"""Where the requests to an HTTP endpoint are sent on this machine."""


def build(
    definition: DataSourceDefinition,
    *,
    api: ApiDefinition,
    invoke: Invoke,
    roles: DataSourceRoles,
    locate: Locate,
    secret: bytes,
) -> DataSource:
    """Makes the data source of a definition.

    `secret` (random, kept over restarts) seals page tokens. Raises NotEmulated for the types that are not there yet.
    """
    role = definition.role_arn
    if role is None and definition.type in _WITH_ROLE:
        reason = "AWS refuses such a data source: Service role arn not specified"
        raise NotEmulated(f"{definition.name}: {definition.type} without ServiceRoleArn", reason)

    def client(service: str) -> Any:
        return roles.client(service, str(role), api.arn)

    async def denial(action: str, resource: str) -> str | None:
        return await roles.denial(str(role), api.arn, action, resource)

    match definition.type:
        case "NONE":
            return NoneDataSource()
        case "AWS_LAMBDA":
            function_arn = str(definition.config["LambdaFunctionArn"])
            return LambdaDataSource(function_arn, invoke=invoke, client=client, denial=denial)
        case "AMAZON_DYNAMODB":
            if definition.config.get("Versioned"):
                raise NotEmulated(f"the versioned data source {definition.name}", "delta sync is not kept locally")
            tokens = PageTokens(secret, api.id)
            return DynamoDBDataSource(str(definition.config["TableName"]), client=client, tokens=tokens)
        case "AMAZON_EVENTBRIDGE":
            return EventBridgeDataSource(str(definition.config["EventBusArn"]), client=client)
        case "HTTP":
            address = locate(str(definition.config["Endpoint"]))
            signing = _signing(definition, api.region)
            return HttpDataSource(address, signing=signing, credentials=lambda arn: roles.credentials(arn, api.arn))
        case other:
            raise NotEmulated(
                f"the data source type {other}",
                f"of {definition.name}; NONE, AWS_LAMBDA, AMAZON_DYNAMODB, AMAZON_EVENTBRIDGE and HTTP are here",
            )


def _signing(definition: DataSourceDefinition, region: str) -> Signing | None:
    """How requests are signed; AWS_IAM is the only way that AppSync has."""
    authorization = definition.config.get("AuthorizationConfig")
    if not authorization:
        return None
    if authorization.get("AuthorizationType") != "AWS_IAM":
        reason = "AWS_IAM is the only type that AppSync has"
        raise NotEmulated(f"{definition.name}: AuthorizationType {authorization.get('AuthorizationType')}", reason)
    iam = authorization.get("AwsIamConfig") or {}
    if not definition.role_arn or not iam.get("SigningServiceName"):
        raise NotEmulated(
            f"{definition.name}: AWS_IAM without ServiceRoleArn or SigningServiceName", "AWS cannot sign then either"
        )
    return Signing(definition.role_arn, str(iam.get("SigningRegion") or region), str(iam["SigningServiceName"]))
