"""Keys of programs: shown once, checked by their hash, ended by time or by operators. Each refusal has a valid twin."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from domain import auth_keys, rights, room_rights
from domain.auth_keys import DAY_SECONDS, AuthKeys
from domain.caller import ANONYMOUS, Caller, CallerKind, Scope, from_claims, from_identity, to_claims
from domain.errors import IdempotencyConflict, InvalidInput, InvalidPageToken, NotFound, Unauthorized
from domain.sessions import Sessions
from domain.table import Table
from tests.backend.domain.clocks import SetClock

NOON = 1_795_262_400_000  # 2026-11-21T12:00:00Z
OPERATOR = Caller(CallerKind.USER, "0b7c", "olga", frozenset({"operators"}), NOON // 1000 - 60)
SELLER = Caller(CallerKind.USER, "1c8d", "sam", frozenset({"sellers"}), NOON // 1000 - 60)


@pytest.fixture
def keys(main_table: Table) -> AuthKeys:
    return AuthKeys(main_table, lambda: "a pepper")


def make(keys: AuthKeys, **more: Any) -> dict[str, Any]:
    chosen: dict[str, Any] = {"name": "importer", "scopes": ["READ"], "now_ms": NOON} | more
    return auth_keys.create(keys, chosen.pop("caller", OPERATOR), **chosen)


def holder(keys: AuthKeys, token: str, seconds: int = 0) -> Caller | None:
    return auth_keys.caller_of(keys, token, NOON // 1000 + seconds)


def test_a_key_lets_its_holder_in_with_its_scopes(keys: AuthKeys) -> None:
    made = make(keys, scopes=["WRITE", "READ", "READ"])
    assert made["authKey"] == {
        "id": made["authKey"]["id"], "name": "importer", "scopes": ["READ", "WRITE"], "createdBy": "0b7c",
        "createdAt": "2026-11-21T12:00:00.000Z", "validUntil": "2027-02-19T12:00:00.000Z", "revokedAt": None,
    }  # fmt: skip
    found = holder(keys, made["key"])
    assert found == Caller(CallerKind.LAMBDA, made["authKey"]["id"], "importer", scopes=frozenset(Scope))


def test_the_table_has_nothing_that_lets_anybody_in(
    keys: AuthKeys, main_table: Table, all_items: Callable[[Table], list[dict[str, Any]]]
) -> None:
    secret = make(keys)["key"].split("_", 2)[2]
    stored = json.dumps(all_items(main_table), default=str)
    assert secret not in stored
    assert "a pepper" not in stored


def test_a_key_that_was_changed_or_made_up_is_nobodys(keys: AuthKeys) -> None:
    token = make(keys)["key"]
    other = make(keys)["key"]
    _, key_id, secret = token.split("_", 2)
    last = "A" if secret[-1] != "A" else "B"
    for wrong in (
        "", "x", "hwk__", token[:-1], token + "A", token[:-1] + last, token.upper(), f" {token}", f"{token}\n",
        f"hwk_{key_id}_{other.split('_', 2)[2]}", f"hwk_{'0' * 26}_{secret}", f"Bearer {token}",
    ):  # fmt: skip
        assert holder(keys, wrong) is None, wrong
    assert holder(keys, token) is not None


def test_a_key_of_another_deployment_is_nobodys(keys: AuthKeys) -> None:
    """One that has the same table, but not the pepper."""
    token = make(keys)["key"]
    foreign = AuthKeys(keys.table, lambda: "another pepper")
    assert holder(foreign, token) is None
    assert holder(keys, token) is not None


def test_a_key_ends_with_its_last_second(keys: AuthKeys) -> None:
    token = make(keys, valid_days=2)["key"]
    assert holder(keys, token, 2 * DAY_SECONDS - 1) is not None
    assert holder(keys, token, 2 * DAY_SECONDS) is None
    assert holder(keys, token, 40 * DAY_SECONDS) is None


def test_a_revoked_key_ends_at_once_and_for_good(keys: AuthKeys) -> None:
    made, kept = make(keys), make(keys)
    key_id = made["authKey"]["id"]
    revoked = auth_keys.revoke(keys, OPERATOR, id=key_id, now_ms=NOON + 1000)
    assert revoked == made["authKey"] | {"revokedAt": "2026-11-21T12:00:01.000Z"}
    assert holder(keys, made["key"]) is None
    assert holder(keys, kept["key"]) is not None
    assert auth_keys.revoke(keys, OPERATOR, id=key_id, now_ms=NOON + 9000) == revoked
    with pytest.raises(NotFound):
        auth_keys.revoke(keys, OPERATOR, id="unknown", now_ms=NOON)


def test_only_operators_have_to_do_with_keys(keys: AuthKeys) -> None:
    made = make(keys)
    program = holder(keys, made["key"])
    assert program is not None
    for caller in (SELLER, ANONYMOUS, program, Caller(CallerKind.IAM, "arn", "importer")):
        with pytest.raises(Unauthorized):
            make(keys, caller=caller)
        with pytest.raises(Unauthorized):
            auth_keys.page(keys, caller, now_ms=NOON)
        with pytest.raises(Unauthorized):
            auth_keys.revoke(keys, caller, id=made["authKey"]["id"], now_ms=NOON)


def test_a_repeat_makes_no_second_key_and_does_not_show_the_first(keys: AuthKeys) -> None:
    made = make(keys, client_mutation_id="a")
    assert make(keys, client_mutation_id="a", now_ms=NOON + 5000) == {"key": None, "authKey": made["authKey"]}
    assert len(auth_keys.page(keys, OPERATOR, now_ms=NOON)["items"]) == 1
    with pytest.raises(IdempotencyConflict):
        make(keys, client_mutation_id="a", scopes=["WRITE"])


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"name": ""}, "input.name"),
        ({"name": "x" * 65}, "input.name"),
        ({"name": "a\nb"}, "input.name"),
        ({"scopes": []}, "input.scopes"),
        ({"valid_days": 0}, "input.validDays"),
        ({"valid_days": 367}, "input.validDays"),
        ({"client_mutation_id": ""}, "input.clientMutationId"),
    ],
)
def test_what_cannot_be_is_refused(keys: AuthKeys, wrong: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput, match=field):
        make(keys, **wrong)
    assert auth_keys.page(keys, OPERATOR, now_ms=NOON)["items"] == []


def test_all_keys_are_listed_page_by_page_until_a_month_after_their_end(keys: AuthKeys) -> None:
    made = [make(keys, now_ms=NOON + number, valid_days=1)["authKey"] for number in range(5)]
    first = auth_keys.page(keys, OPERATOR, limit=2, now_ms=NOON)
    second = auth_keys.page(keys, OPERATOR, limit=2, next_token=first["nextToken"], now_ms=NOON)
    third = auth_keys.page(keys, OPERATOR, limit=2, next_token=second["nextToken"], now_ms=NOON)
    assert [*first["items"], *second["items"], *third["items"]] == made
    assert third["nextToken"] is None
    day = DAY_SECONDS * 1000
    assert len(auth_keys.page(keys, OPERATOR, now_ms=NOON + 30 * day)["items"]) == 5
    assert auth_keys.page(keys, OPERATOR, now_ms=NOON + 32 * day)["items"] == []
    for limit in (0, 101):
        with pytest.raises(InvalidInput, match="limit"):
            auth_keys.page(keys, OPERATOR, limit=limit, now_ms=NOON)
    with pytest.raises(InvalidPageToken):
        auth_keys.page(keys, OPERATOR, next_token="x", now_ms=NOON)


def test_the_keys_of_one_operator_are_ended_together_and_no_others(keys: AuthKeys) -> None:
    other = Caller(CallerKind.USER, "9x", "otto", frozenset({"operators"}), NOON // 1000 - 60)
    mine = [make(keys)["key"] for _ in range(3)]
    theirs = make(keys, caller=other)["key"]
    before = make(keys)
    auth_keys.revoke(keys, other, id=before["authKey"]["id"], now_ms=NOON)
    for later_ms in (NOON + 1000, NOON + 5000):  # again, as an interrupted deletion does
        auth_keys.revoke_all(keys.table, OPERATOR.id, later_ms)
        assert [holder(keys, key, 10) for key in mine] == [None] * 3
        assert holder(keys, theirs, 10) is not None
    shown = {each["id"]: each["revokedAt"] for each in auth_keys.page(keys, other, now_ms=NOON)["items"]}
    assert shown[before["authKey"]["id"]] == "2026-11-21T12:00:00.000Z"
    assert [shown[key.split("_")[1]] for key in mine] == ["2026-11-21T12:00:01.000Z"] * 3


def test_a_key_that_the_service_has_let_in_still_must_count(keys: AuthKeys) -> None:
    """AppSync keeps the authorizer's answer for a while: fields that Python answers ask the key itself."""
    made = make(keys, valid_days=1)
    caller = holder(keys, made["key"])
    assert caller
    clock = SetClock(NOON)
    door = Sessions(keys.table, clock)
    door.require(caller, "Query.messages")
    room_rights.require(keys.table, caller, "Query.messages", "lobby", now=NOON // 1000)
    late = NOON // 1000 + DAY_SECONDS
    with pytest.raises(Unauthorized):
        room_rights.require(keys.table, caller, "Query.messages", "lobby", now=late)
    auth_keys.revoke(keys, OPERATOR, id=caller.id, now_ms=NOON)
    for refused in (
        lambda: door.require(caller, "Query.messages"),
        lambda: room_rights.require(keys.table, caller, "Subscription.onMessages", "lobby", now=NOON // 1000),
    ):
        with pytest.raises(Unauthorized):
            refused()


def test_scopes_limit_the_fields_that_are_open_to_keys() -> None:
    reader = Caller(CallerKind.LAMBDA, "k", "reader", scopes=frozenset({Scope.READ}))
    writer = Caller(CallerKind.LAMBDA, "k", "writer", scopes=frozenset({Scope.WRITE}))
    both = Caller(CallerKind.LAMBDA, "k", "both", scopes=frozenset(Scope))
    assert rights.may(reader, "Query.rooms")
    assert not rights.may(writer, "Query.rooms")
    assert rights.may(writer, "Mutation.sendMessage", "room:lobby")
    assert not rights.may(reader, "Mutation.sendMessage", "room:lobby")
    assert {"Mutation.sendMessage", "Mutation.sendMessages"} <= set(auth_keys.denied_fields(reader))
    assert {"Query.rooms", "Query.room", "Subscription.onMessages"} <= set(auth_keys.denied_fields(writer))
    assert auth_keys.denied_fields(both) == []
    assert not rights.may(both, "Query.me")


def test_claims_travel_as_flat_text() -> None:
    caller = Caller(CallerKind.LAMBDA, "k", "importer", scopes=frozenset(Scope))
    assert to_claims(caller) == {"keyId": "k", "name": "importer", "scopes": "READ WRITE"}
    assert from_claims(to_claims(caller)) == caller
    assert from_identity({"resolverContext": to_claims(caller)}) == caller
    for foreign in ({}, {"user": "ann"}):
        with pytest.raises(ValueError, match="claims of an unknown authorizer"):
            from_claims(foreign)
