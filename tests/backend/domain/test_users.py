"""Users as pool and table know them together: reading, changing, and ending what tokens say."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest

from domain import profile, sessions, users
from domain.caller import ANONYMOUS, Caller
from domain.errors import (
    DomainError,
    IdempotencyConflict,
    InvalidInput,
    InvalidPageToken,
    NotFound,
    TryAgain,
    Unauthorized,
    VersionConflict,
)
from domain.pool import cognito
from domain.sessions import Sessions
from domain.table import Put, Table
from domain.users import Users
from tests.backend.domain.clocks import SetClock
from tests.backend.domain.pools import NOON, OPERATOR, SignedUp, TestPool, users_of
from tests.conftest import CREDENTIALS


class RunningClock(SetClock):
    """Shows when sleeping would be over."""

    def sleep(self, seconds: float) -> None:
        self.ms += round(seconds * 1000)


@pytest.fixture(scope="module")
def pool(aws_endpoint: str) -> TestPool:
    return TestPool(aws_endpoint)


@pytest.fixture
def clock() -> RunningClock:
    return RunningClock(NOON + 300)


@pytest.fixture
def here(pool: TestPool, main_table: Table, change_log_table: Table, clock: RunningClock) -> Users:
    return users_of(pool, main_table, change_log_table, clock)


@pytest.fixture
def sign_up(pool: TestPool, request: pytest.FixtureRequest) -> Callable[[str], SignedUp]:
    """Signs up a user whose name no other test uses."""
    return lambda name: pool.sign_up(f"{name}-{abs(hash(request.node.name)) % 10**9}")


def later(someone: SignedUp, *groups: str) -> Caller:
    """The caller by a token of the next second."""
    return someone.caller(*groups, issued_at=NOON // 1000 + 1)


# --- me ---


def test_me_is_what_pool_and_table_know(here: Users, pool: TestPool, sign_up: Callable[[str], SignedUp]) -> None:
    ann = sign_up("ann")
    pool.client.admin_add_user_to_group(UserPoolId=pool.id, Username=ann.name, GroupName="sellers")
    users.create_profile(here.table, ann.id, ann.name, NOON, None)
    users.update_profile(here, ann.caller(), display_name="Ann", attributes=[{"name": "color", "value": "red"}])
    shown = users.me(here, ann.caller())
    assert shown.pop("createdAt").endswith("Z")
    assert shown == {
        "id": ann.id, "name": ann.name, "email": f"{ann.name}@example.com", "groups": ["sellers"],
        "status": "FORCE_CHANGE_PASSWORD", "enabled": True, "deletedAt": None,
        "profile": {
            "id": ann.id, "displayName": "Ann", "attributes": [{"name": "color", "value": "red"}],
            "createdAt": "2026-11-21T12:00:00.000Z", "updatedAt": "2026-11-21T12:00:00.300Z", "version": 2,
        },
    }  # fmt: skip


def test_me_makes_a_profile_that_the_trigger_did_not(here: Users, sign_up: Callable[[str], SignedUp]) -> None:
    ann = sign_up("ann")
    assert users.me(here, ann.caller())["profile"]["displayName"] == ann.name
    item = here.table.get(profile.key(ann.id), NOON // 1000)
    assert item is not None
    assert (item["name"], item["version"]) == (ann.name, 1)


def test_a_profile_is_made_once(here: Users) -> None:
    users.create_profile(here.table, "1", "ann", NOON, None)
    users.create_profile(here.table, "1", "another", NOON + 1, None)
    item = here.table.get(profile.key("1"), NOON // 1000)
    assert item is not None
    assert (item["name"], item["createdAt"]) == ("ann", "2026-11-21T12:00:00.000Z")


def test_a_token_outlives_its_user_in_vain(here: Users, pool: TestPool, sign_up: Callable[[str], SignedUp]) -> None:
    ann = sign_up("ann")
    pool.client.admin_delete_user(UserPoolId=pool.id, Username=ann.name)
    with pytest.raises(Unauthorized):
        users.me(here, ann.caller())
    reborn = pool.sign_up(ann.name)
    with pytest.raises(Unauthorized):
        users.me(here, ann.caller())
    assert users.me(here, reborn.caller())["id"] == reborn.id


# --- others ---


def test_nobody_sees_or_changes_another(here: Users, sign_up: Callable[[str], SignedUp]) -> None:
    ann, bob = sign_up("ann"), sign_up("bob")
    seller = ann.caller("sellers")
    attempts: list[Callable[[Caller], Any]] = [
        lambda caller: users.user(here, caller, id=bob.id),
        lambda caller: users.user(here, caller, id="00000000-0000-0000-0000-000000000000"),
        lambda caller: users.list_users(here, caller),
        lambda caller: users.set_user_groups(here, caller, id=bob.id, groups=[]),
        lambda caller: users.set_user_groups(here, caller, id=ann.id, groups=["operators"]),
        lambda caller: users.disconnect_user(here, caller, id=bob.id),
        lambda caller: users.delete_user(here, caller, id=bob.id, deadline=float("inf")),
    ]
    for caller in (seller, ANONYMOUS):
        for attempt in attempts:
            with pytest.raises(Unauthorized):
                attempt(caller)
    assert users.user(here, seller, id=ann.id) is not None
    assert users.user(here, OPERATOR, id=bob.id) is not None


@pytest.mark.parametrize("unknown", ["00000000-0000-0000-0000-000000000000", "", '" or sub ^= "', "é", "x" * 5000])
def test_of_a_user_who_is_not_there(here: Users, unknown: str) -> None:
    assert users.user(here, OPERATOR, id=unknown) is None
    for attempt in (
        lambda: users.disconnect_user(here, OPERATOR, id=unknown),
        lambda: users.set_user_groups(here, OPERATOR, id=unknown, groups=[]),
        lambda: users.delete_user(here, OPERATOR, id=unknown, deadline=float("inf")),
    ):
        with pytest.raises(NotFound):
            attempt()


def test_all_users_page_by_page(aws_endpoint: str, here: Users, main_table: Table, change_log_table: Table) -> None:
    pool = TestPool(aws_endpoint)
    of_this = users_of(pool, main_table, change_log_table, here.clock)
    names = {pool.sign_up(f"user-{number}").name for number in range(7)}
    pool.client.admin_add_user_to_group(UserPoolId=pool.id, Username="user-3", GroupName="operators")
    seen: dict[str, Any] = {}
    items, token = users.list_users(of_this, OPERATOR, limit=3)
    while True:
        assert len(items) <= 3
        seen |= {each["name"]: each for each in items}
        if token is None:
            break
        items, token = users.list_users(of_this, OPERATOR, limit=3, next_token=token)
    assert seen.keys() == names
    assert (seen["user-3"]["groups"], seen["user-4"]["groups"]) == (["operators"], [])
    assert seen["user-4"]["profile"]["displayName"] == "user-4"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [({"limit": 0}, InvalidInput), ({"limit": 61}, InvalidInput), ({"next_token": "x"}, InvalidPageToken)],
)
def test_a_page_of_users_refuses(here: Users, arguments: dict[str, Any], error: type[DomainError]) -> None:
    with pytest.raises(error):
        users.list_users(here, OPERATOR, **arguments)


def test_a_silent_pool_means_try_again(pool: TestPool, main_table: Table, change_log_table: Table) -> None:
    silent = cognito(endpoint_url="http://127.0.0.1:9", **CREDENTIALS)
    here = users_of(pool, main_table, change_log_table, SetClock(NOON), client=silent)
    with pytest.raises(TryAgain):
        users.user(here, OPERATOR, id=OPERATOR.id)


# --- updateProfile ---


ANN = SignedUp("a", "ann")


def test_what_is_omitted_stays(here: Users) -> None:
    first = users.update_profile(
        here, ANN.caller(), attributes=[{"name": "b", "value": ""}, {"name": "a", "value": "1"}]
    )
    assert first["attributes"] == [{"name": "a", "value": "1"}, {"name": "b", "value": ""}]
    second = users.update_profile(here, ANN.caller(), display_name="Ann")
    assert (second["displayName"], second["attributes"], second["version"]) == ("Ann", first["attributes"], 3)
    assert users.update_profile(here, ANN.caller(), attributes=[])["attributes"] == []


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({}, "input"),
        ({"display_name": ""}, "input.displayName"),
        ({"display_name": "x" * 65}, "input.displayName"),
        ({"display_name": "a\nb"}, "input.displayName"),
        ({"attributes": [{"name": "", "value": ""}]}, "input.attributes[0].name"),
        ({"attributes": [{"name": "a b", "value": ""}]}, "input.attributes[0].name"),
        ({"attributes": [{"name": "a", "value": ""}] * 2}, "input.attributes[1].name"),
        ({"attributes": [{"name": "a", "value": "x" * 1001}]}, "input.attributes[0].value"),
        ({"attributes": [{"name": str(number), "value": ""} for number in range(21)]}, "input.attributes"),
        ({"display_name": "Ann", "client_mutation_id": ""}, "input.clientMutationId"),
    ],
)
def test_a_profile_refuses(here: Users, arguments: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        users.update_profile(here, ANN.caller(), **arguments)
    assert caught.value.info == {"field": field}


def test_an_edit_of_another_version_is_refused(here: Users) -> None:
    users.update_profile(here, ANN.caller(), display_name="Ann", version=1)
    with pytest.raises(VersionConflict) as caught:
        users.update_profile(here, ANN.caller(), display_name="Anna", version=1)
    assert caught.value.info == {"field": "input.version", "version": 2}
    assert caught.value.data == users.update_profile(here, ANN.caller(), display_name="Ann") | {
        "version": 2, "updatedAt": caught.value.data["updatedAt"],
    }  # fmt: skip


def test_an_edit_that_comes_again_happens_once(here: Users) -> None:
    edit = {"display_name": "Ann", "version": 1, "client_mutation_id": "1"}
    first = users.update_profile(here, ANN.caller(), **edit)  # type: ignore[arg-type]
    assert users.update_profile(here, ANN.caller(), **edit) == first  # type: ignore[arg-type]
    with pytest.raises(IdempotencyConflict):
        users.update_profile(here, ANN.caller(), display_name="Anna", client_mutation_id="1")


def test_of_edits_at_once_none_is_lost(here: Users) -> None:
    users.create_profile(here.table, "a", "ann", NOON, None)
    with ThreadPoolExecutor(8) as threads:
        done = threads.map(lambda n: users.update_profile(here, ANN.caller(), display_name=str(n)), range(16))
    assert sorted(each["version"] for each in done) == list(range(2, 18))


@pytest.mark.parametrize("version", [None, "new", Decimal("1.5")])
def test_a_profile_by_any_hand_can_be_edited(here: Users, version: object) -> None:
    pk, sk = profile.key("a")
    here.table.write([Put({"pk": pk, "sk": sk, "createdAt": "?", "displayName": ["x"], "version": version})])
    shown = users.update_profile(here, ANN.caller(), attributes=[{"name": "a", "value": "1"}])
    assert (shown["displayName"], shown["version"]) == ("unknown", 1)


# --- sessions ---


def test_after_a_sign_out_older_tokens_count_no_more(
    here: Users, clock: RunningClock, sign_up: Callable[[str], SignedUp]
) -> None:
    ann, bob = sign_up("ann"), sign_up("bob")
    door = Sessions(here.table, clock)
    for someone in (ann, bob):
        door.require(someone.caller(), "Query.me")
    assert users.sign_out(here, ann.caller()) == ann.id
    for caller in (ann.caller(), ann.caller(issued_at=NOON // 1000 - 3600)):
        with pytest.raises(Unauthorized):
            door.require(caller, "Query.me")
    door.require(bob.caller(), "Query.me")
    # The answer came when the second was over: whoever signs in then has a later token.
    assert clock.now_ms() >= NOON + 1000
    door.require(ann.caller(issued_at=clock.now_ms() // 1000), "Query.me")


@pytest.mark.parametrize(("ended", "until"), [(0, 1000), (300, 1000), (700, 1000), (999, 1299)])
def test_the_answer_waits_for_the_next_second_and_for_what_is_under_way(ended: int, until: int) -> None:
    clock = RunningClock(NOON + ended + 5)
    sessions.settle(clock, NOON + ended)
    assert clock.now_ms() == NOON + until


def test_a_late_repeat_of_a_sign_out_ends_no_newer_session(
    here: Users, clock: RunningClock, sign_up: Callable[[str], SignedUp]
) -> None:
    ann = sign_up("ann")
    users.sign_out(here, ann.caller(), client_mutation_id="1")
    users.sign_out(here, later(ann), client_mutation_id="1")
    Sessions(here.table, clock).require(later(ann), "Query.me")


def test_a_change_of_groups_needs_new_tokens(
    here: Users, pool: TestPool, clock: RunningClock, sign_up: Callable[[str], SignedUp]
) -> None:
    ann = sign_up("ann")
    assert users.set_user_groups(here, OPERATOR, id=ann.id, groups=["sellers", "operators"])["groups"] == [
        "operators",
        "sellers",
    ]
    assert users.set_user_groups(here, OPERATOR, id=ann.id, groups=["sellers"])["groups"] == ["sellers"]
    assert here.pool.groups(ann.name) == ["sellers"]
    with pytest.raises(Unauthorized):
        Sessions(here.table, clock).require(ann.caller("operators"), "Query.users")
    with pytest.raises(InvalidInput, match=r"groups\[1\] must be one of sellers, operators"):
        users.set_user_groups(here, OPERATOR, id=ann.id, groups=["sellers", "kings"])


def test_groups_that_come_again_undo_nothing(here: Users, sign_up: Callable[[str], SignedUp]) -> None:
    ann = sign_up("ann")
    users.set_user_groups(here, OPERATOR, id=ann.id, groups=["sellers"], client_mutation_id="1")
    users.set_user_groups(here, OPERATOR, id=ann.id, groups=[])
    again = users.set_user_groups(here, OPERATOR, id=ann.id, groups=["sellers"], client_mutation_id="1")
    assert again["groups"] == []


def test_programs_and_keys_have_no_session(here: Users) -> None:
    Sessions(here.table, here.clock).require(ANONYMOUS, "Query.rooms")


def test_disconnecting_takes_no_right(here: Users, sign_up: Callable[[str], SignedUp]) -> None:
    ann = sign_up("ann")
    assert users.disconnect_user(here, OPERATOR, id=ann.id) == ann.id
    Sessions(here.table, here.clock).require(ann.caller(), "Query.me")
