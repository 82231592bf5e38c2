"""From definitions to data sources."""

from __future__ import annotations

from typing import Any

import pytest

from local.appsync.datasources import BatchDataSource, build
from local.appsync.datasources.aws_lambda import LambdaDataSource
from local.appsync.datasources.dynamodb import DynamoDBDataSource
from local.appsync.datasources.eventbridge import EventBridgeDataSource
from local.appsync.datasources.http import Address, HttpDataSource, Signing
from local.appsync.definition import ApiDefinition, AuthMode, AuthProvider, DataSourceDefinition
from local.errors import NotEmulated
from tests.local.appsync.datasources.contexts import context

API = ApiDefinition("a", "arn", "name", "us-east-1", "000000000000", "", (AuthProvider(AuthMode.API_KEY),))


class Roles:
    """Roles that nobody uses while data sources are built."""

    async def credentials(self, *_: str) -> Any:
        raise AssertionError

    def client(self, *_: str) -> Any:
        raise AssertionError

    async def denial(self, *_: str) -> str | None:
        raise AssertionError


def made(type_name: str, role_arn: str | None = "arn:role", **config: Any) -> Any:
    async def unused(*_arguments: Any) -> Any:
        raise AssertionError

    return build(
        DataSourceDefinition("Source", type_name, config, role_arn),
        api=API,
        invoke=unused,
        roles=Roles(),
        locate=lambda endpoint: Address(f"{endpoint}/located"),
        secret=b"s",
    )


def test_lambda_is_the_one_that_takes_batches() -> None:
    source = made("AWS_LAMBDA", LambdaFunctionArn="arn:f")
    assert isinstance(source, LambdaDataSource)
    assert source.function_arn == "arn:f"
    assert isinstance(source, BatchDataSource)
    assert not isinstance(made("NONE"), BatchDataSource)


def test_dynamodb_knows_its_table() -> None:
    source = made("AMAZON_DYNAMODB", TableName="t", AwsRegion="us-east-1")
    assert isinstance(source, DynamoDBDataSource)
    assert source.table_name == "t"


def test_eventbridge_knows_its_bus() -> None:
    source = made("AMAZON_EVENTBRIDGE", EventBusArn="arn:bus")
    assert isinstance(source, EventBridgeDataSource)
    assert source.bus_arn == "arn:bus"


def test_http_knows_where_its_endpoint_is_on_this_machine() -> None:
    source = made("HTTP", Endpoint="https://example.com")
    assert isinstance(source, HttpDataSource)
    assert source.address == Address("https://example.com/located")
    assert source.signing is None


def authorization(**iam: str) -> dict[str, Any]:
    return {"AuthorizationType": "AWS_IAM", "AwsIamConfig": iam}


def test_http_signs_as_it_is_told() -> None:
    given = authorization(SigningRegion="eu-west-1", SigningServiceName="states")
    signed = made("HTTP", "arn:role", Endpoint="https://a", AuthorizationConfig=given)
    assert signed.signing == Signing("arn:role", "eu-west-1", "states")
    own_region = made(
        "HTTP", "arn:role", Endpoint="https://a", AuthorizationConfig=authorization(SigningServiceName="s")
    )
    assert own_region.signing.region == "us-east-1"


@pytest.mark.parametrize(
    ("role", "given"),
    [
        (None, authorization(SigningServiceName="s")),
        ("arn:role", authorization()),
        ("arn:role", {"AuthorizationType": "OTHER"}),
    ],
)
def test_http_that_cannot_sign_is_refused(role: str | None, given: dict[str, Any]) -> None:
    with pytest.raises(NotEmulated, match=r"^Source: "):
        made("HTTP", role, Endpoint="https://a", AuthorizationConfig=given)


@pytest.mark.parametrize("type_name", ["AWS_LAMBDA", "AMAZON_DYNAMODB", "AMAZON_EVENTBRIDGE"])
def test_a_source_without_a_role_is_refused_as_on_aws(type_name: str) -> None:
    with pytest.raises(NotEmulated, match=r"Source: .*Service role arn not specified"):
        made(type_name, None)


@pytest.mark.parametrize(
    ("request_object", "result"), [({"payload": {"a": 1}}, {"a": 1}), ({}, None), (None, None), ({"payload": 0}, 0)]
)
async def test_none_answers_the_payload(request_object: Any, result: Any) -> None:
    assert await made("NONE").call(request_object, context()) == result


@pytest.mark.parametrize(
    "type_name",
    ["RELATIONAL_DATABASE", "AMAZON_OPENSEARCH_SERVICE", "AMAZON_ELASTICSEARCH", "AMAZON_BEDROCK_RUNTIME"],
)
def test_other_types_are_refused_by_name(type_name: str) -> None:
    with pytest.raises(NotEmulated, match=f"{type_name}.*Source"):
        made(type_name)


def test_a_versioned_source_is_refused() -> None:
    with pytest.raises(NotEmulated, match="versioned data source Source"):
        made("AMAZON_DYNAMODB", TableName="t", Versioned=True)
