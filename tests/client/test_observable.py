"""Feeds as reactivex Observables."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from reactivex import operators

from headwater import AlreadyObserved, Change, Client, Feed, GraphQLFailure, Message
from local.appsync.datasources import DataSourceError
from tests.client.chat_api import TOPIC, ChatApi
from tests.client.following import until


class Observer:
    """What an observer was told."""

    def __init__(self) -> None:
        self.seen: list[int] = []
        self.errors: list[Exception] = []
        self.completed = 0

    def on_next(self, event: Any) -> None:
        assert isinstance(event, Change)
        self.seen.append(event.seq)

    def on_error(self, error: Exception) -> None:
        self.errors.append(error)

    def on_completed(self) -> None:
        self.completed += 1


@pytest.fixture
def observer() -> Observer:
    return Observer()


async def test_changes_come_in_order_as_next(api: ChatApi, client: Client, observer: Observer) -> None:
    feed = client.live(TOPIC)
    feed.observable().subscribe(observer.on_next, observer.on_error, observer.on_completed)
    await until(lambda: feed.state == "live")
    await api.say("one", "two")
    await api.say("three")
    await until(lambda: observer.seen == [1, 2, 3])
    assert (observer.errors, observer.completed) == ([], 0)


async def test_disposal_ends_the_feed_without_a_word(api: ChatApi, feed: Feed[Message], observer: Observer) -> None:
    subscription = feed.observable().subscribe(observer.on_next, observer.on_error, observer.on_completed)
    subscription.dispose()
    await until(lambda: feed.closed)
    await api.say("one")
    assert (observer.seen, observer.errors, observer.completed) == ([], [], 0)


async def test_disposal_from_another_thread(feed: Feed[Message], observer: Observer) -> None:
    subscription = feed.observable().subscribe(observer.on_next)
    thread = threading.Thread(target=subscription.dispose)
    thread.start()
    await until(lambda: feed.closed)
    thread.join()


async def test_operators_end_the_feed_when_they_have_enough(
    api: ChatApi, feed: Feed[Message], observer: Observer
) -> None:
    feed.observable().pipe(operators.take(2)).subscribe(observer.on_next, observer.on_error, observer.on_completed)
    await api.say("one", "two", "three")
    await until(lambda: feed.closed)
    assert (observer.seen, observer.completed) == ([1, 2], 1)


async def test_it_completes_when_the_client_is_closed(api: ChatApi, observer: Observer) -> None:
    async with api.client() as client:
        feed = client.live(TOPIC)
        feed.observable().subscribe(observer.on_next, observer.on_error, observer.on_completed)
        await until(lambda: feed.state == "live")
    await until(lambda: observer.completed == 1)
    assert observer.errors == []


async def test_what_ends_the_feed_is_the_error(api: ChatApi, client: Client, observer: Observer) -> None:
    api.chat.refuse = DataSourceError("no", "NotFound")
    feed = client.live(TOPIC)
    feed.observable().subscribe(observer.on_next, observer.on_error, observer.on_completed)
    await until(lambda: observer.errors != [])
    assert isinstance(observer.errors[0], GraphQLFailure)
    await until(lambda: feed.closed)
    assert observer.completed == 0


async def test_a_second_observer_is_refused_and_the_first_goes_on(
    api: ChatApi, feed: Feed[Message], observer: Observer
) -> None:
    events, second = feed.observable(), Observer()
    events.subscribe(observer.on_next)
    events.subscribe(second.on_next, second.on_error)
    assert [type(error) for error in second.errors] == [AlreadyObserved]
    await api.say("one")
    await until(lambda: observer.seen == [1])


async def test_shared_it_has_many_observers(api: ChatApi, feed: Feed[Message], observer: Observer) -> None:
    events, second = feed.observable().pipe(operators.share()), Observer()
    first_subscription = events.subscribe(observer.on_next)
    second_subscription = events.subscribe(second.on_next)
    await api.say("one")
    await until(lambda: observer.seen == second.seen == [1])
    first_subscription.dispose()
    await api.say("two")
    await until(lambda: second.seen == [1, 2])
    assert observer.seen == [1]
    second_subscription.dispose()
    await until(lambda: feed.closed)


async def test_the_next_event_waits_until_the_observers_have_returned(
    api: ChatApi, feed: Feed[Message], observer: Observer
) -> None:
    """No event is taken from the feed ahead of them: its own bound is the only queue there is."""
    ahead: list[int] = []

    def on_next(event: Any) -> None:
        ahead.append((feed.position or 0) - event.seq)
        observer.on_next(event)

    feed.observable().subscribe(on_next)
    await api.say(*(f"message {number}" for number in range(300)))
    turns = 0
    while len(observer.seen) < 300:
        await asyncio.sleep(0)
        turns += 1
    assert set(ahead) == {0}
    assert turns > 100  # others had their turns between


async def test_an_observer_that_raises_ends_the_feed_and_is_heard_of(api: ChatApi, feed: Feed[Message]) -> None:
    heard: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: heard.append(context))

    def on_next(_: Any) -> None:
        raise KeyError("mine")

    feed.observable().subscribe(on_next)
    await api.say("one")
    await until(lambda: feed.closed)
    await until(lambda: any(isinstance(context.get("exception"), KeyError) for context in heard))


def test_the_client_works_without_reactivex() -> None:
    program = "import sys; sys.modules['reactivex'] = None; sys.modules['rich'] = None; import headwater.command"
    client = Path(__file__).parents[2] / "client"
    subprocess.run([sys.executable, "-c", program], cwd=client, check=True)
