"""From definitions to data sources."""

from __future__ import annotations

from typing import Any

import pytest

from local.appsync.datasources import BatchDataSource, build
from local.appsync.datasources.aws_lambda import LambdaDataSource
from local.appsync.datasources.dynamodb import DynamoDBDataSource
from local.appsync.definition import ApiDefinition, AuthMode, AuthProvider, DataSourceDefinition
from local.errors import NotEmulated
from tests.local.appsync.datasources.contexts import context

API = ApiDefinition("a", "arn", "name", "us-east-1", "000000000000", "", (AuthProvider(AuthMode.API_KEY),))


def made(type_name: str, **config: Any) -> Any:
    async def invoke(_arn: str, _event: bytes) -> Any:
        raise AssertionError

    definition = DataSourceDefinition("Source", type_name, config)
    return build(definition, api=API, invoke=invoke, client=lambda _: None, secret=b"s")


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


@pytest.mark.parametrize(
    ("request_object", "result"), [({"payload": {"a": 1}}, {"a": 1}), ({}, None), (None, None), ({"payload": 0}, 0)]
)
async def test_none_answers_the_payload(request_object: Any, result: Any) -> None:
    assert await made("NONE").call(request_object, context()) == result


@pytest.mark.parametrize(
    "type_name",
    ["HTTP", "AMAZON_EVENTBRIDGE", "RELATIONAL_DATABASE", "AMAZON_OPENSEARCH_SERVICE", "AMAZON_BEDROCK_RUNTIME"],
)
def test_other_types_are_refused_by_name(type_name: str) -> None:
    with pytest.raises(NotEmulated, match=f"{type_name}.*Source"):
        made(type_name)


def test_a_versioned_source_is_refused() -> None:
    with pytest.raises(NotEmulated, match="versioned data source Source"):
        made("AMAZON_DYNAMODB", TableName="t", Versioned=True)
