"""What subscribers get: payloads, filters, resolvers, invalidation (sheet 6)."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest

from tests.contract.api import Api
from tests.contract.facts import choice, fact
from tests.contract.realtime import Socket, session
from tests.contract.target import Target


@pytest.fixture
def room() -> str:
    """A room that no other case uses."""
    return uuid4().hex


def listen(socket: Socket, room: str, selection: str, field: str = "onEvent") -> str:
    """Subscribe to the events of a room."""
    return socket.subscribe(f"subscription ($room: String) {{ {field}(room: $room) {selection} }}", {"room": room})


# Payloads.


@fact("6", "DG")
def test_a_subscriber_gets_its_own_selection(api: Api, socket: Socket, room: str) -> None:
    listen(socket, room, "{ author }")
    api.publish({"room": room, "author": "ada", "text": "hello"})
    assert socket.event() == {"data": {"onEvent": {"author": "ada"}}}


@fact("6", "DG")
def test_a_field_that_the_mutation_did_not_select_is_null(api: Api, socket: Socket, room: str) -> None:
    listen(socket, room, "{ author text }")
    api.publish({"room": room, "author": "ada", "text": "hello"}, "{ room author }")
    assert socket.event() == {"data": {"onEvent": {"author": "ada", "text": None}}}


@fact("6", "obs")
def test_a_non_null_field_that_the_mutation_did_not_select_makes_the_event_null(
    api: Api, socket: Socket, room: str
) -> None:
    listen(socket, room, "{ author title }")
    api.publish({"room": room, "author": "ada", "title": "t"}, "{ room author }")
    assert socket.event() == {
        "data": {"onEvent": None},
        "errors": [{
            "message": "Cannot return null for non-nullable type: 'String' within parent 'Event' (/onEvent/title)",
            "path": ["onEvent", "title"],
        }],
    }  # fmt: skip


@fact("6", "sheet")
def test_typename_needs_no_selection_by_the_mutation(api: Api, socket: Socket, room: str) -> None:
    listen(socket, room, "{ __typename nested { __typename name } }")
    api.publish({"room": room, "nested": {"name": "n"}}, "{ room nested { name } }")
    assert socket.event()["data"] == {
        "onEvent": {"__typename": "Event", "nested": {"__typename": "Nested", "name": "n"}}
    }


@fact("6", "DG")
def test_nested_resolvers_do_not_run_again_for_subscribers(api: Api, socket: Socket, room: str) -> None:
    listen(socket, room, "{ resolved }")
    published = api.publish({"room": room}, "{ room resolved }").data["publish"]["resolved"]
    assert socket.event()["data"] == {"onEvent": {"resolved": published}}


@fact("6", "DG")
def test_a_nested_field_that_the_mutation_did_not_select_is_not_resolved(api: Api, socket: Socket, room: str) -> None:
    listen(socket, room, "{ resolved }")
    api.publish({"room": room}, "{ room }")
    assert socket.event()["data"] == {"onEvent": {"resolved": None}}


@choice("6", "the payload is the result by schema field names; aliases of the mutation are not documented")
def test_aliases_of_the_mutation_do_not_matter(api: Api, socket: Socket, room: str) -> None:
    listen(socket, room, "{ author }")
    api.publish({"room": room, "author": "ada"}, "{ a: room b: author }")
    assert socket.event()["data"] == {"onEvent": {"author": "ada"}}


@fact("6", "obs")
def test_a_mutation_that_failed_publishes_nothing(api: Api, socket: Socket, room: str) -> None:
    listen(socket, room, "{ id }")
    assert api.publish({"id": "1", "room": room, "text": "fail"}).json["data"] == {"publish": None}
    api.publish({"id": "2", "room": room})
    assert socket.event()["data"] == {"onEvent": {"id": "2"}}


@choice("6", "follows from the rule for payloads; not documented")
def test_a_mutation_with_a_nested_error_publishes_what_it_has(api: Api, socket: Socket, room: str) -> None:
    listen(socket, room, "{ author broken }")
    api.publish({"room": room, "author": "ada"}, "{ room author broken }")
    assert socket.event()["data"] == {"onEvent": {"author": "ada", "broken": None}}


@choice("6", "follows from the rule for payloads; not documented")
def test_a_mutation_with_an_appended_error_publishes(api: Api, socket: Socket, room: str) -> None:
    listen(socket, room, "{ text }")
    api.publish({"room": room, "text": "append"})
    assert socket.event()["data"] == {"onEvent": {"text": "append"}}


@fact("6", "DG")
def test_each_of_the_named_mutations_publishes(api: Api, socket: Socket, room: str) -> None:
    listen(socket, room, "{ id }")
    api.publish({"id": "1", "room": room})
    api.publish({"id": "2", "room": room}, mutation="publishToo")
    assert [socket.event()["data"]["onEvent"]["id"] for _ in range(2)] == ["1", "2"]


@fact("6", "DG")
def test_a_mutation_that_is_not_named_does_not_publish(api: Api, socket: Socket, room: str) -> None:
    listen(socket, room, "{ id }")
    api.publish({"id": "1", "room": room, "title": "t"}, "{ id room }", mutation="publishRequired")
    api.publish({"id": "2", "room": room})
    assert socket.event()["data"]["onEvent"]["id"] == "2"


@fact("6", "DG")
def test_each_root_field_publishes_in_order(api: Api, socket: Socket, room: str) -> None:
    listen(socket, room, "{ id }")
    values = {name: json.dumps({"id": name, "room": room}) for name in "abc"}
    fields = " ".join(f"{name}: publish(value: ${name}) {{ id room }}" for name in "abc")
    api.run(f"mutation ($a: AWSJSON, $b: AWSJSON, $c: AWSJSON) {{ {fields} }}", values)
    assert [socket.event()["data"]["onEvent"]["id"] for _ in range(3)] == ["a", "b", "c"]


@fact("6", "DG")
def test_any_mode_of_the_mutation_reaches_subscribers(target: Target, socket: Socket, room: str) -> None:
    listen(socket, room, "{ id }")
    query = "mutation ($v: AWSJSON) { publish(value: $v) { id room } }"
    body = json.dumps({"query": query, "variables": {"v": json.dumps({"id": "1", "room": room})}}).encode()
    assert target.api.send("POST", body, target.reader.http(target.api.url, body)).data["publish"]["id"] == "1"
    assert socket.event()["data"]["onEvent"]["id"] == "1"


# Arguments as filters.


@fact("6", "DG")
def test_without_arguments_every_event_comes(api: Api, room: str) -> None:
    with session(api) as socket:
        socket.subscribe("subscription { onEvent { id room } }")
        api.publish({"id": "1", "room": room})
        assert socket.event()["data"]["onEvent"] == {"id": "1", "room": room}


@fact("6", "DG")
def test_all_arguments_must_match(api: Api, socket: Socket, room: str) -> None:
    query = 'subscription ($room: String) { onEvent(room: $room, author: "ada", size: 2, flag: true) { id } }'
    socket.subscribe(query, {"room": room})
    event: dict[str, Any] = {"room": room, "author": "ada", "size": 2, "flag": True}
    changes: list[dict[str, Any]] = [{"author": "bob"}, {"size": 3}, {"flag": False}, {}]
    for number, change in enumerate(changes):
        api.publish({**event, **change, "id": str(number)})
    assert socket.event()["data"] == {"onEvent": {"id": "3"}}


@fact("6", "DG")
def test_an_explicit_null_matches_null_and_absent_only(api: Api, socket: Socket, room: str) -> None:
    socket.subscribe("subscription ($room: String) { onEvent(room: $room, author: null) { id } }", {"room": room})
    api.publish({"id": "1", "room": room, "author": "ada"})
    api.publish({"id": "2", "room": room, "author": None})
    api.publish({"id": "3", "room": room}, "{ id room author }")
    assert [socket.event()["data"]["onEvent"]["id"] for _ in range(2)] == ["2", "3"]


@fact("6", "DG")
def test_a_variable_that_was_not_given_does_not_filter(api: Api, socket: Socket, room: str) -> None:
    query = "subscription ($room: String, $author: String) { onEvent(room: $room, author: $author) { id } }"
    socket.subscribe(query, {"room": room})
    api.publish({"id": "1", "room": room, "author": "ada"})
    assert socket.event()["data"] == {"onEvent": {"id": "1"}}


@fact("6", "DG")
def test_a_filtered_field_that_the_mutation_did_not_select_does_not_match(api: Api, socket: Socket, room: str) -> None:
    socket.subscribe('subscription ($room: String) { onEvent(room: $room, author: "ada") { id } }', {"room": room})
    api.publish({"id": "1", "room": room, "author": "ada"}, "{ id room }")
    api.publish({"id": "2", "room": room, "author": "ada"}, "{ id room author }")
    assert socket.event()["data"] == {"onEvent": {"id": "2"}}


@choice("6", "an argument that no field of the payload is named after matches nothing")
def test_an_argument_without_a_field_never_matches(api: Api, socket: Socket, room: str) -> None:
    socket.subscribe('subscription ($room: String) { onEvent(room: $room, elsewhere: "x") { id } }', {"room": room})
    api.publish({"id": "1", "room": room})
    assert socket.silent()


# Rights.


@fact("11.21", "obs AWS console")
def test_directives_of_the_payloads_type_are_not_applied_to_subscribers(
    target: Target, socket: Socket, room: str
) -> None:
    listen(socket, room, "{ id signed }")
    query = "mutation ($v: AWSJSON) { publish(value: $v) { id room signed } }"
    value = json.dumps({"id": "1", "room": room, "signed": "secret"})
    body = json.dumps({"query": query, "variables": {"v": value}}).encode()
    target.api.send("POST", body, target.reader.http(target.api.url, body))
    assert socket.event() == {"data": {"onEvent": {"id": "1", "signed": "secret"}}}


# Resolvers of subscriptions.


@fact("6", "DG")
def test_a_subscriptions_resolver_runs_at_the_start(api: Api, socket: Socket) -> None:
    (error,) = socket.refused('subscription { onRefused(how: "context", room: "r") { id } }')
    seen = json.loads(error["message"])
    assert seen["args"] == {"how": "context", "room": "r"}
    assert (seen["parentTypeName"], seen["fieldName"]) == ("Subscription", "onRefused")
    assert seen["authType"] == "API Key Authorization"


@fact("6", "DG")
def test_the_identity_of_a_start_is_the_starts_own(target: Target, socket: Socket) -> None:
    (error,) = socket.refused('subscription { onRefused(how: "context") { id } }', signer=target.reader)
    seen = json.loads(error["message"])
    assert seen["authType"] == "IAM Authorization"
    assert seen["identity"]["username"].startswith("AROA")


@fact("6", "DG")
def test_an_error_of_the_resolver_refuses_the_start(socket: Socket) -> None:
    (error,) = socket.refused('subscription { onRefused(how: "error") { id } }')
    assert (error["errorType"], error["message"]) == ("NotFound", "No such room.")


@fact("6", "DG")
def test_unauthorized_by_the_resolver_refuses_the_start(socket: Socket) -> None:
    (error,) = socket.refused('subscription { onRefused(how: "unauthorized") { id } }')
    assert (error["errorType"], error["message"]) == (
        "Unauthorized",
        "Not Authorized to access onRefused on type Subscription",
    )


@fact("6", "obs purple-technology")
def test_a_non_null_subscription_field_cannot_be_subscribed_to(socket: Socket) -> None:
    (error,) = socket.refused("subscription { onRequired { id } }")
    assert error["message"].startswith("Cannot return null for non-nullable type: 'Event'")


# Enhanced filters.


def rule(field: str, operator: str, value: Any) -> dict[str, Any]:
    """One rule of a filter."""
    return {"fieldName": field, "operator": operator, "value": value}


def filtered(socket: Socket, *groups: list[dict[str, Any]], field: str = "onFiltered") -> str:
    """Subscribe with a filter of these groups."""
    value = {"filterGroup": [{"filters": group} for group in groups]}
    query = f"subscription ($filter: AWSJSON) {{ {field}(filter: $filter) {{ id }} }}"
    return socket.subscribe(query, {"filter": json.dumps(value)})


OPERATORS: list[tuple[str, str, Any, list[Any], list[Any]]] = [
    ("eq", "author", "ada", ["ada"], ["Ada", None]),
    ("eq", "size", 1, [1], [2]),
    ("eq", "flag", True, [True], [False, None]),
    ("ne", "author", "ada", ["bob"], ["ada"]),
    ("le", "size", 2, [1, 2], [3]),
    ("lt", "size", 2, [1], [2]),
    ("ge", "size", 2, [2, 3], [1]),
    ("gt", "score", 1.5, [1.6], [1.5]),
    ("contains", "text", "ell", ["hello"], ["HELLO", "hi"]),
    ("contains", "tags", "a", [["a", "b"]], [["ab"], []]),
    ("notContains", "text", "ell", ["hi"], ["hello"]),
    ("notContains", "tags", "a", [["b"]], [["a"]]),
    ("beginsWith", "text", "he", ["hello"], ["ahe"]),
    ("in", "author", ["ada", "bob"], ["ada", "bob"], ["eve"]),
    ("notIn", "author", ["ada", "bob"], ["eve"], ["ada"]),
    ("between", "size", [2, 4], [2, 3, 4], [1, 5]),
    ("containsAny", "tags", ["a", "b"], [["b", "c"]], [["c"], []]),
]


@fact("6", "DG")
@pytest.mark.parametrize(
    ("operator", "field", "value", "matching", "other"), OPERATORS, ids=[f"{o}-{f}" for o, f, *_ in OPERATORS]
)
def test_an_operator(
    api: Api, socket: Socket, room: str, operator: str, field: str, value: Any, matching: list[Any], other: list[Any]
) -> None:
    filtered(socket, [rule("room", "eq", room), rule(field, operator, value)])
    events = [{field: each} for each in [*other, *matching]]
    expected = [str(number) for number in range(len(other), len(events))]
    for number, event in enumerate(events):
        api.publish({"id": str(number), "room": room, **event})
    assert [socket.event()["data"]["onFiltered"]["id"] for _ in expected] == expected


@fact("6", "DG")
def test_rules_of_a_group_must_all_hold_and_one_group_is_enough(api: Api, socket: Socket, room: str) -> None:
    here = rule("room", "eq", room)
    filtered(socket, [here, rule("author", "eq", "ada"), rule("size", "gt", 1)], [here, rule("flag", "eq", True)])
    events: list[dict[str, Any]] = [
        {"author": "ada", "size": 1, "flag": False},
        {"author": "bob", "size": 2, "flag": False},
        {"author": "ada", "size": 2, "flag": False},
        {"author": "bob", "size": 1, "flag": True},
    ]
    for number, event in enumerate(events):
        api.publish({"id": str(number), "room": room, **event})
    assert [socket.event()["data"]["onFiltered"]["id"] for _ in range(2)] == ["2", "3"]


@fact("6", "DG")
def test_an_event_that_fits_two_groups_comes_once(api: Api, socket: Socket, room: str) -> None:
    here = rule("room", "eq", room)
    filtered(socket, [here, rule("author", "eq", "ada")], [here, rule("size", "eq", 1)])
    api.publish({"id": "1", "room": room, "author": "ada", "size": 1})
    assert socket.event()["data"] == {"onFiltered": {"id": "1"}}
    assert socket.silent()


@fact("6", "DG")
def test_a_filter_takes_the_place_of_the_arguments(api: Api, socket: Socket, room: str) -> None:
    value = {"filterGroup": [{"filters": [rule("author", "eq", room)]}]}
    query = 'subscription ($filter: AWSJSON) { onFiltered(filter: $filter, room: "another") { id } }'
    socket.subscribe(query, {"filter": json.dumps(value)})
    api.publish({"id": "1", "room": "here", "author": room})
    assert socket.event()["data"] == {"onFiltered": {"id": "1"}}


@fact("6", "DG")
def test_a_dotted_name_reaches_into_the_payload(api: Api, socket: Socket, room: str) -> None:
    filtered(socket, [rule("room", "eq", room), rule("nested.below.name", "eq", "deep")])
    selection = "{ id room nested { below { name } } }"
    api.publish({"id": "1", "room": room, "nested": {"below": {"name": "other"}}}, selection)
    api.publish({"id": "2", "room": room, "nested": {"below": {"name": "deep"}}}, selection)
    assert socket.event()["data"] == {"onFiltered": {"id": "2"}}


@choice("6", "the numbers are documented (lambda-appsync); that the start is refused is not")
@pytest.mark.parametrize(
    ("operator", "value"), [("in", ["a"] * 6), ("notIn", ["a"] * 6), ("containsAny", ["a"] * 21), ("between", [1])]
)
def test_too_many_or_too_few_values_refuse_the_start(socket: Socket, operator: str, value: list[Any]) -> None:
    query = "subscription ($filter: AWSJSON) { onFiltered(filter: $filter) { id } }"
    filter_ = {"filterGroup": [{"filters": [rule("author", operator, value)]}]}
    assert socket.refused(query, {"filter": json.dumps(filter_)})


@choice("6", "`EQ` and the like name no operator; what AppSync says to that is not recorded")
def test_operators_are_case_sensitive(socket: Socket) -> None:
    query = "subscription ($filter: AWSJSON) { onFiltered(filter: $filter) { id } }"
    filter_ = {"filterGroup": [{"filters": [rule("author", "EQ", "a")]}]}
    assert socket.refused(query, {"filter": json.dumps(filter_)})


@choice("6", "whether a missing field fulfils a negative rule is not documented; here it fulfils no rule")
@pytest.mark.parametrize(("operator", "value"), [("ne", "a"), ("notIn", ["a"]), ("notContains", "a")])
def test_a_missing_field_fulfils_no_rule(api: Api, socket: Socket, room: str, operator: str, value: Any) -> None:
    filtered(socket, [rule("room", "eq", room), rule("author", operator, value)])
    api.publish({"id": "1", "room": room})
    api.publish({"id": "2", "room": room, "author": "b"})
    assert socket.event()["data"] == {"onFiltered": {"id": "2"}}


def transformed(socket: Socket, filter_: dict[str, Any]) -> str:
    """Subscribe with a client's filter object."""
    query = "subscription ($filter: AWSJSON) { onTransformed(filter: $filter) { id } }"
    return socket.subscribe(query, {"filter": json.dumps(filter_)})


@fact("6", "types")
def test_a_filter_object_is_transformed_with_its_rules_and_without_ignored_fields(api: Api, socket: Socket) -> None:
    text = uuid4().hex
    transformed(socket, {"text": {"eq": text}, "author": {"eq": "nobody"}, "or": [{"size": {"gt": 5}}]})
    api.publish({"id": "1", "room": "b", "text": text, "size": 9, "author": "ada"})
    api.publish({"id": "2", "room": "a", "text": text, "size": 1, "author": "ada"})
    api.publish({"id": "3", "room": "a", "text": text, "size": 9, "author": "ada"})
    assert socket.event()["data"] == {"onTransformed": {"id": "3"}}


# Invalidation.


def revocable(socket: Socket, filter_: dict[str, Any] | None, room: str) -> str:
    """Subscribe with an invalidation filter."""
    query = "subscription ($filter: AWSJSON, $room: String) { onRevocable(filter: $filter, room: $room) { id } }"
    return socket.subscribe(query, {"filter": json.dumps(filter_), "room": room})


def revoke(api: Api, payload: dict[str, Any], times: int = 1) -> Any:
    """`Mutation.revoke`."""
    query = "mutation ($payload: AWSJSON, $times: Int) { revoke(payload: $payload, times: $times) }"
    return api.run(query, {"payload": json.dumps(payload), "times": times}).json


@fact("6", "DG")
def test_an_invalidation_completes_the_subscription_and_closes_the_connection(
    api: Api, socket: Socket, room: str
) -> None:
    identifier = revocable(socket, {"filterGroup": [{"filters": [rule("author", "eq", room)]}]}, room)
    revoke(api, {"author": room})
    assert socket.frame() == {"id": identifier, "type": "complete"}
    assert socket.closed()


@fact("6", "DG")
def test_an_invalidation_with_another_payload_leaves_it(api: Api, socket: Socket, room: str) -> None:
    revocable(socket, {"filterGroup": [{"filters": [rule("author", "eq", room)]}]}, room)
    revoke(api, {"author": "another"})
    assert socket.silent()


@fact("6", "DG")
def test_a_subscription_without_an_invalidation_filter_is_not_invalidated(api: Api, socket: Socket, room: str) -> None:
    revocable(socket, None, room)
    revoke(api, {"author": room})
    assert socket.silent()


@fact("6", "DG")
def test_six_invalidations_of_one_request_are_too_many(api: Api) -> None:
    assert "errors" not in revoke(api, {"author": "nobody"}, times=5)
    assert revoke(api, {"author": "nobody"}, times=6)["errors"]
