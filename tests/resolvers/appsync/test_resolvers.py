"""The APPSYNC_JS of the resolvers, run by the local engine with AppSync's language limits."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from domain import endings, topics
from local.appsync.javascript import Code, JavaScript, Outcome
from local.appsync.limits import INVALIDATIONS_PER_REQUEST
from tests.backend.domain.schema import schema
from tests.conftest import ROOT

FOLDER = ROOT / "resolvers/appsync"
INFO = {"fieldName": "messages", "parentTypeName": "Query", "variables": {}, "selectionSetList": ["items"]}


@pytest.fixture
def load() -> Callable[[str], Code]:
    javascript = JavaScript()
    return lambda name: javascript.compile((FOLDER / name).read_text(), name)


def value(outcome: Outcome) -> Any:
    assert outcome.error is None, outcome.error
    return outcome.value


def failure(outcome: Outcome) -> tuple[str | None, str, Any]:
    assert outcome.error is not None
    return outcome.error.type, outcome.error.message, outcome.error.error_info


@pytest.mark.parametrize("path", sorted(path.name for path in FOLDER.glob("*.js")))
def test_every_file_obeys_the_language_limits(load: Callable[[str], Code], path: str) -> None:
    code = load(path)
    assert code.has_request
    assert code.has_response
    assert (FOLDER / path).stat().st_size < 32_768


OPERATIONS = {
    "lambda.js": "Invoke",
    "lambda_batch.js": "BatchInvoke",
    "subscription.js": "Invoke",
    "ending.js": "Invoke",
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_function_is_told_what_it_needs_and_no_credentials(load: Callable[[str], Code], name: str) -> None:
    context = {
        "arguments": {"roomId": "lobby"},
        "identity": None,
        "source": None,
        "info": INFO,
        "request": {"headers": {"x-api-key": "da2-secret"}},
    }
    request = value(load(name).run("request", context))
    assert request == {
        "operation": OPERATIONS[name],
        "payload": {
            "arguments": {"roomId": "lobby"},
            "identity": None,
            "source": None,
            "info": {"fieldName": "messages", "parentTypeName": "Query"},
        },
    }


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_functions_error_becomes_the_fields(load: Callable[[str], Code], name: str) -> None:
    error = {"type": "InvalidInput", "message": "roomId must not be empty.", "data": None, "info": {"field": "roomId"}}
    assert failure(load(name).run("response", {"result": {"error": error}})) == (
        "InvalidInput",
        "roomId must not be empty.",
        {"field": "roomId"},
    )
    crashed = {"error": {"type": "Lambda:Unhandled", "message": "boom"}, "result": None}
    assert failure(load(name).run("response", crashed))[:2] == ("Lambda:Unhandled", "boom")


@pytest.mark.parametrize("data", [None, {"items": [], "nextToken": None}, [], 0])
def test_a_functions_data_is_the_fields_value(load: Callable[[str], Code], data: object) -> None:
    for name in ("lambda.js", "lambda_batch.js"):
        assert value(load(name).run("response", {"result": {"data": data}})) == data


def test_a_subscription_is_filtered_by_the_functions_topic(load: Callable[[str], Code]) -> None:
    outcome = load("subscription.js").run("response", {"result": {"data": {"topic": "room:lobby"}}})
    assert value(outcome) is None
    assert outcome.subscription_filter == {
        "filterGroup": [{"filters": [{"fieldName": "topic", "operator": "eq", "value": "room:lobby"}]}]
    }


def rule(name: str, wanted: str) -> dict[str, str]:
    return {"fieldName": name, "operator": "eq", "value": wanted}


def test_a_users_subscription_ends_by_its_topic_or_with_all_of_the_users(load: Callable[[str], Code]) -> None:
    data = {"topic": "room:lobby", "userId": "ann"}
    outcome = load("subscription.js").run("response", {"result": {"data": data}})
    assert value(outcome) is None
    assert outcome.invalidation_filter == {
        "filterGroup": [
            {"filters": [rule("userId", user), rule("topic", topic)]}
            for user, topic in (("ann", "room:lobby"), ("ann", "*"), ("*", "room:lobby"))
        ]
    }


@pytest.mark.parametrize("user", ["ann", None])
def test_a_clients_subscription_also_ends_with_its_lease(load: Callable[[str], Code], user: str | None) -> None:
    data = {"topic": "client:c1", "userId": user, "right": "client:c1#L1"}
    outcome = load("subscription.js").run("response", {"result": {"data": data}})
    assert value(outcome) is None
    ends = [("ann", "client:c1"), ("ann", "*"), ("*", "client:c1")] if user else []
    assert outcome.invalidation_filter == {
        "filterGroup": [
            {"filters": [rule("userId", who), rule("topic", topic)]} for who, topic in [*ends, ("*", "client:c1#L1")]
        ]
    }
    assert outcome.subscription_filter == {"filterGroup": [{"filters": [rule("topic", "client:c1")]}]}


def test_a_subscription_of_nobody_is_ended_by_nothing(load: Callable[[str], Code]) -> None:
    data = {"topic": "room:lobby", "userId": None}
    outcome = load("subscription.js").run("response", {"result": {"data": data}})
    assert outcome.subscription_filter is not None
    assert outcome.invalidation_filter is None


def test_ending_ends_all_that_is_not_everyones_and_not_the_publishers(load: Callable[[str], Code]) -> None:
    data = endings.with_answer({"userId": "ann"}, "ann")
    outcome = load("ending.js").run("response", {"result": {"data": data}})
    assert value(outcome) == {"userId": "ann"}
    subscription = schema().subscription_type
    assert subscription is not None
    others = {kind.subscription for kind in topics.KINDS.values() if kind.everyones or kind in topics.ENDED_LATER}
    assert {each.subscription_field for each in outcome.invalidations} == subscription.fields.keys() - others
    assert [each.payload for each in outcome.invalidations] == [{"userId": "ann", "topic": "*"}] * len(data["ends"])
    # https://docs.aws.amazon.com/appsync/latest/devguide/extensions-js.html
    assert len(outcome.invalidations) <= INVALIDATIONS_PER_REQUEST


def test_ending_ends_the_topics_that_are_lost(load: Callable[[str], Code]) -> None:
    data = endings.with_answer(None, "ann", topics.room("a"), topics.user("ann"))
    outcome = load("ending.js").run("response", {"result": {"data": data}})
    assert [(each.subscription_field, each.payload) for each in outcome.invalidations] == [
        ("onMessages", {"userId": "ann", "topic": "room:a"}),
        ("onUser", {"userId": "ann", "topic": "user:ann"}),
    ]


@pytest.mark.parametrize("data", [{}, {"topic": ""}, {"topic": None}])
def test_a_subscription_without_a_topic_does_not_begin(load: Callable[[str], Code], data: dict[str, Any]) -> None:
    outcome = load("subscription.js").run("response", {"result": {"data": data}})
    assert failure(outcome)[0] == "Internal"
    assert outcome.subscription_filter is None


def test_a_room_is_read_by_its_key(load: Callable[[str], Code]) -> None:
    request = value(load("Query.room.js").run("request", {"arguments": {"id": "lobby"}}))
    assert request == {
        "operation": "GetItem",
        "key": {"pk": {"S": "ROOM#lobby"}, "sk": {"S": "ROOM"}},
        "consistentRead": True,
    }


@pytest.mark.parametrize(("seconds_left", "shown"), [(60, True), (0, False), (-60, False), (None, True)])
def test_a_room_that_has_expired_is_absent(load: Callable[[str], Code], seconds_left: int | None, shown: bool) -> None:
    item: dict[str, Any] = {"roomId": "lobby", "createdAt": "2026-11-21T04:51:22.123Z", "shards": 1}
    if seconds_left is not None:
        item["expiresAt"] = int(time.time()) + seconds_left
    found = value(load("Query.room.js").run("response", {"arguments": {"id": "lobby"}, "result": item}))
    lobby = {"id": "lobby", "name": None, "private": False, "createdAt": "2026-11-21T04:51:22.123Z"}
    assert found == (lobby if shown else None)


def test_a_room_that_does_not_exist_is_null(load: Callable[[str], Code]) -> None:
    assert value(load("Query.room.js").run("response", {"arguments": {"id": "x"}, "result": None})) is None


def test_rooms_are_asked_from_the_index_without_the_expired(load: Callable[[str], Code]) -> None:
    request = value(load("Query.rooms.js").run("request", {"arguments": {"nextToken": "token"}}))
    now = request["filter"]["expressionValues"][":now"]["N"]
    assert abs(int(now) - time.time()) < 5
    assert request["index"] == "GSI1"
    assert request["query"]["expressionValues"] == {":rooms": {"S": "ROOMS"}}
    assert request["filter"]["expressionValues"][":private"] == {"S": "ROOM#private:"}
    assert (request["limit"], request["nextToken"]) == (50, "token")


@pytest.mark.parametrize("limit", [0, -1, 101])
def test_rooms_refuse_a_bad_limit(load: Callable[[str], Code], limit: int) -> None:
    outcome = load("Query.rooms.js").run("request", {"arguments": {"limit": limit}})
    assert failure(outcome) == ("InvalidInput", f"limit must be 1 to 100, not {limit}.", {"field": "limit"})


def test_rooms_are_shown_as_the_schema_has_them(load: Callable[[str], Code]) -> None:
    item = {"pk": "ROOM#lobby", "GSI1SK": "lobby", "name": "Hall", "createdAt": "2026-11-21T04:51:22.123Z", "shards": 1}
    answer = {"arguments": {}, "result": {"items": [item], "nextToken": None, "scannedCount": 1}}
    assert value(load("Query.rooms.js").run("response", answer)) == {
        "items": [{"id": "lobby", "name": "Hall", "private": False, "createdAt": "2026-11-21T04:51:22.123Z"}],
        "nextToken": None,
    }


@pytest.mark.parametrize("created_at", [None, 7, "yesterday", "2026-11-21T04:51:22.123Z or so", {"a": 1}])
def test_a_room_by_any_hand_breaks_no_answer(load: Callable[[str], Code], created_at: object) -> None:
    item = {"GSI1SK": "x", "createdAt": created_at}
    shown = {"id": "x", "name": None, "private": False, "createdAt": "1970-01-01T00:00:00.000Z"}
    listed = {"arguments": {}, "result": {"items": [item], "nextToken": None}}
    assert value(load("Query.rooms.js").run("response", listed))["items"] == [shown]
    assert value(load("Query.room.js").run("response", {"arguments": {"id": "x"}, "result": item})) == shown


def test_rooms_say_of_a_foreign_token_what_messages_say(load: Callable[[str], Code]) -> None:
    said = "com.amazonaws.deepdish.common.pagination.InvalidPaginationTokenException: Invalid pagination token given."
    context = {"arguments": {}, "error": {"type": "DynamoDB:UserIllegalArgumentException", "message": said}}
    assert failure(load("Query.rooms.js").run("response", context))[0] == "InvalidPageToken"
    context["error"] = {"type": "DynamoDB:ProvisionedThroughputExceededException", "message": "slow"}
    assert failure(load("Query.rooms.js").run("response", context))[0] == context["error"]["type"]


@pytest.mark.parametrize("name", sorted(path.name for path in FOLDER.glob("Mutation.publish*.js")))
def test_a_publication_is_passed_on_as_it_is(load: Callable[[str], Code], name: str) -> None:
    code = load(name)
    envelope = {"roomId": "lobby", "items": [{"seq": 1, "message": None, "notice": {"data": {"a": [1]}}}]}
    assert value(code.run("request", {"arguments": {"input": envelope}})) == {"payload": envelope}
    assert value(code.run("response", {"result": envelope})) == envelope


PRIVATE = "private:01J0000000000000000000000A"
HIDDEN = {"pk": f"ROOM#{PRIVATE}", "sk": "ROOM", "name": "Den", "createdAt": "2026-11-21T04:51:22.123Z"}
MEMBERSHIP = {"pk": f"MEMBER#{PRIVATE}", "sk": "ann", "standing": "MEMBER"}
PROFILE = {"pk": "USER#ann", "sk": "PROFILE", "validAfter": 100}
ANN = {"sub": "ann", "claims": {"iat": 101}}


def private_context(*items: object, identity: object = None) -> dict[str, Any]:
    return {
        "arguments": {"id": PRIVATE}, "identity": identity or ANN, "env": {"MAIN_TABLE": "Main"},
        "result": {"data": {"Main": list(items)}},
    }  # fmt: skip


def test_a_private_room_is_read_with_what_decides_on_it_in_one_batch(load: Callable[[str], Code]) -> None:
    request = value(load("Query.room.js").run("request", private_context()))
    assert request == {
        "operation": "BatchGetItem",
        "tables": {
            "Main": {
                "keys": [
                    {"pk": {"S": f"ROOM#{PRIVATE}"}, "sk": {"S": "ROOM"}},
                    {"pk": {"S": f"MEMBER#{PRIVATE}"}, "sk": {"S": "ann"}},
                    {"pk": {"S": "USER#ann"}, "sk": {"S": "PROFILE"}},
                ],
                "consistentRead": True,
            }
        },
    }


@pytest.mark.parametrize("identity", [None, {"userArn": "arn:aws:iam::1:user/x"}, {"resolverContext": {"keyId": "k"}}])
def test_callers_who_are_no_user_need_no_read_to_see_no_private_room(
    load: Callable[[str], Code], identity: object
) -> None:
    outcome = load("Query.room.js").run("request", private_context() | {"identity": identity})
    assert outcome.early_return
    assert value(outcome) is None


@pytest.mark.parametrize(
    ("items", "shown"),
    [
        ([HIDDEN, MEMBERSHIP, PROFILE], True),
        ([None, PROFILE, MEMBERSHIP, HIDDEN], True),
        ([HIDDEN, MEMBERSHIP], True),
        ([HIDDEN, MEMBERSHIP | {"standing": "OWNER"}, PROFILE], True),
        ([HIDDEN, MEMBERSHIP | {"standing": "INVITED"}, PROFILE], False),
        ([HIDDEN, MEMBERSHIP | {"standing": 7}, PROFILE], False),
        ([HIDDEN, MEMBERSHIP | {"expiresAt": 1}, PROFILE], False),
        ([HIDDEN, PROFILE], False),
        ([MEMBERSHIP, PROFILE], False),
        ([HIDDEN | {"expiresAt": 1}, MEMBERSHIP, PROFILE], False),
        ([HIDDEN, MEMBERSHIP, PROFILE | {"validAfter": 101}], False),
        ([HIDDEN, MEMBERSHIP, PROFILE | {"deletedAt": "2026-11-21T04:51:22.123Z"}], False),
        ([], False),
    ],
)
def test_a_private_room_is_shown_to_its_members_while_their_session_stands(
    load: Callable[[str], Code], items: list[object], shown: bool
) -> None:
    found = value(load("Query.room.js").run("response", private_context(*items)))
    den = {"id": PRIVATE, "name": "Den", "private": True, "createdAt": "2026-11-21T04:51:22.123Z"}
    assert found == (den if shown else None)


def test_the_publisher_ends_subscriptions_one_by_one(load: Callable[[str], Code]) -> None:
    ends = [{"subscriptionField": "onMessages", "topic": f"room:{name}", "userId": "ann"} for name in ("a", "b")]
    context = {"arguments": {"input": {"ends": ends}}, "result": {"count": 2}}
    code = load("Mutation.endSubscriptions.js")
    assert value(code.run("request", context)) == {"payload": {"count": 2}}
    outcome = code.run("response", context)
    assert value(outcome) == {"count": 2}
    assert [(each.subscription_field, each.payload) for each in outcome.invalidations] == [
        ("onMessages", {"topic": f"room:{name}", "userId": "ann"}) for name in ("a", "b")
    ]
