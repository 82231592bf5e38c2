"""Real clients, unmodified, over HTTPS and WSS: what they send, what they receive, what they stop receiving."""

from __future__ import annotations

import uuid

import pytest

from tests.clients.driver import LIVE, LIVE_SECONDS, MESSAGES, SEND, ClientError, Driver
from tests.stack.instance import Instance

pytestmark = [pytest.mark.stack, pytest.mark.clients]

MODES = pytest.mark.parametrize("mode", ["API_KEY", "AWS_IAM"])


def new_room() -> str:
    return f"room-{uuid.uuid4()}"


@MODES
def test_a_message_that_was_sent_is_read(client: Driver, mode: str) -> None:
    room = new_room()
    sent = client.run(SEND, mode, input={"roomId": room, "text": "Grüße", "author": "ada"})["sendMessage"]
    assert (sent["roomId"], sent["author"], sent["text"]) == (room, "ada", "Grüße")
    items = client.run(MESSAGES, mode, room=room)["messages"]["items"]
    assert [(item["id"], item["text"]) for item in items] == [(sent["id"], "Grüße")]


@MODES
def test_a_subscriber_receives_its_room_and_no_other(client: Driver, instance: Instance, mode: str) -> None:
    here, elsewhere = (client.listen(instance.send, new_room(), mode) for _ in range(2))
    for number in range(3):
        instance.send(elsewhere.room, f"elsewhere {number}")
        client.run(SEND, mode, input={"roomId": here.room, "text": f"here {number}"})
    client.wait(lambda: len(here.texts) >= 3 and len(elsewhere.texts) >= 3, LIVE_SECONDS, "three messages in each room")
    assert here.texts == ["here 0", "here 1", "here 2"]
    assert elsewhere.texts == ["elsewhere 0", "elsewhere 1", "elsewhere 2"]
    for subscription in (here, elsewhere):
        numbers = [change["seq"] for change in subscription.changes]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        client.unsubscribe(subscription)


def test_a_stopped_subscription_brings_nothing_and_the_other_goes_on(client: Driver, instance: Instance) -> None:
    stopped, other = (client.listen(instance.send, new_room()) for _ in range(2))
    client.unsubscribe(stopped)
    brought = len(stopped.changes)
    instance.send(stopped.room, "to nobody")
    instance.send(other.room, "to the other")
    client.wait(lambda: "to the other" in other.texts, LIVE_SECONDS, "the other room's message")
    assert len(stopped.changes) == brought
    again = client.listen(instance.send, stopped.room)
    assert not stopped.errors
    for subscription in (other, again):
        client.unsubscribe(subscription)


def test_an_error_of_the_api_reaches_the_caller(client: Driver) -> None:
    with pytest.raises(ClientError, match=r"input\.text must not be empty"):
        client.run(SEND, input={"roomId": new_room(), "text": ""})


def test_a_subscription_that_is_refused_fails_alone(client: Driver, instance: Instance) -> None:
    other = client.listen(instance.send, new_room())
    refused = client.subscribe(new_room(), document=LIVE.replace("text", "noSuchField"))
    client.wait(lambda: refused.errors, LIVE_SECONDS, "the refusal")
    (error,) = refused.errors
    assert "FieldUndefined" in str(error)
    assert "onMessages/items/message/noSuchField" in str(error)
    instance.send(other.room, "still here")
    client.wait(lambda: "still here" in other.texts, LIVE_SECONDS, "the other subscription's message")
    client.unsubscribe(other)
