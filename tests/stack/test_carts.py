"""Carts on a running instance, by raw sockets: a user's devices, guests who sign in, and carts that expire."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from typing import Any

import pytest

from domain.shop.cart import shard_of
from tests.stack.channels import REGISTER, device
from tests.stack.instance import Instance, eventually
from tests.stack.users import Listener, User, listening, sign_up

pytestmark = pytest.mark.stack

CART = "id version total currency expiresAt lines { productId title quantity price }"
CHANGE = f"seq kind key truncated cart {{ {CART} }}"
ON_CART = f"""subscription ($id: ID) {{ onCart(clientId: $id) {{
    cartId topic firstSeq lastSeq items {{ {CHANGE} }} }} }}"""
CHANGES = f"query ($id: ID, $after: Int!) {{ cartChanges(clientId: $id, after: $after) {{ items {{ {CHANGE} }} }} }}"
FIND = f"query ($id: ID) {{ cart(clientId: $id) {{ {CART} }} }}"
ADD = f"mutation ($input: AddToCartInput!) {{ addToCart(input: $input) {{ {CART} }} }}"
CHANGE_LINE = f"mutation ($input: ChangeCartLineInput!) {{ changeCartLine(input: $input) {{ {CART} }} }}"
MERGE = f"mutation ($input: MergeCartInput!) {{ mergeCart(input: $input) {{ {CART} }} }}"


@pytest.fixture(scope="module")
def people(instance: Instance) -> Iterator[list[User]]:
    with ThreadPoolExecutor(2) as threads:
        yield list(threads.map(lambda _: sign_up(instance), range(2)))


@pytest.fixture(scope="module")
def table(instance: Instance) -> str:
    """The name of the main table."""
    return instance.resources("AWS::DynamoDB::Table")["MainTable"]


@pytest.fixture(scope="module")
def pen(instance: Instance, table: str) -> str:
    """The id of a product that costs 1.50, put by hand."""
    product_id = f"pen-{uuid.uuid4().hex}"
    item = {"pk": f"PRODUCT#{product_id}", "sk": "PRODUCT", "title": "A pen"}
    attributes: dict[str, Any] = {name: {"S": text} for name, text in item.items()}
    numbers = {"price": {"N": "150"}, "stock": {"N": "2"}}
    instance.client("dynamodb").put_item(TableName=table, Item=attributes | numbers)
    return product_id


async def heard(listener: Listener) -> list[tuple[str, Any]]:
    """What the next push tells: of each change its kind, and the cart's quantities by product, if there is a cart."""
    items = (await listener.pushed())["items"]
    return [(each["kind"], None if each["cart"] is None else quantities(each["cart"])) for each in items]


def quantities(cart: Any) -> dict[str, int]:
    return {line["productId"]: line["quantity"] for line in cart["lines"]}


async def test_the_devices_of_a_user_see_one_cart_and_nobody_else_does(people: list[User], pen: str) -> None:
    ann, bob = people
    async with AsyncExitStack() as stack:
        phone, laptop = [await stack.enter_async_context(ann.listening((ON_CART, {}))) for _ in range(2)]
        his = await stack.enter_async_context(bob.listening((ON_CART, {})))
        made = await asyncio.to_thread(ann.data, ADD, input={"productId": pen, "quantity": 2})
        assert (made["id"], made["total"], made["currency"]) == (ann.id, 300, "EUR")
        for each in (phone, laptop):
            found = await each.pushed()
            assert (found["cartId"], found["topic"], found["firstSeq"]) == (ann.id, f"cart:{ann.id}", 1)
            (change,) = found["items"]
            assert (change["kind"], change["key"], change["cart"]) == ("INSERT", ann.id, made)
        changed = {"productId": pen, "quantity": 3, "version": made["version"]}
        assert (await asyncio.to_thread(ann.data, CHANGE_LINE, input=changed))["total"] == 450
        for each in (phone, laptop):
            assert await heard(each) == [("MODIFY", {pen: 3})]
        answer = await asyncio.to_thread(ann.ask, CHANGE_LINE, input=changed)
        (error,) = answer["errors"]
        assert (error["errorType"], quantities(error["data"])) == ("VersionConflict", {pen: 3})
        for each in (phone, laptop, his):
            assert await each.silent()
    assert quantities(ann.data(FIND)) == {pen: 3}
    assert [each["kind"] for each in ann.data(CHANGES, after=0)["items"]] == ["INSERT", "MODIFY"]
    assert bob.data(FIND) is None
    assert bob.data(CHANGES, after=0)["items"] == []
    assert bob.refusal(FIND, id=ann.id) == "Unauthorized"


async def test_devices_that_add_at_once_all_count(instance: Instance, pen: str) -> None:
    user = sign_up(instance)
    with ThreadPoolExecutor(5) as threads:
        list(threads.map(lambda _: user.data(ADD, input={"productId": pen}), range(10)))
    assert quantities(user.data(FIND)) == {pen: 10}


async def test_a_guests_cart_becomes_the_users_and_both_are_told(
    instance: Instance, people: list[User], pen: str
) -> None:
    user, guest = sign_up(instance), device(instance, None)
    client = {"id": guest.id}
    async with AsyncExitStack() as stack:
        theirs = await stack.enter_async_context(listening(instance, None, (ON_CART, client)))
        mine = await stack.enter_async_context(user.listening((ON_CART, {})))
        given = {"productId": pen, "clientId": guest.id}
        await asyncio.to_thread(guest.ask, ADD, input=given)
        assert await heard(theirs) == [("INSERT", {pen: 1})]
        # Neither another user nor another guest has it.
        assert people[1].refusal(FIND, **client) == "Unauthorized"
        assert people[1].refusal(ADD, input=given) == "Unauthorized"
        merged = await asyncio.to_thread(user.data, MERGE, input={"clientId": guest.id})
        assert quantities(merged) == {pen: 1}
        assert await heard(mine) == [("INSERT", {pen: 1})]
        assert await heard(theirs) == [("REMOVE", None)]
        assert await asyncio.to_thread(user.data, MERGE, input={"clientId": guest.id}) == merged
        assert await mine.silent()
        # A cart's subscription ends with the lease that it began under.
        await asyncio.to_thread(instance.graphql, REGISTER, input={"clientId": guest.id})
        assert (await theirs.frame())["type"] == "complete"
    assert guest.ask(FIND, **client)["data"] == {"cart": None}


async def test_a_cart_that_expires_is_gone_at_once_and_its_devices_are_told(
    instance: Instance, table: str, pen: str
) -> None:
    user = sign_up(instance)
    async with user.listening((ON_CART, {})) as listener:
        await asyncio.to_thread(user.data, ADD, input={"productId": pen})
        assert await heard(listener) == [("INSERT", {pen: 1})]
        await asyncio.to_thread(age, instance, table, user.id)
        assert await asyncio.to_thread(user.data, FIND) is None
        await asyncio.to_thread(expire, instance)
        while (told := await heard(listener)) != [("REMOVE", None)]:
            assert told == [("MODIFY", {pen: 1})]  # of `age`, if it was told before the removal
        anew = await asyncio.to_thread(user.data, ADD, input={"productId": pen, "version": 0})
        assert await heard(listener) == [("INSERT", {pen: 1})]
        assert quantities(anew) == {pen: 1}


def test_the_function_removes_what_is_due(instance: Instance, table: str) -> None:
    """The local cloud removes what has expired every few seconds, too: so it may come first, but not each time."""

    def removed() -> int:
        for number in range(3):
            age(instance, table, f"{uuid.uuid4()}-{number}")
        return expire(instance)

    assert eventually(removed)


def age(instance: Instance, table: str, owner: str) -> None:
    """Let an owner have a cart that has expired a minute ago."""
    past = int(time.time()) - 60
    values = {
        ":at": {"N": str(past)}, ":due": {"S": f"{past:012d}#{owner}"}, ":shard": {"S": f"CARTS#{shard_of(owner)}"},
    }  # fmt: skip
    instance.client("dynamodb").update_item(
        TableName=table, Key={"pk": {"S": f"CART#{owner}"}, "sk": {"S": "CART"}}, ExpressionAttributeValues=values,
        UpdateExpression="SET expiresAt = :at, GSI1SK = :due, GSI1PK = :shard",
    )  # fmt: skip


def expire(instance: Instance) -> int:
    """Run the function that removes what is due; how many carts those were."""
    function = instance.resources("AWS::Lambda::Function")["ExpireCartsFunction"]
    answer = instance.client("lambda").invoke(FunctionName=function, Payload=b"{}")
    found = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, found
    return int(found["removed"])


def test_the_schedule_runs_the_function(instance: Instance) -> None:
    rule = instance.resources("AWS::Events::Rule")["ExpireCartsSchedule"]
    events = instance.client("events")
    name = rule.rpartition("/")[2]
    assert events.describe_rule(Name=name)["ScheduleExpression"] == "rate(1 minute)"
    (target,) = events.list_targets_by_rule(Rule=name)["Targets"]
    assert target["Arn"].endswith(instance.resources("AWS::Lambda::Function")["ExpireCartsFunction"])


def test_a_users_cart_goes_with_them(instance: Instance, table: str, pen: str) -> None:
    user = sign_up(instance)
    user.data(ADD, input={"productId": pen})
    key = {"pk": {"S": f"CART#{user.id}"}, "sk": {"S": "CART"}}
    dynamodb = instance.client("dynamodb")
    assert "Item" in dynamodb.get_item(TableName=table, Key=key)
    eventually(lambda: user.data("mutation { deleteUser { done } }")["done"])
    assert "Item" not in dynamodb.get_item(TableName=table, Key=key)
