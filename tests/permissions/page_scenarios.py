"""The page of a product, which fails in part without any right of its sources."""

from __future__ import annotations

from tests.permissions.scenarios import SECONDS
from tests.permissions.shop_scenarios import CREATE, _book, _shelf
from tests.permissions.world import World
from tests.stack.instance import eventually

PAGE = """query ($id: ID!) { productPage(id: $id) {
    product { id } related { id } prices { currency } viewRecorded
} }"""


def show_page(world: World) -> None:
    """Anyone sees a product, another one of its category, prices, and is seen to see them."""
    seller = world.user("sellers")
    shelf = _shelf(world, seller)
    one, other = (world.run(CREATE, seller, input=_book(shelf))["createProduct"]["id"] for _ in range(2))

    def is_whole() -> bool:
        page = world.run(PAGE, id=one)["productPage"]
        shown = page["product"] == {"id": one} and page["viewRecorded"] is True and bool(page["prices"])
        return shown and page["related"] == [{"id": other}]

    assert eventually(is_whole, SECONDS)
