"""Rights that are taken away in the table: which records say so, and that the publisher ends what rests on them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from domain import auth_key, membership, profile, rooms, routing, topics
from domain.publication import Publication
from domain.publishing import Refused, Unreachable
from domain.rights import Standing
from domain.routing import EVERYBODY, End
from tests.backend.domain.publishers import Container, Deployment, Raw, record

DEN = "private:01J0000000000000000000000A"
POSITIONS = iter(range(1000, 10_000))


def change(pk: str, sk: str, before: str | None, after: str | None) -> Raw:
    """A stream record of an item that had, and has, a standing; None stands for no item."""
    keys = {"pk": {"S": pk}, "sk": {"S": sk}}
    old, new = ({**keys, "standing": {"S": each}} if each is not None else None for each in (before, after))
    images = {name: image for name, image in (("OldImage", old), ("NewImage", new)) if image}
    number = next(POSITIONS)
    return {
        "eventID": f"{number:032x}",
        "eventName": "INSERT" if old is None else "REMOVE" if new is None else "MODIFY",
        "dynamodb": {
            "ApproximateCreationDateTime": 1_795_236_682.0, "Keys": keys, "SequenceNumber": str(10**20 + number),
            **images,
        },
    }  # fmt: skip


def removal(user: str) -> Raw:
    return change(membership.partition(DEN), user, "MEMBER", None)


def ends_of(subscriber: str) -> list[End]:
    """What ends with the right to the room: its messages, and who is in it."""
    return [End(subscriber, topics.room(DEN)), End(subscriber, topics.presence(DEN))]


@pytest.mark.parametrize("before", [None, "", "INVITED", "MEMBER", "OWNER"])
@pytest.mark.parametrize("after", [None, "", "INVITED", "MEMBER", "OWNER"])
def test_a_right_ends_with_whatever_takes_the_standing_away(before: str | None, after: str | None) -> None:
    if before is None and after is None:
        return
    found = routing.ends_of(routing.from_stream(change(f"MEMBER#{DEN}", "ann", before, after)))
    had, has = before in {"MEMBER", "OWNER"}, after in {"MEMBER", "OWNER"}
    assert found == (ends_of("ann") if had and not has else [])


def test_the_right_of_all_ends_with_the_room() -> None:
    pk, sk = map(str, rooms.key(DEN))
    assert routing.ends_of(routing.from_stream(change(pk, sk, "", None))) == ends_of(EVERYBODY)
    assert routing.ends_of(routing.from_stream(change(pk, sk, "", "x"))) == []
    assert routing.ends_of(routing.from_stream(change(pk, "BUCKET#2026112104", "", None))) == []
    assert routing.ends_of(routing.from_stream(change("ROOM#lobby", "ROOM", "", None))) == []


def key_change(before: str | None, after: str | None) -> Raw:
    """A stream record of an auth key that was, and is, revoked at a time; empty stands for never, None for no item."""
    raw = change(
        f"{auth_key.PREFIX}K1", auth_key.SORT_KEY, None if before is None else "", None if after is None else ""
    )
    for image, revoked in (("OldImage", before), ("NewImage", after)):
        if revoked:
            raw["dynamodb"][image]["revokedAt"] = {"S": revoked}
    return raw


def test_what_a_key_has_subscribed_to_ends_with_the_key_whoever_ends_it() -> None:
    kinds = (topics.ROOM, topics.CLIENT, topics.PRESENCE, topics.CART)
    everything = [End("K1", kind) for kind in kinds]
    for raw, ended in (
        (key_change("", "2026-11-21T12:00:00.000Z"), everything),
        (key_change("", None), everything),
        (key_change(None, ""), []),
        (key_change("", ""), []),
        (key_change("2026-11-21T12:00:00.000Z", None), []),
        (change("AUTHKEY#K1", "OTHER", "", None), []),
        (change("AUTHKEYS", "K1", "", None), []),
    ):
        assert routing.ends_of(routing.from_stream(raw)) == ended
    found = everything[0]
    assert (found.kind.subscription, found.topic_name) == ("onMessages", "*")


def profile_change(before: dict[str, str] | None, after: dict[str, str] | None) -> Raw:
    """A stream record of Ann's profile, with these attributes before and after."""
    pk, sk = map(str, profile.key("ann"))
    raw = change(pk, sk, None if before is None else "", None if after is None else "")
    for image, given in (("OldImage", before), ("NewImage", after)):
        for name, text in (given or {}).items():
            raw["dynamodb"][image][name] = {"N" if text.isdigit() else "S": text}
    return raw


@pytest.mark.parametrize("kinds", [(), (topics.CART,), (topics.CART, topics.USER)])
def test_what_no_answer_has_room_for_ends_with_the_session(
    kinds: tuple[topics.TopicKind, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(topics, "ENDED_LATER", kinds)
    for before, after, ends in (
        ({}, {"validAfter": "5"}, True),
        ({"validAfter": "5"}, {"validAfter": "6"}, True),
        ({}, {"disconnectedAt": "2026-11-21T12:00:00.000Z"}, True),
        ({"validAfter": "5"}, {"deletedAt": "2026-11-21T12:00:00.000Z"}, True),
        ({"validAfter": "5"}, {"validAfter": "5", "displayName": "Ann"}, False),
        (None, {"validAfter": "5"}, False),
        ({"deletedAt": "2026-11-21T12:00:00.000Z"}, None, False),
    ):
        found = routing.ends_of(routing.from_stream(profile_change(before, after)))
        wanted = [("ann", kind.subscription, "*") for kind in kinds] if ends else []
        assert [(each.subscriber, each.kind.subscription, each.topic_name) for each in found] == wanted


class Ends:
    """Ends what it is told, unless it refuses or is down; notes what had been published before."""

    def __init__(self, deployment: Deployment) -> None:
        self.ended: list[End] = []
        self.sizes: list[int] = []
        self.published_before: list[int] = []
        self.obstacle: Exception | None = None
        self._appsync = deployment.appsync

    def end(self, ends: Sequence[End], deadline: float) -> None:
        del deadline
        if self.obstacle:
            raise self.obstacle
        self.sizes.append(len(ends))
        self.ended += ends
        self.published_before.append(len(self._appsync.changes))


@pytest.fixture
def deployment(aws_endpoint: str) -> Iterator[Deployment]:
    found = Deployment(aws_endpoint)
    yield found
    found.close()


@pytest.fixture
def ends(deployment: Deployment) -> Ends:
    return Ends(deployment)


@pytest.fixture
def container(deployment: Deployment, ends: Ends) -> Container:
    return deployment.container(ends=ends)


def test_what_ends_has_ended_before_anything_of_the_batch_is_pushed(
    deployment: Deployment, container: Container, ends: Ends
) -> None:
    assert container.run([record(1), removal("ann"), record(2)]) == []
    assert ends.ended == ends_of("ann")
    assert ends.published_before == [0]
    assert len(deployment.appsync.changes) == 2
    assert deployment.counted["Ended"] == 2


def test_appsync_is_asked_for_five_ends_at_a_time_and_once_for_each(container: Container, ends: Ends) -> None:
    assert container.run([removal(f"u{number}") for number in [*range(12), 0]]) == []
    assert sorted(ends.sizes) == [4, 5, 5, 5, 5]
    assert len(set(ends.ended)) == len(ends.ended)
    assert set(ends.ended) == {each for number in range(12) for each in ends_of(f"u{number}")}


def test_an_end_that_fails_for_now_comes_again_and_nothing_is_parked(container: Container, ends: Ends) -> None:
    ends.obstacle = Unreachable("down")
    batch = [record(1), removal("ann"), record(2)]
    assert container.run(batch) == [1]
    ends.obstacle = None
    assert container.run(batch[1:]) == []
    assert ends.ended == ends_of("ann")
    assert container.parked() == []


def test_an_end_that_is_refused_is_parked_and_can_be_replayed(container: Container, ends: Ends) -> None:
    ends.obstacle = Refused([{"message": "no such field"}])
    assert container.run([removal("ann"), record(1)]) == []
    assert len(container.parked()) == 1
    ends.obstacle = None
    assert container.replay()["replayed"] == 1
    assert ends.ended == ends_of("ann")
    assert container.parked() == []


def test_a_publisher_that_ends_nothing_takes_no_rights(deployment: Deployment) -> None:
    publication: Publication = deployment.container().publication
    assert not publication.concerns(removal("ann"))
    assert publication.concerns(record(1))


def test_standings_are_what_the_table_says() -> None:
    for standing in Standing:
        item = membership.to_item(DEN, "ann", standing, 0)
        assert membership.standing_of(item) is standing
