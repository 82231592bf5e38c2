"""Deleting a user, stopped at any step and asked again; what stays and what does not."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from domain import authors, chat, profile, times, users
from domain.caller import ANONYMOUS
from domain.chat import Chat
from domain.errors import NotFound, TryAgain, Unauthorized
from domain.message import Partition, sort_key
from domain.pool import cognito
from domain.rooms import Rooms
from domain.sessions import Sessions
from domain.table import Put, Set, Table, TableError, dynamodb
from domain.users import Users
from tests.backend.domain.clocks import SetClock
from tests.backend.domain.interruption import Interruption, Killed
from tests.backend.domain.pools import NOON, OPERATOR, RETENTION_SECONDS, SignedUp, TestPool, users_of
from tests.conftest import CREDENTIALS

NEVER = float("inf")
HOUR_MS = 3_600_000
MESSAGES = 5


@pytest.fixture(scope="module")
def pool(aws_endpoint: str) -> TestPool:
    return TestPool(aws_endpoint)


@pytest.fixture
def ann(pool: TestPool) -> SignedUp:
    return pool.sign_up(f"ann-{uuid.uuid4()}")


@pytest.fixture
def bob(pool: TestPool) -> SignedUp:
    return pool.sign_up(f"bob-{uuid.uuid4()}")


def write(table: Table, someone: SignedUp, room: str, text: str, now_ms: int) -> None:
    """Send a message, by a container of its own."""
    rooms = Rooms(table, RETENTION_SECONDS)
    log: Any = None  # not asked for when a message is sent
    chat.send_message(
        Chat(table, rooms, log, RETENTION_SECONDS), someone.caller(), room_id=room, text=text, now_ms=now_ms
    )


def read(table: Table, room: str, now_ms: int) -> list[tuple[str, str]]:
    """Author and text of a room's messages, the oldest first."""
    log: Any = None
    of_this = Chat(table, Rooms(table, RETENTION_SECONDS), log, RETENTION_SECONDS)
    items, _ = chat.messages(of_this, ANONYMOUS, room_id=room, order="OLDEST_FIRST", limit=100, now_ms=now_ms)
    return [(each["author"], each["text"]) for each in items]


def traces(table: Table, someone: SignedUp, client: Any) -> list[dict[str, Any]]:
    """All items that still say anything of a user, but for the tombstone and places of the last hour."""
    items = client.scan(TableName=table.name, ConsistentRead=True)["Items"]
    return [
        item
        for item in items
        if (someone.id in str({**item, "pk": ""}) or someone.name in str(item))
        and not item["pk"]["S"].startswith("USER#")
    ]


def history(table: Table, ann: SignedUp, bob: SignedUp) -> None:
    """Messages of two users in two rooms and two hours."""
    for number in range(MESSAGES):
        write(table, ann, "lobby", f"ann {number}", NOON - HOUR_MS + number)
        write(table, bob, "lobby", f"bob {number}", NOON - HOUR_MS + number)
    write(table, ann, "attic", "ann", NOON)


def test_messages_stay_by_nobody(
    pool: TestPool, main_table: Table, change_log_table: Table, dynamodb_client: Any, ann: SignedUp, bob: SignedUp
) -> None:
    here = users_of(pool, main_table, change_log_table, SetClock(NOON + 10))
    for someone in (ann, bob):
        users.create_profile(main_table, someone.id, someone.name, NOON, None)
    history(main_table, ann, bob)
    before = read(main_table, "lobby", NOON)
    assert users.delete_user(here, ann.caller(), deadline=NEVER) == (ann.id, True)
    assert read(main_table, "lobby", NOON) == [
        ("deleted user" if author == ann.name else author, text) for author, text in before
    ]
    assert read(main_table, "attic", NOON) == [("deleted user", "ann")]
    assert traces(main_table, ann, dynamodb_client) == []
    assert ann.name not in pool.names()
    assert bob.name in pool.names()
    assert users.me(here, bob.caller())["profile"]["displayName"] == bob.name


def test_of_a_deleted_user_no_token_counts_and_no_profile_comes_back(
    pool: TestPool, main_table: Table, change_log_table: Table, ann: SignedUp
) -> None:
    clock = SetClock(NOON)
    here = users_of(pool, main_table, change_log_table, clock)
    users.me(here, ann.caller())
    users.delete_user(here, ann.caller(), deadline=NEVER)
    later = ann.caller("operators", issued_at=NOON // 1000 + 30)
    door = Sessions(main_table, clock)
    with pytest.raises(Unauthorized):
        door.require(later, "Query.me")
    door.require(later, "Mutation.deleteUser")
    users.create_profile(main_table, ann.id, ann.name, NOON, None)
    with pytest.raises(Unauthorized):
        users.update_profile(here, later, display_name="I am back")
    item = main_table.get(profile.key(ann.id), NOON // 1000)
    assert item is not None
    assert item.keys() == {"pk", "sk", "deletedAt", "deletedAtMs", "expiresAt", "done"}
    with pytest.raises(NotFound):
        users.set_user_groups(here, OPERATOR, id=ann.id, groups=[])


@pytest.mark.parametrize("kind", ["killed", "silent"])
def test_stopped_at_any_step_and_asked_again_it_ends_the_same(
    kind: str, aws_endpoint: str, pool: TestPool, new_table: Callable[[str], Table], change_log_table: Table,
    dynamodb_client: Any, bob: SignedUp,
) -> None:  # fmt: skip
    """Each step in turn: the call is not made, or its answer is lost. Then someone asks again."""
    errors: dict[str, Callable[[], BaseException]] = {
        "killed": Killed,
        "silent": lambda: ReadTimeoutError(endpoint_url="aws"),
    }
    client, names = (
        dynamodb(endpoint_url=aws_endpoint, **CREDENTIALS),
        cognito(endpoint_url=aws_endpoint, **CREDENTIALS),
    )
    interruption = Interruption((client, names), errors[kind])
    step, finished = 0, False
    while not finished:
        main = new_table("MainTable")
        ann = pool.sign_up(f"ann-{uuid.uuid4()}")
        users.create_profile(main, ann.id, ann.name, NOON, None)
        history(main, ann, bob)
        removed: list[str] = []
        here = users_of(
            pool, Table(main.name, client), change_log_table, SetClock(NOON + 10), client=names,
            removals=(removed.append,),
        )  # fmt: skip
        asking = ann.caller() if step % 2 else OPERATOR
        with interruption.at(step):
            try:
                finished = users.delete_user(here, asking, id=ann.id, deadline=NEVER)[1]
            except (Killed, TryAgain, TableError):
                assert users.delete_user(here, asking, id=ann.id, deadline=NEVER) == (ann.id, True)
        assert traces(main, ann, dynamodb_client) == [], step
        assert [author for author, _ in read(main, "lobby", NOON)].count("deleted user") == MESSAGES, step
        assert [author for author, _ in read(main, "lobby", NOON)].count(bob.name) == MESSAGES, step
        assert ann.name not in pool.names(), step
        assert set(removed) == {ann.id}, step
        step += 7 if step > 20 else 1  # the steps of the messages are alike
    assert step > 20


def test_a_long_history_takes_several_calls(
    pool: TestPool, main_table: Table, change_log_table: Table, ann: SignedUp
) -> None:
    for number in range(150):
        write(main_table, ann, "lobby", str(number), NOON - HOUR_MS + number)

    class Hasty(SetClock):
        calls = 0

        def monotonic(self) -> float:
            self.calls += 1
            return self.calls

    here = users_of(pool, main_table, change_log_table, Hasty(NOON))
    assert users.delete_user(here, ann.caller(), deadline=1) == (ann.id, False)
    assert ann.name in pool.names()
    assert [author for author, _ in read(main_table, "lobby", NOON)].count("deleted user") == 100
    assert users.delete_user(here, OPERATOR, id=ann.id, deadline=NEVER) == (ann.id, True)
    assert ann.name not in pool.names()


def test_a_message_that_was_under_way_is_found_by_asking_again(
    pool: TestPool, main_table: Table, change_log_table: Table, ann: SignedUp
) -> None:
    """A request may have passed the door before the deletion began, and write after it ended."""
    here: Users = users_of(pool, main_table, change_log_table, SetClock(NOON))
    write(main_table, ann, "lobby", "early", NOON + 1)
    users.delete_user(here, ann.caller(), deadline=NEVER)
    pk = Partition("lobby", times.hour(NOON), 0).pk
    (item,) = main_table.query(pk, now=NOON // 1000)
    sk = sort_key(NOON + 5, "late")
    main_table.write([Put(item | {"sk": sk, "author": ann.name, "userId": ann.id, "text": "late"})])
    assert users.delete_user(here, OPERATOR, id=ann.id, deadline=NEVER) == (ann.id, True)
    assert read(main_table, "lobby", NOON) == [("deleted user", "early"), ("deleted user", "late")]


def test_whoever_took_the_name_since_is_left_alone(
    pool: TestPool, main_table: Table, change_log_table: Table, ann: SignedUp
) -> None:
    """The deletion died after the pool's part, and before it noted that; or the profile is older than the user."""
    here = users_of(pool, main_table, change_log_table, SetClock(NOON))
    users.me(here, ann.caller())
    users.delete_user(here, ann.caller(), deadline=NEVER)
    namesake = pool.sign_up(ann.name)
    main_table.write([Set(profile.key(ann.id), {"name": ann.name}, remove=("done",))])
    assert users.delete_user(here, OPERATOR, id=ann.id, deadline=NEVER) == (ann.id, True)
    users.create_profile(main_table, "of-the-past", ann.name, NOON, None)
    assert users.delete_user(here, OPERATOR, id="of-the-past", deadline=NEVER) == ("of-the-past", True)
    assert users.me(here, namesake.caller())["name"] == ann.name


def test_the_directory_of_authors_costs_one_write_an_hour_and_room(main_table: Table) -> None:
    known = authors.Authors()
    place = authors.Place("2026112112", "lobby")
    assert known.notes(None, place, 1) == []
    assert len(known.notes("ann", place, 1)) == 1
    known.remember("ann", place)
    assert known.notes("ann", place, 1) == []
    assert len(known.notes("ann", authors.Place("2026112112", "attic"), 1)) == 1
    assert len(known.notes("bob", place, 1)) == 1
    main_table.write(known.notes("bob", authors.Place("2026112112", "a#b"), 2**31))
    assert list(authors.places(main_table, "bob", 0)) == [authors.Place("2026112112", "a#b")]
