"""What a caller may do at most, on a deployed instance."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.stack.instance import Instance, running

pytestmark = pytest.mark.stack

SEND = "mutation ($input: SendMessageInput!) { sendMessage(input: $input) { id } }"


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """An instance of its own: its limits are changed by hand, and no other test would like that."""
    yield from running(tmp_path_factory.mktemp("limits") / "state")


@pytest.fixture(scope="module")
def limits(strict: Instance) -> Callable[..., None]:
    """Sets the deployed parameter, as an operator does."""
    name = strict.resources("AWS::SSM::Parameter")["MutationLimits"]
    ssm = strict.client("ssm")
    told = json.loads(ssm.get_parameter(Name=name)["Parameter"]["Value"])
    assert told["USER"] == {"perSecond": 20, "burst": 200}

    def put(**changed: dict[str, float]) -> None:
        ssm.put_parameter(Name=name, Value=json.dumps(told | changed), Overwrite=True)

    return put


def send(instance: Instance) -> Any:
    """The error's type and info of one mutation with the API key, or None."""
    answer = instance.graphql(SEND, input={"roomId": "limited", "text": "hi", "clientMutationId": str(uuid.uuid4())})
    if "errors" not in answer:
        return None
    (error,) = answer["errors"]
    return error["errorType"], error["errorInfo"]


def test_an_operators_change_of_the_parameter_counts(strict: Instance, limits: Callable[..., None]) -> None:
    """No function has run yet, so that none remembers the limits from before; else it takes a minute."""
    limits(API_KEY={"perSecond": 0.001, "burst": 5})
    answers = [send(strict) for _ in range(7)]
    assert answers[:5] == [None] * 5
    for kind, info in answers[5:]:
        assert kind == "TooManyRequests"
        assert 900_000 < info["retryAfterMs"] <= 1_000_000
    # Reading is not counted.
    assert "errors" not in strict.graphql('{ messages(roomId: "limited") { items { id } } }')


def test_a_refusal_takes_nothing(strict: Instance) -> None:
    """The bucket's item stays as the test before has left it, in a table without a stream."""
    (table,) = (name for each, name in strict.resources("AWS::DynamoDB::Table").items() if each == "RateLimits")
    dynamodb = strict.client("dynamodb")
    assert "LatestStreamArn" not in dynamodb.describe_table(TableName=table)["Table"]

    def full() -> int:
        (item,) = dynamodb.scan(TableName=table, ConsistentRead=True)["Items"]
        assert item["pk"]["S"] == "API_KEY#api-key"
        return int(item["full"]["N"])

    before = full()
    assert send(strict) is not None
    assert full() == before


def test_an_instance_without_a_change_takes_a_burst(instance: Instance) -> None:
    """The defaults let through what a demo or a benchmark does."""
    query = (
        "mutation { "
        + " ".join(
            f'm{number}: sendMessage(input: {{roomId: "burst", text: "{number}"}}) {{ id }}' for number in range(300)
        )
        + " }"
    )
    assert "errors" not in instance.graphql(query)


def test_a_request_may_call_500_resolvers(instance: Instance) -> None:
    def wide(aliases: int) -> str:
        return "{ " + " ".join(f'a{number}: room(id: "nothing") {{ id }}' for number in range(aliases)) + " }"

    assert "errors" not in instance.graphql(wide(500))
    assert instance.graphql(wide(501))["errors"][0]["errorType"] == "ResolverExecutionLimitReached"


def test_tools_can_ask_for_the_schema(instance: Instance) -> None:
    """Outside production. The query is the one of graphql-js, with more levels of types than any schema has."""
    from graphql import get_introspection_query

    assert "errors" not in instance.graphql(get_introspection_query(input_value_deprecation=True))


def test_a_web_acl_stands_before_the_api(instance: Instance) -> None:
    """The local cloud has it as AWS would; that no request meets it here, docs/not-on-aws.md says."""
    (physical_id,) = instance.resources("AWS::WAFv2::WebACL").values()
    name, acl_id, scope = physical_id.split("|")
    acl = instance.client("wafv2").get_web_acl(Name=name, Id=acl_id, Scope=scope)["WebACL"]
    limits = [rule["Statement"].get("RateBasedStatement", {}).get("Limit") for rule in acl["Rules"]]
    assert [int(limit) for limit in limits if limit] == [3000]
    assert len(instance.resources("AWS::WAFv2::WebACLAssociation")) == 1
    assert acl["DefaultAction"] == {"Allow": {}}
