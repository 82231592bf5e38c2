"""The routes of the shop and of users: what of the use cases plain HTTP offers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast

from domain import rights, users
from domain.caller import Caller
from domain.clock import Clock
from domain.errors import InvalidInput, NotFound
from domain.shop import carts, category_tree, listing, product, search
from domain.shop.cart import Cart
from domain.shop.carts import Carts
from domain.shop.category_tree import CategoryTree
from domain.shop.listing import Lists
from domain.shop.product import Product
from domain.shop.search import Search
from domain.threads import Threads
from domain.users import Users
from rest.face import KEYS, USERS, Route
from rest.product_query import as_asked, product_filter
from rest.shapes import CallingKey, CallingUser, ProductList, User

Sort = Literal[
    "PRICE_ASC", "PRICE_DESC", "RATING_DESC", "RATING_ASC", "TITLE_ASC", "TITLE_DESC", "NEWEST", "OLDEST"
]  # fmt: skip


@dataclass(frozen=True)
class Shop:
    """What the routes of the shop stand on."""

    lists: Lists
    search: Search
    carts: Carts
    threads: Threads
    clock: Clock


def get_products(
    shop: Shop,
    caller: Caller,
    *,
    category: str | None = None,
    search: str | None = None,
    sort: Sort | None = None,
    limit: int | None = None,
    nextToken: str | None = None,  # noqa: N803 - the parameter's name
    minPrice: int | None = None,  # noqa: N803
    maxPrice: int | None = None,  # noqa: N803
    minRating: float | None = None,  # noqa: N803
    maxRating: float | None = None,  # noqa: N803
    yearFrom: int | None = None,  # noqa: N803
    yearTo: int | None = None,  # noqa: N803
    author: str | None = None,
    language: str | None = None,
    title: str | None = None,
    inStock: bool | None = None,  # noqa: N803
    filter: str | None = None,  # noqa: A002 - the parameter's name
) -> ProductList:
    """A page of products, or the best matches of a text.

    Raises:
        Unauthorized, InvalidInput, InvalidPageToken: the caller, the parameters.
        TableError: a table did not answer.
    """
    given = locals()
    wanted = product_filter(given)
    try:
        if search is not None:
            for name in ("category", "sort", "nextToken"):
                if given[name] is not None:
                    raise InvalidInput(name, "cannot be combined with search.")
            return _found(shop, caller, search, wanted, limit)
        items, token = listing.products(
            shop.lists, caller, category=category, filter=wanted, sort=sort, limit=limit, next_token=nextToken,
            now_ms=shop.clock.now_ms(),
        )  # fmt: skip
    except InvalidInput as error:
        raise as_asked(error, given) from None
    return {"items": items, "nextToken": token, "scores": None}


def _found(
    shop: Shop, caller: Caller, text: str, wanted: dict[str, object] | None, limit: int | None
) -> ProductList:  # fmt: skip
    matches = search.search_products(shop.search, caller, text=text, filter=wanted, limit=limit)
    return {
        "items": [each["product"] for each in matches],
        "nextToken": None,
        "scores": [each["score"] for each in matches],
    }


def get_product(shop: Shop, caller: Caller, *, productId: str) -> Product:  # noqa: N803 - the parameter's name
    """A product.

    Raises:
        Unauthorized: the caller may not see it.
        NotFound: there is none.
        TableError: the table did not answer.
    """
    rights.require(caller, "Query.product")
    key = product.key(productId)
    item = shop.lists.table.get(key, shop.clock.now_ms() // 1000) if product.is_id(productId) else None
    if item is None:
        raise NotFound("productId")
    return product.from_item(key[0], item)


def get_categories(
    shop: Shop,
    caller: Caller,
    *,
    parent: str | None = None,
    depth: int | None = None,
    limit: int | None = None,
    nextToken: str | None = None,  # noqa: N803 - the parameter's name
) -> CategoryTree:
    """The tree of categories, or what is below one.

    Raises:
        Unauthorized, InvalidInput, InvalidPageToken: the caller, the parameters.
        TableError: the table did not answer.
    """
    return category_tree.read(
        shop.lists.table, caller, shop.threads, parent=parent, depth=depth, limit=limit, next_token=nextToken,
        now_ms=shop.clock.now_ms(),
    )  # fmt: skip


def get_cart(shop: Shop, caller: Caller) -> Cart:
    """The user's own cart.

    Raises:
        Unauthorized: the caller has none.
        NotFound: nothing is in it.
        TableError: the table did not answer.
    """
    found = carts.find(shop.carts, caller)
    if found is None:
        raise NotFound("user")
    return found


def get_calling_user(users: Users, caller: Caller) -> CallingUser:
    """Who the token is of."""
    del users
    return {"id": caller.id, "name": caller.name, "groups": sorted(caller.groups)}


def get_user(here: Users, caller: Caller, *, userId: str) -> User:  # noqa: N803 - the parameter's name
    """A user: oneself, and for operators anyone.

    Raises:
        Unauthorized: another user, and the caller is no operator.
        NotFound: there is none.
        TryAgain, TableError: the pool or the table did not answer.
    """
    found = users.user(here, caller, id=userId)
    if found is None:
        raise NotFound("userId")
    return cast("User", found)


def get_calling_key(users: Users, caller: Caller) -> CallingKey:
    """Which auth key was shown."""
    del users
    return {"keyId": caller.id, "name": caller.name, "scopes": sorted(scope.value for scope in caller.scopes)}


_PAGES = {"limit": "How many, 1 to 100.", "nextToken": "Of the page before, which had the same other parameters."}

SHOP = (
    Route(
        "/products",
        get_products,
        "A page of products, or the best matches of a text",
        KEYS,
        {
            "category": "The category that they are in, or one below it.",
            "search": "What to look for, in any order and with errors. Without category, sort and nextToken.",
            "sort": "Their order; TITLE_ASC when nothing is said.",
            **_PAGES,
            "minPrice": "The least price in cents.",
            "maxPrice": "The highest price in cents.",
            "minRating": "The least rating, 0 to 5.",
            "maxRating": "The highest rating, 0 to 5.",
            "yearFrom": "The first year of publication.",
            "yearTo": "The last year of publication.",
            "author": "One of the authors, exactly.",
            "language": "The language, exactly.",
            "title": "A part of the title, as it is written there.",
            "inStock": "Whether some are in stock.",
            "filter": "A ProductFilterInput of the GraphQL schema, as JSON; together with the others.",
        },
        kept=True,
    ),
    Route("/products/<productId>", get_product, "A product", KEYS, {"productId": "Its id."}, kept=True),
    Route(
        "/categories",
        get_categories,
        "The tree of categories",
        KEYS,
        {
            "parent": "The category whose children are wanted; the roots without it.",
            "depth": "How many levels, 1 to 8; all when nothing is said.",
            **_PAGES,
        },
        kept=True,
    ),
    Route("/cart", get_cart, "The user's own cart", USERS),
)

CALLERS = (
    Route("/user", get_calling_user, "Who the token is of", USERS),
    Route("/user/<userId>", get_user, "A user: oneself; for operators anyone", USERS, {"userId": "Their id."}),
    Route("/whoami", get_calling_key, "Which auth key was shown", KEYS),
)
