"""The chat function as AppSync calls it through `lambda.js` and `subscription.js`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest
from samcli.yamlhelper import yaml_parse

from domain import topics
from domain.changes import ChangeLog, Event
from domain.clock import SYSTEM
from domain.table import Table
from tests.backend.domain.clocks import SetClock
from tests.conftest import ROOT
from tests.deployed import Context, deployed, limits_of_mutations

IAM = {
    "accountId": "000000000000", "cognitoIdentityPoolId": None, "cognitoIdentityId": None, "sourceIp": ["127.0.0.1"],
    "username": "AIDAEXAMPLE", "userArn": "arn:aws:iam::000000000000:user/importer", "cognitoIdentityAuthType": None,
    "cognitoIdentityAuthProvider": None,
}  # fmt: skip


@pytest.fixture
def chat(
    main_table: Table,
    change_log_table: Table,
    new_table: Callable[[str], Table],
    aws_endpoint: str,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[ModuleType]:
    """The handler's module in the environment of its function."""
    limits = limits_of_mutations(aws_endpoint, '{"API_KEY": {"perSecond": 0.001, "burst": 7}}')
    environment = {
        "MAIN_TABLE": main_table.name,
        "CHANGE_LOG": change_log_table.name,
        "RETENTION_HOURS": "24",
        "RATE_LIMITS": new_table("RateLimits").name,
        "MUTATION_LIMITS": limits,
        "_X_AMZN_TRACE_ID": "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1",
    }
    with deployed("resolvers/chat", aws_endpoint, monkeypatch, environment) as module:
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
    answer: dict[str, Any] = module.handler(event, Context("chat"))
    return answer


def test_a_message_is_sent_and_read(chat: ModuleType) -> None:
    sent = ask(chat, "Mutation.sendMessage", input={"roomId": "lobby", "text": "hi", "author": "ann"})["data"]
    assert (sent["roomId"], sent["text"], sent["author"], sent["version"]) == ("lobby", "hi", "ann", 1)
    page = ask(chat, "Query.messages", roomId="lobby", order="NEWEST_FIRST", limit=10)
    assert page == {"data": {"items": [sent], "nextToken": None}}


def test_nulls_are_as_good_as_absent(chat: ModuleType) -> None:
    message = {"roomId": "lobby", "text": "hi", "author": None, "originalTime": None, "clientMutationId": None}
    sent = ask(chat, "Mutation.sendMessage", input=message)["data"]
    assert sent["author"] == "anonymous"
    batch = {"roomId": "lobby", "messages": [{"text": "ho", "author": None}], "clientMutationId": None}
    assert ask(chat, "Mutation.sendMessages", input=batch)["data"]["messages"][0]["author"] == "anonymous"
    page = ask(chat, "Query.messages", roomId="lobby", order=None, limit=None, nextToken=None)["data"]
    assert [item["text"] for item in page["items"]] == ["ho", "hi"]
    assert ask(chat, "Query.messageChanges", roomId="lobby", after=0, limit=None)["data"]["items"] == []


def test_a_batch_answers_its_messages(chat: ModuleType) -> None:
    batch = {"roomId": "lobby", "messages": [{"text": "a"}, {"text": "b", "originalTime": "09:14"}]}
    sent = ask(chat, "Mutation.sendMessages", IAM, input=batch)["data"]["messages"]
    assert [(each["text"], each["author"], each["originalTime"]) for each in sent] == [
        ("a", "importer", None),
        ("b", "importer", "09:14"),
    ]


def test_the_trace_of_the_request_is_stored(chat: ModuleType, main_table: Table) -> None:
    ask(chat, "Mutation.sendMessage", input={"roomId": "lobby", "text": "hi"})
    now = SYSTEM.now_ms()
    hours = [item["sk"].removeprefix("BUCKET#") for item in main_table.query("ROOM#lobby", now=now // 1000)]
    (item,) = main_table.query(f"MESSAGES#lobby#{hours[0]}#0", now=now // 1000)
    assert item["traceId"] == "1-5759e988-bd862e3fe1be46a994272793"


def test_missed_changes_are_answered(chat: ModuleType, change_log_table: Table) -> None:
    log = ChangeLog(change_log_table, 3600, SetClock(1_795_236_682_123 + 10**11))
    log.append(topics.room("lobby"), [Event("e1", "REMOVE", "k1", None)], time.monotonic() + 5)
    answer = ask(chat, "Query.messageChanges", roomId="lobby", after=0, limit=5)
    assert answer == {
        "data": {
            "roomId": "lobby",
            "topic": "room:lobby",
            "items": [
                {
                    "seq": 1, "eventId": "e1", "kind": "REMOVE", "at": "2030-01-21T14:38:02.123Z", "traceId": None,
                    "key": "k1", "truncated": False, "message": None,
                }
            ],
            "lastSeq": 1,
            "headSeq": 1,
            "resyncRequired": False,
        }
    }  # fmt: skip


def test_a_caller_makes_as_many_mutations_as_the_parameter_says(chat: ModuleType) -> None:
    answers = [ask(chat, "Mutation.sendMessage", input={"roomId": "lobby", "text": "hi"}) for _ in range(9)]
    assert ["error" in each for each in answers] == [False] * 7 + [True] * 2
    error = answers[-1]["error"]
    assert error["type"] == "TooManyRequests"
    assert 900_000 < error["info"]["retryAfterMs"] <= 1_000_000
    # Reading goes on, and so do callers of other kinds.
    assert len(ask(chat, "Query.messages", roomId="lobby")["data"]["items"]) == 7
    assert "data" in ask(chat, "Mutation.sendMessage", IAM, input={"roomId": "lobby", "text": "hi"})


def test_a_subscriber_gets_the_servers_topic(chat: ModuleType) -> None:
    assert ask(chat, "Subscription.onMessages", roomId="lobby") == {"data": {"topic": "room:lobby", "userId": None}}


@pytest.mark.parametrize(
    ("coordinate", "arguments", "error"),
    [
        ("Mutation.sendMessage", {"input": {"roomId": "", "text": "x"}}, "InvalidInput"),
        ("Mutation.sendMessages", {"input": {"roomId": "lobby", "messages": []}}, "InvalidInput"),
        ("Query.messages", {"roomId": "lobby", "nextToken": "x"}, "InvalidPageToken"),
        ("Query.messageChanges", {"roomId": "lobby", "after": -1}, "InvalidInput"),
        ("Query.messageChanges", {"roomId": "lobby", "after": 0, "limit": 1001}, "InvalidInput"),
        ("Subscription.onMessages", {"roomId": " "}, "InvalidInput"),
        ("Query.unknown", {}, "Internal"),
    ],
)
def test_what_is_wrong_has_its_type(chat: ModuleType, coordinate: str, arguments: dict[str, Any], error: str) -> None:
    answer = ask(chat, coordinate, **arguments)
    assert answer.keys() == {"error"}
    assert answer["error"]["type"] == error


def test_every_field_that_the_templates_send_here_is_answered(chat: ModuleType) -> None:
    template = yaml_parse((ROOT / "stacks/chat.yaml").read_text())
    sent_here = {
        f"{properties['TypeName']}.{properties['FieldName']}"
        for properties in (each["Properties"] for each in template["Resources"].values())
        if properties.get("DataSourceName") == {"Fn::GetAtt": ["ChatDataSource", "Name"]}
    }
    assert chat.FIELDS.keys() == sent_here
