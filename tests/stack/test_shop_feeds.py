"""The Python client's feeds of a shop on a running instance: products, categories, carts and orders."""

from __future__ import annotations

import asyncio
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from headwater import OutOfStock, PriceChanged, VersionConflict
from headwater.generated import documents
from tests.stack.hidden import hide_newest
from tests.stack.instance import Instance
from tests.stack.test_feeds import signed_in, take, until_shown
from tests.stack.users import User, seller, sign_up

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def people(instance: Instance) -> tuple[User, User]:
    """A seller, and a customer."""
    with ThreadPoolExecutor(2) as threads:
        one, other = threads.submit(seller, instance), threads.submit(sign_up, instance)
        return one.result(), other.result()


async def test_a_category_hides_nothing_that_its_index_does_not_have_yet(people: tuple[User, User]) -> None:
    sue, ann = people
    category = f"t-{uuid.uuid4().hex[:12]}"
    async with signed_in(sue) as shop, signed_in(ann) as hw:

        async def create(number: int) -> dict[str, Any]:
            product = {"title": f"Book {number}", "category": category, "price": 100, "stock": 3}
            return dict((await shop.mutate(documents.CREATE_PRODUCT, {"input": product}))["createProduct"])

        await shop.mutate(documents.CREATE_CATEGORY, {"input": {"id": category, "name": "Test"}})
        # One feed after each product: whatever the index, the log and the socket know by then, none may be without it.
        for number in range(8):
            made = await create(number)
            async with hw.live(f"category:{category}") as feed:
                await until_shown(feed, made["id"])
        assert len(feed.items) == 8
        await asyncio.to_thread(hide_newest, sue.instance, category, 8)
        async with hw.live(f"category:{category}") as feed:
            assert len(feed.items) == 8, "the log has what the index has not"

        async with hw.live(f"product:{made['id']}") as one, hw.live(f"category:{category}") as all_:
            await until_shown(one, made["id"])
            await until_shown(all_, made["id"])
            priced = {"id": made["id"], "price": 250, "version": made["version"]}
            await shop.mutate(documents.SET_PRICE, {"input": priced})
            for feed in (one, all_):
                change = await take(feed)
                while change.item is None or change.item.price != 250:
                    change = await take(feed)
                assert (change.key, change.kind) == (made["id"], "MODIFY")
            with pytest.raises(VersionConflict) as conflict:
                await shop.mutate(documents.SET_PRICE, {"input": priced})
            assert conflict.value.current["price"] == 250


async def test_a_cart_on_two_devices_becomes_an_order(people: tuple[User, User]) -> None:
    sue, ann = people
    category = f"t-{uuid.uuid4().hex[:12]}"
    async with signed_in(sue) as shop, signed_in(ann) as phone, signed_in(ann) as laptop:
        await shop.mutate(documents.CREATE_CATEGORY, {"input": {"id": category, "name": "Test"}})
        product = {"title": "A book", "category": category, "price": 100, "stock": 3}
        made = (await shop.mutate(documents.CREATE_PRODUCT, {"input": product}))["createProduct"]
        async with laptop.live("cart") as cart, laptop.live("order") as orders:
            filled = {"productId": made["id"], "quantity": 5}
            filled = (await phone.mutate(documents.ADD_TO_CART, {"input": filled}))["addToCart"]
            change: Any = await take(cart)
            assert (change.key, change.item.total) == (ann.id, 500)

            with pytest.raises(OutOfStock) as short:
                await laptop.mutate(documents.CHECKOUT, {"input": {"version": change.item.version}})
            assert short.value.info["lines"] == [{"productId": made["id"], "requested": 5, "available": 3}]

            line = {"productId": made["id"], "quantity": 3, "version": change.item.version}
            await phone.mutate(documents.CHANGE_CART_LINE, {"input": line})
            change = await take(cart)
            with pytest.raises(PriceChanged) as dearer:
                await laptop.mutate(documents.CHECKOUT, {"input": {"version": change.item.version, "total": 299}})
            assert dearer.value.info["total"] == 300
            checkout = {"version": change.item.version, "total": 300, "clientMutationId": uuid.uuid4().hex}
            placed = (await laptop.mutate(documents.CHECKOUT, {"input": checkout}))["checkout"]
            again = (await phone.mutate(documents.CHECKOUT, {"input": checkout}))["checkout"]
            assert placed == again

            told: Any = await take(orders)
            assert (told.kind, told.key, told.item.status, told.item.total) == ("INSERT", placed["id"], "PENDING", 300)
            change = await take(cart)
            assert change.item.lines == []
        left = await phone.query(documents.PRODUCT_BY_ID, {"id": made["id"]})
        assert left["product"]["stock"] == 0
