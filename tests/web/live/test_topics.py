"""The topics besides rooms: who is present, and what a client is told."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from tests.stack.channels import device, notify
from tests.stack.hidden import hide_newest
from tests.stack.instance import Instance
from tests.stack.users import operator, seller, sign_up
from tests.web.live.conftest import Start, new_room, where

pytestmark = [pytest.mark.stack, pytest.mark.clients]

LIVE_SECONDS = 30


def test_who_is_present(start: Start, instance: Instance) -> None:
    room = new_room()
    join = "mutation ($input: JoinRoomInput!) { joinRoom(input: $input) { presence { id name } } }"

    def joined(name: str) -> str:
        answer = instance.graphql(join, input={"roomId": room, "clientId": str(uuid.uuid4()), "name": name})
        return str(answer["data"]["joinRoom"]["presence"]["id"])

    first = joined("ada")
    program = start("Node")
    program.call("connect", **where(instance))
    feed = program.live(f"presence:{room}")
    program.ready(feed)
    looked = program.look(feed)
    assert [(key, item["name"]) for key, item in looked["items"]] == [(first, "ada")]
    second = joined("bob")
    program.wait(lambda: any(change["key"] == second for change in feed.changes), LIVE_SECONDS, "who came")
    assert [key for key, _ in program.look(feed)["items"]] == [first, second]
    feed.assert_gapless()


def test_what_a_client_and_a_user_are_told(start: Start, instance: Instance) -> None:
    op, user, guest = operator(instance), sign_up(instance), device(instance, None)
    before = notify(op, clientId=guest.id, kind="before")
    program = start("Node")
    program.call("connect", **where(instance))
    told = program.live(f"client:{guest.id}", lease=guest.lease)
    program.ready(told)
    assert [item["kind"] for _, item in program.look(told)["items"]] == ["before"]

    signed_in = start("Node")
    signed_in.call("connect", **where(instance), tokens=[user.access])
    own = signed_in.live("user")
    signed_in.ready(own)
    assert user.id in [key for key, _ in signed_in.look(own)["items"]]  # the profile

    to_client, to_user = notify(op, clientId=guest.id, kind="after"), notify(op, userId=user.id, kind="hello")
    program.wait(lambda: to_client["id"] in [change["key"] for change in told.changes], LIVE_SECONDS, "the notice")
    signed_in.wait(lambda: to_user["id"] in [change["key"] for change in own.changes], LIVE_SECONDS, "the notice")
    assert [key for key, _ in program.look(told)["items"]] == [before["id"], to_client["id"]]
    assert own.changes[-1]["item"]["kind"] == "hello"


def test_a_shop(start: Start, instance: Instance) -> None:
    sue, category = seller(instance), f"t-{uuid.uuid4().hex[:12]}"
    make = "mutation ($input: CreateCategoryInput!) { createCategory(input: $input) { id } }"
    create = "mutation ($input: CreateProductInput!) { createProduct(input: $input) { id } }"
    sue.data(make, input={"id": category, "name": "Test"})
    product = {"title": "A book", "category": category, "price": 100, "stock": 3}
    made = [sue.data(create, input=product)["id"] for _ in range(2)]
    hide_newest(instance, category, 2)

    program = start("Node")
    program.call("connect", **where(instance), tokens=[sue.access])
    feed, one, cart = (program.live(name) for name in (f"category:{category}", f"product:{made[0]}", "cart"))
    for each in (feed, one, cart):
        program.ready(each)
    # The index lags behind the log, which the snapshot takes what is newest from.
    assert {key for key, _ in program.look(feed)["items"]} == set(made)
    assert [key for key, _ in program.look(one)["items"]] == made[:1]

    add = "mutation ($input: AddToCartInput!) { addToCart(input: $input) { version } }"
    version = sue.data(add, input={"productId": made[0], "quantity": 2})["version"]
    program.wait(lambda: bool(cart.changes), LIVE_SECONDS, "the cart")
    assert (cart.changes[-1]["key"], cart.changes[-1]["item"]["total"]) == (sue.id, 200)
    order = program.live("order")
    program.ready(order)
    placed = sue.data(
        "mutation ($input: CheckoutInput!) { checkout(input: $input) { id } }", input={"version": version}
    )
    program.wait(lambda: [each["key"] for each in order.changes] == [placed["id"]], LIVE_SECONDS, "the order")
    for followed in (feed, one):

        def sold(changes: list[dict[str, Any]] = followed.changes) -> bool:
            return any(each["item"]["stock"] == 1 for each in changes)

        program.wait(sold, LIVE_SECONDS, "the stock")
        followed.assert_gapless()
