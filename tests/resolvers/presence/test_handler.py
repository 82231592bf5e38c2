"""The presence function as AppSync calls it through `lambda.js` and `subscription.js`."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import boto3
import pytest
from samcli.yamlhelper import yaml_parse

from domain.table import Table
from tests.conftest import CREDENTIALS, ROOT
from tests.deployed import Context, deployed, limits_of_mutations

ANN = {"sub": "sub-ann", "username": "ann", "claims": {"iat": 4_000_000_000}, "groups": None}


@pytest.fixture
def queue_url(aws_endpoint: str) -> str:
    sqs = boto3.client("sqs", endpoint_url=aws_endpoint, **CREDENTIALS)  # type: ignore[call-overload]
    url: str = sqs.create_queue(QueueName=f"presence-{uuid.uuid4()}")["QueueUrl"]
    return url


@pytest.fixture
def function(
    main_table: Table,
    change_log_table: Table,
    new_table: Callable[[str], Table],
    queue_url: str,
    aws_endpoint: str,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[ModuleType]:
    """The handler's module in the environment of its function."""
    limits = limits_of_mutations(aws_endpoint, '{"API_KEY": {"perSecond": 0.001, "burst": 3}}')
    environment = {
        "MAIN_TABLE": main_table.name,
        "CHANGE_LOG": change_log_table.name,
        "RETENTION_HOURS": "24",
        "HEARTBEAT_SECONDS": "30",
        "PRESENCE_QUEUE_URL": queue_url,
        "RATE_LIMITS": new_table("RateLimits").name,
        "MUTATION_LIMITS": limits,
        "_X_AMZN_TRACE_ID": "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1",
    }
    with deployed("resolvers/presence", aws_endpoint, monkeypatch, environment) as module:
        yield module


def ask(
    module: ModuleType, coordinate: str, identity: dict[str, Any] | None = None, **arguments: Any
) -> dict[str, Any]:
    type_name, field_name = coordinate.split(".")
    event = {
        "arguments": arguments,
        "identity": identity,
        "source": None,
        "info": {"fieldName": field_name, "parentTypeName": type_name},
    }
    answer: dict[str, Any] = module.handler(event, Context("presence"))
    return answer


def test_it_answers_every_field_that_the_stack_gives_it(function: ModuleType) -> None:
    resources = yaml_parse((ROOT / "stacks/presence.yaml").read_text())["Resources"].values()
    resolvers = [each["Properties"] for each in resources if each["Type"] == "AWS::AppSync::Resolver"]
    assert {f"{each['TypeName']}.{each['FieldName']}" for each in resolvers} == function.FIELDS.keys()


def test_who_joins_is_listed_and_asked_about_and_leaves(
    function: ModuleType, queue_url: str, aws_endpoint: str, main_table: Table
) -> None:
    client = {"roomId": "lobby", "clientId": "phone", "clientMutationId": None}
    joined = ask(function, "Mutation.joinRoom", ANN, input=client | {"name": None})["data"]
    assert (joined["heartbeatSeconds"], joined["greyAfterSeconds"]) == (30, 660)
    assert (joined["presence"]["name"], joined["presence"]["userId"]) == ("ann", "sub-ann")
    page = {"items": [joined["presence"]], "nextToken": None, "greyAfterSeconds": 660}
    assert ask(function, "Query.presence", roomId="lobby", limit=None, nextToken=None) == {"data": page}
    [item] = main_table.query("PRESENCE#lobby", now=0)
    assert item["traceId"] == "1-5759e988-bd862e3fe1be46a994272793"
    sqs = boto3.client("sqs", endpoint_url=aws_endpoint, **CREDENTIALS)  # type: ignore[call-overload]
    delayed = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["ApproximateNumberOfMessagesDelayed"])
    assert delayed["Attributes"]["ApproximateNumberOfMessagesDelayed"] == "1"
    answer = ask(function, "Mutation.heartbeat", ANN, input=client)["data"]
    assert answer == {"lastSeen": joined["presence"]["lastSeen"], "heartbeatSeconds": 30}
    left = {"data": {"roomId": "lobby", "id": joined["presence"]["id"]}}
    assert ask(function, "Mutation.leaveRoom", ANN, input=client) == left
    assert ask(function, "Mutation.leaveRoom", ANN, input=client) == left
    assert ask(function, "Mutation.heartbeat", ANN, input=client)["error"] == {
        "type": "NotFound", "message": "There is nothing with this input.clientId.", "data": None,
        "info": {"field": "input.clientId"},
    }  # fmt: skip


def test_subscribers_get_the_rooms_topic_by_which_they_are_ended(function: ModuleType) -> None:
    assert ask(function, "Subscription.onPresence", ANN, roomId="lobby") == {
        "data": {"topic": "presence:lobby", "userId": "sub-ann"}
    }
    assert ask(function, "Subscription.onPresence", roomId="lobby")["data"]["userId"] is None
    assert ask(function, "Subscription.onPresence", ANN, roomId="private:x")["error"]["type"] == "Unauthorized"
    changes = ask(function, "Query.presenceChanges", ANN, roomId="lobby", after=0, limit=None)["data"]
    assert (changes["topic"], changes["items"], changes["headSeq"]) == ("presence:lobby", [], 0)


def test_heartbeats_take_no_token_unless_they_are_early(function: ModuleType, main_table: Table) -> None:
    """The API key has three."""
    client = {"roomId": "lobby", "clientId": str(uuid.uuid4())}
    made = ask(function, "Mutation.joinRoom", input=client)["data"]["presence"]["id"]
    key = (f"HEARTBEAT#{made}", f"lobby#{made}")
    for _ in range(5):
        item = main_table.get(key, 0)
        assert item
        main_table.write([function.presences.Put(item | {"beat": item["beat"] - 30_000})])
        assert "data" in ask(function, "Mutation.heartbeat", input=client)
    answers = [ask(function, "Mutation.heartbeat", input=client) for _ in range(3)]
    assert ["data" in each for each in answers] == [True, True, False]
    assert answers[2]["error"]["type"] == "TooManyRequests"
    assert ask(function, "Mutation.leaveRoom", input=client)["error"]["type"] == "TooManyRequests"


def test_nothing_that_fails_unexpectedly_is_told(function: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(function.presences, "list_presence", fail)
    assert "secret" not in json.dumps(ask(function, "Query.presence", roomId="lobby"))
