"""The channels function as AppSync calls it through `lambda.js`, `ending.js` and `subscription.js`."""

from __future__ import annotations

import io
import json
import uuid
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest
from samcli.yamlhelper import yaml_parse

from domain.table import Put, Table
from tests.conftest import ROOT
from tests.deployed import Context, deployed, limits_of_mutations

ID = "0123456789abcdef"


@pytest.fixture
def function(
    new_table: Callable[[str], Table], aws_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ModuleType]:
    """The handler's module in the environment of its function."""
    limits = limits_of_mutations(aws_endpoint, '{"USER": {"perSecond": 0.001, "burst": 6}}')
    environment = {
        "MAIN_TABLE": new_table("MainTable").name,
        "CHANGE_LOG": new_table("ChangeLog").name,
        "RATE_LIMITS": new_table("RateLimits").name,
        "MUTATION_LIMITS": limits,
        "RETENTION_HOURS": "24",
        "HEARTBEAT_SECONDS": "30",
        "FEATURE_FLAGS": "new-editor, dark",
        "POWERTOOLS_SERVICE_NAME": f"channels-{uuid.uuid4()}",  # whose log goes where this test looks
    }
    with deployed("resolvers/channels", aws_endpoint, monkeypatch, environment) as module:
        module.clients_here().table.write([Put({"pk": "USER#ann", "sk": "PROFILE", "name": "ann"})])
        yield module


def identity(name: str, *groups: str, issued_at: int = 4_000_000_000) -> dict[str, Any]:
    """`ctx.identity` of a user."""
    claims = {"sub": name, "iat": issued_at, "token_use": "access", "cognito:groups": list(groups)}
    return {"sub": name, "username": name, "claims": claims, "groups": list(groups) or None}


ANN, OPAL = identity("ann"), identity("opal", "operators")


def ask(
    module: ModuleType, coordinate: str, caller: dict[str, Any] | None, source: Any = None, **arguments: Any
) -> dict[str, Any]:
    type_name, field_name = coordinate.split(".")
    info = {"fieldName": field_name, "parentTypeName": type_name}
    event = {"arguments": arguments, "identity": caller, "source": source, "info": info}
    answer: dict[str, Any] = module.handler(event, Context("channels"))
    json.dumps(answer)  # as Lambda must
    return answer


def test_it_answers_every_field_that_the_stack_gives_it(function: ModuleType) -> None:
    resources = yaml_parse((ROOT / "stacks/channels.yaml").read_text())["Resources"].values()
    resolvers = [each["Properties"] for each in resources if each["Type"] == "AWS::AppSync::Resolver"]
    assert {f"{each['TypeName']}.{each['FieldName']}" for each in resolvers} == function.FIELDS.keys()
    code = {f"{each['TypeName']}.{each['FieldName']}": each["CodeS3Location"] for each in resolvers}
    assert {name for name, file in code.items() if file.endswith("ending.js")} == {"Mutation.registerClient"}
    assert {name for name, file in code.items() if file.endswith("subscription.js")} == {"Subscription.onClient"}


def test_a_registration_ends_the_lease_of_before(function: ModuleType) -> None:
    first = ask(function, "Mutation.registerClient", ANN, input={"clientId": ID})["data"]
    assert first["ends"] == []
    assert first["answer"]["client"].keys() == {"id", "lease", "validUntil"}
    lease = first["answer"]["client"]["lease"]
    second = ask(function, "Mutation.registerClient", ANN, input={"clientId": ID, "clientMutationId": "1"})["data"]
    assert second["ends"] == [
        {"subscriptionField": field, "topic": f"{topic}:{ID}#{lease}", "userId": "*"}
        for field, topic in (("onClient", "client"), ("onCart", "cart:client"))
    ]
    newest = second["answer"]["client"]["lease"]
    renewed = ask(function, "Mutation.registerClient", ANN, input={"clientId": ID, "lease": newest})["data"]
    assert (renewed["ends"], renewed["answer"]["client"]["lease"]) == ([], newest)
    assert ask(function, "Subscription.onClient", ANN, clientId=ID, lease=newest) == {
        "data": {"topic": f"client:{ID}", "userId": "ann", "right": f"client:{ID}#{newest}"}
    }
    refused = ask(function, "Subscription.onClient", ANN, clientId=ID, lease=lease)["error"]
    assert (refused["type"], refused["info"]) == ("TakenOver", None)


def test_a_guest_s_subscription_is_nobody_s_but_ends_with_its_lease(function: ModuleType) -> None:
    made = ask(function, "Mutation.registerClient", None, input={})["data"]["answer"]["client"]
    found = ask(function, "Subscription.onClient", None, clientId=made["id"], lease=made["lease"])["data"]
    assert found["userId"] is None
    assert found["right"] == f"client:{made['id']}#{made['lease']}"


def test_a_registration_may_answer_all_that_a_client_needs(function: ModuleType) -> None:
    payload = ask(function, "Mutation.registerClient", ANN, input={})["data"]["answer"]
    nested = ask(function, "RegisterClientPayload.bootstrap", ANN, payload, rooms=["lobby"], backlogLimit=5)
    alone = ask(function, "Query.bootstrap", ANN, clientId=payload["client"]["id"], rooms=["lobby"], backlogLimit=5)
    assert nested == alone
    assert nested["data"]["client"] == payload["client"]
    assert nested["data"]["features"]["flags"] == ["new-editor", "dark"]
    assert [each["roomId"] for each in nested["data"]["rooms"]] == ["lobby"]
    assert ask(function, "Query.bootstrap", OPAL, clientId=payload["client"]["id"])["error"]["type"] == "Unauthorized"


def test_a_notice_is_answered_as_appsync_writes_it(function: ModuleType) -> None:
    """AWSJSON is parsed on the way in, and written on the way out."""
    sent = ask(function, "Mutation.notify", OPAL, input={"userId": "ann", "kind": "k", "data": {"a": [1, "ü"]}})["data"]
    assert sent["data"] == {"a": [1, "ü"]}
    assert sent.keys() == {"id", "kind", "data", "sentAt", "expiresAt"}
    page = ask(function, "Query.notices", ANN)["data"]
    assert page == {"topic": "user:ann", "items": [sent], "headSeq": 0, "nextToken": None}
    gone = ask(function, "Mutation.dismissNotice", ANN, id=sent["id"])
    assert gone == {"data": {"id": sent["id"], "topic": "user:ann"}}
    assert ask(function, "Query.notices", ANN)["data"]["items"] == []
    text = ask(function, "Mutation.notify", OPAL, input={"userId": "ann", "kind": "k", "data": "text"})["error"]
    assert (text["type"], text["info"]) == ("InvalidInput", {"field": "input.data"})


def test_changes_are_answered(function: ModuleType) -> None:
    ask(function, "Mutation.registerClient", ANN, input={"clientId": ID})
    assert ask(function, "Query.clientChanges", ANN, clientId=ID, after=0, limit=5)["data"] == {
        "clientId": ID, "topic": f"client:{ID}", "items": [], "lastSeq": 0, "headSeq": 0, "resyncRequired": False,
    }  # fmt: skip


def test_an_ended_session_gets_nothing(function: ModuleType) -> None:
    ask(function, "Mutation.registerClient", ANN, input={"clientId": ID})
    table = function.clients_here().table
    table.write([Put({"pk": "USER#ann", "sk": "PROFILE", "validAfter": 4_000_000_000})])
    asked: dict[str, dict[str, Any]] = {
        "Mutation.registerClient": {"input": {"clientId": ID}},
        "Query.bootstrap": {"clientId": ID},
        "RegisterClientPayload.bootstrap": {"source": {"client": {"id": ID}}},
        "Query.clientChanges": {"clientId": ID, "after": 0},
        "Query.notices": {},
        "Mutation.dismissNotice": {"id": "x"},
        "Mutation.notify": {"input": {"userId": "ann", "kind": "k"}},
        "Subscription.onClient": {"clientId": ID, "lease": "x"},
    }
    for coordinate, arguments in asked.items():
        assert ask(function, coordinate, ANN, **arguments)["error"]["type"] == "Unauthorized", coordinate


def test_mutations_are_counted(function: ModuleType) -> None:
    answers = [ask(function, "Mutation.registerClient", OPAL, input={}) for _ in range(7)]
    assert [each["error"]["type"] for each in answers if "error" in each] == ["TooManyRequests"]


def test_no_log_holds_what_was_sent_or_a_guest_s_id(function: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """A defect whose message has both."""
    guest = ask(function, "Mutation.registerClient", None, input={})["data"]["answer"]["client"]["id"]

    def fail(*_: Any, **given: Any) -> None:
        raise ZeroDivisionError(f"client:{guest} {json.dumps({'token': 'secret'})}")

    stream = io.StringIO()
    monkeypatch.setattr(function.logger.registered_handler, "stream", stream)
    monkeypatch.setattr(function.notices, "unread", fail)
    assert ask(function, "Query.notices", None, clientId=guest)["error"]["type"] == "Internal"
    ask(function, "Mutation.notify", OPAL, input={"clientId": guest, "kind": "k", "data": {"pin": "secret"}})
    ask(function, "Mutation.notify", OPAL, input={"clientId": guest, "kind": "", "data": {"pin": "secret"}})
    logged = stream.getvalue()
    assert "ZeroDivisionError" in logged
    assert guest[:12] in logged
    assert guest not in logged
    assert "secret" not in logged.replace("[secret]", "")
