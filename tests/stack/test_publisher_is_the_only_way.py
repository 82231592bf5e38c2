"""Everything that is pushed went through the publisher, with the right that only its role has."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator

import pytest

from tests.stack.instance import Instance, eventually
from tests.stack.test_live_chat import new_room, raw_subscriber

pytestmark = pytest.mark.stack


async def nothing_is_pushed_any_more(instance: Instance) -> None:
    """A switch counts within seconds: send until a message does not come back."""
    room = new_room()
    async with raw_subscriber(instance, room) as subscriber:
        for _ in range(20):
            await asyncio.to_thread(instance.send, room, "still there?")
            try:
                await asyncio.wait_for(subscriber.receive("data"), 1)
            except TimeoutError:
                return
    raise AssertionError("20 messages after the switch, all were pushed")


@pytest.fixture
def disabled_mapping(instance: Instance) -> Iterator[str]:
    lambda_ = instance.client("lambda")
    publisher = next(
        name for logical, name in instance.resources("AWS::Lambda::Function").items() if "Publish" in logical
    )
    [mapping] = lambda_.list_event_source_mappings(FunctionName=publisher)["EventSourceMappings"]

    def state() -> str:
        found: str = lambda_.get_event_source_mapping(UUID=mapping["UUID"])["State"]
        return found

    lambda_.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    eventually(lambda: state() == "Disabled")
    yield mapping["UUID"]
    lambda_.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)
    eventually(lambda: state() == "Enabled")


async def test_with_the_mapping_disabled_nothing_arrives_and_all_of_it_once_enabled(
    instance: Instance, disabled_mapping: str
) -> None:
    room = new_room()
    async with raw_subscriber(instance, room) as subscriber:
        await nothing_is_pushed_any_more(instance)
        sent = [(await asyncio.to_thread(instance.send, room, f"text {number}"))["id"] for number in range(5)]
        await subscriber.expect_silence(1.5)
        instance.client("lambda").update_event_source_mapping(UUID=disabled_mapping, Enabled=True)
        assert [change["key"] for change in await subscriber.changes(5)] == sent


async def test_with_the_right_to_publish_taken_away_nothing_arrives(instance: Instance) -> None:
    iam = instance.client("iam")
    holders = []
    for role in instance.resources("AWS::IAM::Role").values():
        for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
            document = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
            if "appsync:GraphQL" in json.dumps(document):
                holders.append((role, name, document))
    [(role, name, document)] = holders  # only the publisher's
    room = new_room()
    async with raw_subscriber(instance, room) as subscriber:
        iam.delete_role_policy(RoleName=role, PolicyName=name)
        try:
            await nothing_is_pushed_any_more(instance)
            message = await asyncio.to_thread(instance.send, room, "unheard")
            await subscriber.expect_silence(2)
        finally:
            iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(document))
        # The stream retries until it may: nothing is lost.
        assert [change["key"] for change in await subscriber.changes(1)] == [message["id"]]
