"""Private rooms against a real table: who may come in, what it costs to find out, and what happens at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from domain import chat as use
from domain import members as rooms_of
from domain import membership, profile, rooms, sessions, topics
from domain.caller import ANONYMOUS, Caller, CallerKind
from domain.chat import Chat
from domain.errors import IdempotencyConflict, InvalidInput, NotFound, Unauthorized
from domain.members import Members
from domain.rights import Standing
from domain.table import Delete, Put, Table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

NOON = 1_795_262_400_000  # 2026-11-21T12:00:00Z
WEEK = 7 * 24 * 3_600_000
UNKNOWN = f"{topics.PRIVATE_ROOM}01J0000000000000000000000A"


def user(name: str) -> Caller:
    return Caller(CallerKind.USER, f"sub-{name}", name, issued_at=NOON // 1000)


ANN, BOB, EVE = map(user, ("ann", "bob", "eve"))
PROGRAM = Caller(CallerKind.IAM, "arn:aws:iam::1:user/importer", "importer")


@pytest.fixture
def members(chat: Chat) -> Members:
    return Members(chat.table, chat.retention_seconds)


@pytest.fixture
def den(members: Members) -> str:
    """A private room of Ann's."""
    return rooms_of.create_room(members, ANN, name="Den", private=True, now_ms=NOON)["id"]


def invite(members: Members, room_id: str, *callers: Caller, now_ms: int = NOON) -> None:
    for caller in callers:
        rooms_of.invite_member(members, ANN, room_id=room_id, user_id=caller.id, now_ms=now_ms)


def accept(members: Members, room_id: str, *callers: Caller, now_ms: int = NOON) -> None:
    for caller in callers:
        rooms_of.accept_invitation(members, caller, room_id=room_id, now_ms=now_ms)


def bring(members: Members, room_id: str, *callers: Caller, now_ms: int = NOON) -> None:
    invite(members, room_id, *callers, now_ms=now_ms)
    accept(members, room_id, *callers, now_ms=now_ms)


def expel(members: Members, room_id: str, caller: Caller, **more: Any) -> None:
    rooms_of.expel_member(members, ANN, room_id=room_id, user_id=caller.id, now_ms=NOON, **more)


def resign(members: Members, room_id: str, caller: Caller, **more: Any) -> None:
    rooms_of.resign_membership(members, caller, room_id=room_id, now_ms=NOON, **more)


def standings(members: Members, room_id: str) -> dict[str, str]:
    items = members.table.query(membership.partition(room_id), now=NOON // 1000)
    return {item["sk"].removeprefix("sub-"): item["standing"] for item in items}


def uses(chat: Chat, caller: Caller, room_id: str, now_ms: int = NOON) -> dict[str, Callable[[], object]]:
    """Every way in which a caller can have something of a room."""
    return {
        "messages": lambda: use.messages(chat, caller, room_id=room_id, now_ms=now_ms),
        "messageChanges": lambda: use.message_changes(chat, caller, room_id=room_id, after=0, now_ms=now_ms),
        "onMessages": lambda: use.on_messages(chat, caller, room_id=room_id, now_ms=now_ms),
        "sendMessage": lambda: use.send_message(chat, caller, room_id=room_id, text="hi", now_ms=now_ms),
        "sendMessages": lambda: use.send_messages(
            chat, caller, room_id=room_id, messages=[{"text": "hi"}], now_ms=now_ms
        ),
    }  # fmt: skip


def refused(chat: Chat, caller: Caller, room_id: str, now_ms: int = NOON) -> dict[str, str]:
    """The uses that are refused, and how."""
    found = {}
    for name, attempt in uses(chat, caller, room_id, now_ms).items():
        try:
            attempt()
        except Unauthorized as error:
            found[name] = error.message
    return found


def test_a_private_room_is_its_members_alone(chat: Chat, members: Members, den: str) -> None:
    invite(members, den, BOB)
    assert refused(chat, ANN, den) == {}
    everything = refused(chat, BOB, den)
    assert everything.keys() == uses(chat, BOB, den).keys(), "an invitation opens nothing"
    accept(members, den, BOB)
    assert refused(chat, BOB, den) == {}
    assert {each["author"] for each in use.messages(chat, BOB, room_id=den, now_ms=NOON)[0]} == {"ann", "bob"}
    for stranger in (EVE, ANONYMOUS, PROGRAM):
        assert refused(chat, stranger, den) == everything


@pytest.mark.parametrize("caller", [EVE, ANONYMOUS, PROGRAM], ids=lambda caller: caller.kind.value)
def test_to_a_stranger_a_private_room_is_as_one_that_does_not_exist(
    chat: Chat, members: Members, den: str, caller: Caller
) -> None:
    assert refused(chat, caller, den) == refused(chat, caller, UNKNOWN)
    attempts: list[Callable[[str], object]] = [
        lambda room: rooms_of.list_members(members, caller, room_id=room, now_ms=NOON),
        lambda room: rooms_of.invite_member(members, caller, room_id=room, user_id="x", now_ms=NOON),
        lambda room: rooms_of.accept_invitation(members, caller, room_id=room, now_ms=NOON),
        lambda room: rooms_of.resign_membership(members, caller, room_id=room, now_ms=NOON),
        lambda room: rooms_of.expel_member(members, caller, room_id=room, user_id="x", now_ms=NOON),
    ]
    for attempt in attempts:
        said = []
        for room_id in (den, UNKNOWN):
            with pytest.raises(Unauthorized) as error:
                attempt(room_id)
            said.append((error.value.message, error.value.info))
        assert said[0] == said[1]
    assert chat.table.get(rooms.key(UNKNOWN), NOON // 1000) is None, "nobody makes one by asking"


def test_ids_of_private_rooms_are_the_servers_to_give(members: Members) -> None:
    for given in ({"id": UNKNOWN}, {"id": "den", "private": True}, {"private": False}, {"name": "x" * 65, "id": "a"}):
        with pytest.raises(InvalidInput):
            rooms_of.create_room(members, ANN, **given, now_ms=NOON)


def test_a_public_room_can_be_made_once(chat: Chat, members: Members) -> None:
    made = rooms_of.create_room(members, ANN, id="hall", name="The hall", now_ms=NOON)
    assert made == {"id": "hall", "name": "The hall", "private": False, "createdAt": "2026-11-21T12:00:00.000Z"}
    with pytest.raises(InvalidInput, match="exists"):
        rooms_of.create_room(members, BOB, id="hall", now_ms=NOON)
    use.send_message(chat, ANONYMOUS, room_id="hall", text="hi", now_ms=NOON)
    item = chat.table.get(rooms.key("hall"), NOON // 1000)
    assert item is not None
    assert (item["name"], item["GSI1PK"]) == ("The hall", rooms.LISTING)


def test_a_private_room_is_in_no_list_and_outlives_its_messages(chat: Chat, den: str) -> None:
    use.send_message(chat, ANN, room_id=den, text="hi", now_ms=NOON)
    item = chat.table.get(rooms.key(den), NOON // 1000)
    assert item is not None
    assert not item.keys() & {"GSI1PK", "GSI1SK", "expiresAt"}
    assert refused(chat, ANN, den, now_ms=NOON + 10 * WEEK) == {}


def test_only_the_owner_invites_and_expels(members: Members, den: str) -> None:
    bring(members, den, BOB)
    with pytest.raises(Unauthorized):
        rooms_of.invite_member(members, BOB, room_id=den, user_id=EVE.id, now_ms=NOON)
    with pytest.raises(Unauthorized):
        rooms_of.expel_member(members, BOB, room_id=den, user_id=ANN.id, now_ms=NOON)
    with pytest.raises(InvalidInput, match="resign"):
        expel(members, den, ANN)
    with pytest.raises(NotFound):
        expel(members, den, EVE)
    assert standings(members, den) == {"ann": "OWNER", "bob": "MEMBER"}


def test_who_is_expelled_is_a_stranger_and_can_be_invited_again(chat: Chat, members: Members, den: str) -> None:
    bring(members, den, BOB)
    expel(members, den, BOB)
    assert refused(chat, BOB, den) == refused(chat, EVE, den)
    with pytest.raises(Unauthorized):
        accept(members, den, BOB)
    bring(members, den, BOB)
    assert refused(chat, BOB, den) == {}


def test_an_invitation_ends_after_a_week_or_when_it_is_taken_back(members: Members, den: str) -> None:
    invite(members, den, BOB, EVE)
    expel(members, den, EVE)
    with pytest.raises(Unauthorized):
        accept(members, den, EVE)
    with pytest.raises(Unauthorized):
        accept(members, den, BOB, now_ms=NOON + WEEK)
    accept(members, den, BOB, now_ms=NOON + WEEK - 1000)
    item = members.table.get(membership.key(den, BOB.id), (NOON + 100 * WEEK) // 1000)
    assert item is not None, "a membership has no end"


def test_inviting_and_accepting_again_change_nothing(members: Members, den: str) -> None:
    bring(members, den, BOB)
    before = standings(members, den)
    invite(members, den, BOB, now_ms=NOON + 1)
    accept(members, den, BOB, now_ms=NOON + 1)
    assert standings(members, den) == before


def test_the_room_of_an_owner_who_leaves_goes_to_the_eldest_member_and_ends_with_the_last(
    chat: Chat, members: Members, den: str
) -> None:
    invite(members, den, EVE)
    bring(members, den, user("cid"), now_ms=NOON + 2)
    bring(members, den, BOB, now_ms=NOON + 1)
    resign(members, den, ANN)
    assert standings(members, den) == {"bob": "OWNER", "cid": "MEMBER", "eve": "INVITED"}
    resign(members, den, user("cid"))
    resign(members, den, BOB)
    assert chat.table.get(rooms.key(den), NOON // 1000) is None
    with pytest.raises(Unauthorized):
        accept(members, den, EVE)
    assert rooms_of.memberships(members, EVE, now_ms=NOON) == ([], None)


def test_a_mutation_that_comes_again_is_done_once(members: Members, den: str) -> None:
    bring(members, den, BOB)
    expel(members, den, BOB, client_mutation_id="1")
    bring(members, den, BOB)
    expel(members, den, BOB, client_mutation_id="1")
    assert standings(members, den)["bob"] == "MEMBER"
    with pytest.raises(IdempotencyConflict):
        expel(members, den, EVE, client_mutation_id="1")
    resign(members, den, BOB, client_mutation_id="2")
    resign(members, den, BOB, client_mutation_id="2")
    made = [
        rooms_of.create_room(members, ANN, private=True, client_mutation_id="3", now_ms=NOON + each) for each in (0, 1)
    ]
    assert made[0] == made[1]


def test_members_and_memberships_are_listed_in_pages(members: Members, den: str) -> None:
    members.table.write([profile.creation(BOB.id, "Bobby", NOON, None)])
    bring(members, den, BOB, user("cid"))
    invite(members, den, EVE)
    first, token = rooms_of.list_members(members, BOB, room_id=den, limit=2, now_ms=NOON)
    second, end = rooms_of.list_members(members, BOB, room_id=den, limit=2, next_token=token, now_ms=NOON)
    assert end is None
    shown = [(each["userId"], each["displayName"], each["standing"]) for each in first + second]
    assert shown == [
        ("sub-ann", "unknown", "OWNER"),
        ("sub-bob", "Bobby", "MEMBER"),
        ("sub-cid", "unknown", "MEMBER"),
        ("sub-eve", "unknown", "INVITED"),
    ]
    others = [rooms_of.create_room(members, BOB, private=True, now_ms=NOON)["id"] for _ in range(2)]
    found: list[dict[str, Any]] = []
    token = None
    while True:
        items, token = rooms_of.memberships(members, BOB, limit=1, next_token=token, now_ms=NOON)
        found += items
        if token is None:
            break
    assert sorted(each["room"]["id"] for each in found) == sorted([den, *others])
    assert {each["standing"] for each in found} == {"MEMBER", "OWNER"}


def test_a_token_from_before_a_sign_out_is_of_no_use(chat: Chat, members: Members, den: str) -> None:
    bring(members, den, BOB)
    members.table.write([sessions.ending(BOB.id, NOON)])
    assert refused(chat, BOB, den).keys() == uses(chat, BOB, den).keys()
    assert refused(chat, BOB, "lobby").keys() == uses(chat, BOB, "lobby").keys()
    again = Caller(CallerKind.USER, BOB.id, "bob", issued_at=NOON // 1000 + 1)
    assert refused(chat, again, den) == {}


@contextmanager
def counted(client: DynamoDBClient) -> Iterator[list[str]]:
    """The requests that reach DynamoDB, by name."""
    found: list[str] = []

    def count(model: Any, **_: Any) -> None:
        found.append(model.name)

    client.meta.events.register("before-call.dynamodb", count)
    yield found
    client.meta.events.unregister("before-call.dynamodb", count)


@pytest.mark.parametrize(
    ("caller", "private", "right"),
    [(ANONYMOUS, False, []), (PROGRAM, False, []), (BOB, False, ["BatchGetItem"]), (BOB, True, ["BatchGetItem"]),
     (EVE, True, ["BatchGetItem"]), (ANONYMOUS, True, [])],
)  # fmt: skip
def test_a_right_costs_one_read_at_most(
    chat: Chat, members: Members, den: str, dynamodb_client: DynamoDBClient, caller: Caller, private: bool,
    right: list[str],
) -> None:  # fmt: skip
    bring(members, den, BOB)
    room_id = den if private else "lobby"
    allowed = not private or caller is BOB
    if allowed:
        use.send_message(chat, caller, room_id=room_id, text="warm", now_ms=NOON)
    work = {
        "messages": ["Query", "Query"],
        "messageChanges": ["GetItem"],
        "onMessages": [],
        "sendMessage": ["TransactWriteItems" if private else "PutItem"],
        "sendMessages": ["TransactWriteItems" if private else "PutItem"],
    }
    for name, attempt in uses(chat, caller, room_id).items():
        with counted(dynamodb_client) as requests:
            try:
                attempt()
            except Unauthorized:
                assert not allowed
        assert requests == right + (work[name] if allowed else []), name


def test_two_who_accept_at_once_are_both_members(members: Members, den: str) -> None:
    callers = [user(f"u{number}") for number in range(6)]
    invite(members, den, *callers)
    with ThreadPoolExecutor(12) as threads:
        list(threads.map(lambda caller: accept(members, den, caller), [*callers, *callers]))
    assert standings(members, den) == {"ann": "OWNER"} | {f"u{number}": "MEMBER" for number in range(6)}


def test_all_who_leave_at_once_leave_nothing(members: Members, den: str) -> None:
    callers = [user(f"u{number}") for number in range(5)]
    bring(members, den, *callers)
    with ThreadPoolExecutor(6) as threads:
        list(threads.map(lambda caller: resign(members, den, caller), [ANN, *callers]))
    assert standings(members, den) == {}
    assert members.table.get(rooms.key(den), NOON // 1000) is None


def test_a_message_that_is_under_way_does_not_get_in_after_its_writer_is_expelled(
    chat: Chat, members: Members, den: str, dynamodb_client: DynamoDBClient
) -> None:
    bring(members, den, BOB)
    use.send_message(chat, BOB, room_id=den, text="before", now_ms=NOON)
    expelled = False

    def expel_between(model: Any, **_: Any) -> None:
        nonlocal expelled
        if model.name == "TransactWriteItems" and not expelled:
            expelled = True
            expel(members, den, BOB)

    dynamodb_client.meta.events.register("before-call.dynamodb", expel_between)
    try:
        with pytest.raises(Unauthorized):
            use.send_message(chat, BOB, room_id=den, text="after", now_ms=NOON)
    finally:
        dynamodb_client.meta.events.unregister("before-call.dynamodb", expel_between)
    assert [each["text"] for each in use.messages(chat, ANN, room_id=den, now_ms=NOON)[0]] == ["before"]


def test_a_deleted_user_leaves_all_rooms(members: Members, den: str) -> None:
    bring(members, den, BOB)
    own = rooms_of.create_room(members, BOB, private=True, now_ms=NOON)["id"]
    for _ in range(2):
        rooms_of.leave_all(members, BOB.id, NOON)
        assert standings(members, den) == {"ann": "OWNER"}
        assert standings(members, own) == {}
    assert members.table.get(rooms.key(own), NOON // 1000) is None


@pytest.mark.parametrize("standing", [None, 7, "KING", "", {"a": 1}])
def test_a_membership_by_any_hand_that_says_nothing_gives_nothing(
    chat: Chat, members: Members, den: str, standing: object
) -> None:
    item = membership.to_item(den, BOB.id, Standing.MEMBER, NOON) | {"standing": standing}
    members.table.write([Put(item)])
    assert refused(chat, BOB, den).keys() == uses(chat, BOB, den).keys()


def test_without_its_room_a_membership_is_worth_nothing(chat: Chat, members: Members, den: str) -> None:
    members.table.write([Delete(rooms.key(den))])
    assert refused(chat, ANN, den).keys() == uses(chat, ANN, den).keys()
    assert rooms_of.memberships(members, ANN, now_ms=NOON) == ([], None)
    rooms_of.leave_all(members, ANN.id, NOON)
    assert standings(members, den) == {}


def test_a_room_with_a_version_by_no_hand_still_changes(members: Members, den: str) -> None:
    table: Table = members.table
    item = table.get(rooms.key(den), NOON // 1000)
    assert item is not None
    table.write([Put({name: value for name, value in item.items() if name != "version"})])
    bring(members, den, BOB)
    assert standings(members, den)["bob"] == "MEMBER"
