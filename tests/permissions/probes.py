"""The probes: scenarios, the roles whose rights they stand and fall with, and the tests of the suite that do the same.

What a probe only sets off is not its own: a message that is sent is pushed by the publisher, but sending succeeds
without.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.permissions import cart_scenarios as carts
from tests.permissions import index_scenarios as index
from tests.permissions import order_scenarios as orders
from tests.permissions import page_scenarios as page
from tests.permissions import scenarios as use
from tests.permissions import shop_scenarios as shop
from tests.permissions.world import World

KEPT = frozenset({"ssm:GetParameter", "secretsmanager:GetSecretValue"})
"""What a container reads once and keeps: which probe was the first to make it read says nothing. Who cannot read the
secret fails; who cannot read the parameter goes on with what the code has, so that only who meets a limit notices."""

PUSHING = frozenset({"appsync:GraphQL"})
"""What comes later in the stream waits for what cannot be pushed, whether or not there was anything at the time."""

SETTING, SECRET = frozenset({"ssm:GetParameter"}), frozenset({"secretsmanager:GetSecretValue"})


@dataclass(frozen=True)
class Probe:
    """A scenario, the roles that it needs, the tests like it, and what it needs besides what it is seen to use."""

    run: Callable[[World], None]
    roles: frozenset[str]
    tests: str
    kept: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """The scenario's name."""
        return self.run.__name__


def _probe(run: Callable[[World], None], roles: tuple[str, ...], tests: str, *kept: frozenset[str]) -> Probe:
    return Probe(run, frozenset(roles), f"tests/{tests}.py", frozenset().union(*kept))


_CHAT = ("ChatRole", "ChatDataSourceRole")
_USERS = ("UsersRole", "UsersDataSourceRole")
_KEYS = ("AuthKeysRole", "AuthKeysDataSourceRole")
_CHANNELS = ("ChannelsRole", "ChannelsDataSourceRole")
_PRESENCE = ("PresenceRole", "PresenceDataSourceRole")
_ORDERS = ("OrdersRole", "OrdersDataSourceRole")
_SHOP, _CATALOGUE = ("ShopRole", "ShopDataSourceRole"), ("CatalogueDataSourceRole",)
_PAGE = ("ProductPageRole", "PageProductsDataSourceRole", "PageRelatedDataSourceRole", "PageEventsDataSourceRole")
_ROOMS, _PUBLISHER = ("RoomsDataSourceRole",), ("PublishRole",)

PROBES = (
    _probe(use.limit_messages, _CHAT, "stack/test_limits", SETTING),
    _probe(use.limit_profile_changes, _USERS, "stack/test_limits", SETTING),
    _probe(use.limit_auth_keys, _KEYS, "stack/test_limits", SETTING, SECRET),
    _probe(use.limit_clients, _CHANNELS, "stack/test_limits", SETTING),
    _probe(use.limit_presence, _PRESENCE, "stack/test_limits", SETTING),
    _probe(use.send, _CHAT, "stack/test_live_chat"),
    _probe(use.send_as_user, _CHAT, "stack/test_users"),
    _probe(use.send_again, _CHAT, "stack/test_limits"),
    _probe(use.read, _CHAT, "stack/test_live_chat"),
    _probe(use.show_room, _ROOMS, "stack/test_live_chat"),
    _probe(use.list_rooms, _ROOMS, "stack/test_private_rooms"),
    _probe(use.push, (*_CHAT, *_PUBLISHER), "stack/test_publishing"),
    _probe(use.catch_up, _CHAT, "stack/test_enumeration"),
    _probe(use.catch_up_what_was_said, (*_CHAT, *_PUBLISHER), "stack/test_publishing"),
    _probe(use.private_room, _CHAT, "stack/test_private_rooms"),
    _probe(use.my_memberships, _CHAT, "stack/test_private_rooms"),
    _probe(use.show_private_room, (*_CHAT, *_ROOMS), "stack/test_private_rooms"),
    _probe(use.end_by_hand, (*_CHAT, *_PUBLISHER), "stack/test_private_rooms"),
    _probe(use.me, _USERS, "stack/test_users"),
    _probe(use.update_profile, _USERS, "stack/test_users"),
    _probe(use.profile_push, (*_USERS, *_PUBLISHER), "stack/test_users"),
    _probe(use.profile_catch_up, (*_USERS, *_PUBLISHER), "stack/test_users"),
    _probe(use.user_changes, _USERS, "stack/test_users"),
    _probe(use.list_users, _USERS, "stack/test_users"),
    _probe(use.set_groups, _USERS, "stack/test_users"),
    _probe(use.sign_out, _USERS, "stack/test_users"),
    _probe(use.delete_user, (*_CHAT, *_USERS), "stack/test_users"),
    _probe(use.delete_member, (*_CHAT, *_USERS), "stack/test_private_rooms"),
    _probe(use.delete_operator, (*_KEYS, *_USERS), "stack/test_rest", SECRET),
    _probe(use.auth_key, _KEYS, "stack/test_rest", SECRET),
    _probe(use.use_auth_key, (*_KEYS, *_ROOMS, "AuthorizerRole"), "stack/test_rest", SECRET),
    _probe(use.revoke_by_hand, (*_KEYS, *_CHAT, *_PUBLISHER, "AuthorizerRole"), "stack/test_rest", SECRET),
    _probe(use.web_session, ("SessionRole",), "stack/test_rest"),
    _probe(use.web_user, ("RestRole",), "stack/test_rest_shop"),
    _probe(use.web_shop, (*_KEYS, "RestRole", "AuthorizerRole"), "stack/test_rest_shop", SECRET),
    _probe(use.search, (*_SHOP, "ProjectRole"), "stack/test_search"),
    _probe(use.web_key, (*_KEYS, "AuthorizerRole"), "attacks/test_http_api", SECRET),
    _probe(use.legacy, ("LegacyRole",), "stack/test_legacy", SETTING),
    _probe(use.sign_up, ("CreateProfileRole",), "stack/test_users"),
    _probe(use.register_client, (*_CHANNELS, *_USERS), "stack/test_channels"),
    _probe(use.client_catch_up, (*_CHANNELS, *_PUBLISHER), "stack/test_channels"),
    _probe(use.notices, _CHANNELS, "stack/test_channels"),
    _probe(use.presence, _PRESENCE, "backend/domain/test_presence_chain"),
    _probe(use.presence_in_private, (*_CHAT, *_PRESENCE), "backend/domain/test_presence_chain"),
    _probe(use.presence_catch_up, (*_PRESENCE, *_PUBLISHER), "backend/domain/test_presence_chain"),
    _probe(
        use.presence_of_the_silent,
        (*_PRESENCE, *_PUBLISHER, "ExpirePresenceRole"),
        "backend/domain/test_presence_chain",
    ),
    _probe(use.presence_too_large_to_push, (*_PRESENCE, *_PUBLISHER), "backend/domain/test_presence_chain"),
    _probe(shop.limit_sellers, _SHOP, "stack/test_limits", SETTING),
    _probe(shop.sell, _SHOP, "stack/test_shop"),
    _probe(shop.show_product, (*_SHOP, *_CATALOGUE), "stack/test_shop"),
    _probe(shop.list_products, (*_SHOP, "ProjectRole"), "stack/test_product_lists"),
    _probe(page.show_page, (*_PAGE, "ProjectRole"), "stack/test_product_page"),
    _probe(shop.product_catch_up, (*_SHOP, *_PUBLISHER), "stack/test_shop"),
    _probe(carts.limit_carts, _ORDERS, "stack/test_limits", SETTING),
    _probe(carts.cart, _ORDERS, "stack/test_carts"),
    _probe(carts.guests_cart, (*_ORDERS, *_CHANNELS), "stack/test_carts"),
    _probe(carts.cart_catch_up, (*_ORDERS, *_PUBLISHER), "stack/test_carts"),
    _probe(carts.carts_expire, ("ExpireCartsRole",), "stack/test_carts"),
    _probe(orders.order, _ORDERS, "stack/test_orders"),
    _probe(orders.order_catch_up, (*_ORDERS, *_PUBLISHER), "stack/test_orders"),
    _probe(index.index_product, ("ProjectRole",), "stack/test_projection"),
    _probe(index.tell_of_order, ("ProjectRole",), "stack/test_projection"),
    _probe(use.park, _PUBLISHER, "stack/test_redrive_cli", PUSHING),
)
