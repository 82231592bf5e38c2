# Generated from client/operations by `python -m tools.client_types`; do not edit.

"""The types of the stored operations. A module is imported when one of its names is first asked for."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headwater.generated.accept_invitation import AcceptInvitation as AcceptInvitation
    from headwater.generated.add_to_cart import AddToCart as AddToCart
    from headwater.generated.auth_keys import AuthKeys as AuthKeys
    from headwater.generated.cart_changes import CartChanges as CartChanges
    from headwater.generated.cart_head import CartHead as CartHead
    from headwater.generated.categories import Categories as Categories
    from headwater.generated.category_changes import CategoryChanges as CategoryChanges
    from headwater.generated.category_head import CategoryHead as CategoryHead
    from headwater.generated.category_products import CategoryProducts as CategoryProducts
    from headwater.generated.change_cart_line import ChangeCartLine as ChangeCartLine
    from headwater.generated.change_stock import ChangeStock as ChangeStock
    from headwater.generated.checkout import Checkout as Checkout
    from headwater.generated.client_changes import ClientChanges as ClientChanges
    from headwater.generated.client_head import ClientHead as ClientHead
    from headwater.generated.create_auth_key import CreateAuthKey as CreateAuthKey
    from headwater.generated.create_category import CreateCategory as CreateCategory
    from headwater.generated.create_product import CreateProduct as CreateProduct
    from headwater.generated.create_room import CreateRoom as CreateRoom
    from headwater.generated.delete_product import DeleteProduct as DeleteProduct
    from headwater.generated.delete_user import DeleteUser as DeleteUser
    from headwater.generated.disconnect_user import DisconnectUser as DisconnectUser
    from headwater.generated.dismiss_notice import DismissNotice as DismissNotice
    from headwater.generated.enums import ChangeKind as ChangeKind
    from headwater.generated.enums import Order as Order
    from headwater.generated.enums import OrderStatus as OrderStatus
    from headwater.generated.enums import ProductSort as ProductSort
    from headwater.generated.enums import Scope as Scope
    from headwater.generated.enums import Standing as Standing
    from headwater.generated.expel_member import ExpelMember as ExpelMember
    from headwater.generated.fragments import AuthKey as AuthKey
    from headwater.generated.fragments import Bootstrap as Bootstrap
    from headwater.generated.fragments import BootstrapFeatures as BootstrapFeatures
    from headwater.generated.fragments import BootstrapFeaturesLimits as BootstrapFeaturesLimits
    from headwater.generated.fragments import BootstrapRooms as BootstrapRooms
    from headwater.generated.fragments import BootstrapRoomsMessages as BootstrapRoomsMessages
    from headwater.generated.fragments import BootstrapRoomsProblem as BootstrapRoomsProblem
    from headwater.generated.fragments import Cart as Cart
    from headwater.generated.fragments import CartChange as CartChange
    from headwater.generated.fragments import CartLines as CartLines
    from headwater.generated.fragments import Category as Category
    from headwater.generated.fragments import CategoryChange as CategoryChange
    from headwater.generated.fragments import Client as Client
    from headwater.generated.fragments import ClientChange as ClientChange
    from headwater.generated.fragments import Member as Member
    from headwater.generated.fragments import Membership as Membership
    from headwater.generated.fragments import MembershipEnd as MembershipEnd
    from headwater.generated.fragments import Message as Message
    from headwater.generated.fragments import MessageChange as MessageChange
    from headwater.generated.fragments import Notice as Notice
    from headwater.generated.fragments import NoticeConnection as NoticeConnection
    from headwater.generated.fragments import OrderChange as OrderChange
    from headwater.generated.fragments import Presence as Presence
    from headwater.generated.fragments import PresenceChange as PresenceChange
    from headwater.generated.fragments import Product as Product
    from headwater.generated.fragments import ProductChange as ProductChange
    from headwater.generated.fragments import Profile as Profile
    from headwater.generated.fragments import ProfileAttribute as ProfileAttribute
    from headwater.generated.fragments import Room as Room
    from headwater.generated.fragments import ShopOrder as ShopOrder
    from headwater.generated.fragments import ShopOrderLines as ShopOrderLines
    from headwater.generated.fragments import User as User
    from headwater.generated.fragments import UserChange as UserChange
    from headwater.generated.get_bootstrap import GetBootstrap as GetBootstrap
    from headwater.generated.get_cart import GetCart as GetCart
    from headwater.generated.heartbeat import Heartbeat as Heartbeat
    from headwater.generated.input_types import AddToCartInput as AddToCartInput
    from headwater.generated.input_types import ChangeCartLineInput as ChangeCartLineInput
    from headwater.generated.input_types import ChangeStockInput as ChangeStockInput
    from headwater.generated.input_types import CheckoutInput as CheckoutInput
    from headwater.generated.input_types import CreateAuthKeyInput as CreateAuthKeyInput
    from headwater.generated.input_types import CreateCategoryInput as CreateCategoryInput
    from headwater.generated.input_types import CreateProductInput as CreateProductInput
    from headwater.generated.input_types import CreateRoomInput as CreateRoomInput
    from headwater.generated.input_types import DeleteProductInput as DeleteProductInput
    from headwater.generated.input_types import FloatFilterInput as FloatFilterInput
    from headwater.generated.input_types import HeartbeatInput as HeartbeatInput
    from headwater.generated.input_types import IntFilterInput as IntFilterInput
    from headwater.generated.input_types import JoinRoomInput as JoinRoomInput
    from headwater.generated.input_types import LeaveRoomInput as LeaveRoomInput
    from headwater.generated.input_types import MergeCartInput as MergeCartInput
    from headwater.generated.input_types import NewMessageInput as NewMessageInput
    from headwater.generated.input_types import NotifyInput as NotifyInput
    from headwater.generated.input_types import ProductFilterInput as ProductFilterInput
    from headwater.generated.input_types import ProfileAttributeInput as ProfileAttributeInput
    from headwater.generated.input_types import RegisterClientInput as RegisterClientInput
    from headwater.generated.input_types import RemoveFromCartInput as RemoveFromCartInput
    from headwater.generated.input_types import SendMessageInput as SendMessageInput
    from headwater.generated.input_types import SendMessagesInput as SendMessagesInput
    from headwater.generated.input_types import SetPriceInput as SetPriceInput
    from headwater.generated.input_types import TextFilterInput as TextFilterInput
    from headwater.generated.input_types import UpdateProductInput as UpdateProductInput
    from headwater.generated.input_types import UpdateProfileInput as UpdateProfileInput
    from headwater.generated.invite_member import InviteMember as InviteMember
    from headwater.generated.join_room import JoinRoom as JoinRoom
    from headwater.generated.leave_room import LeaveRoom as LeaveRoom
    from headwater.generated.me import Me as Me
    from headwater.generated.members import Members as Members
    from headwater.generated.memberships import Memberships as Memberships
    from headwater.generated.merge_cart import MergeCart as MergeCart
    from headwater.generated.message_changes import MessageChanges as MessageChanges
    from headwater.generated.message_head import MessageHead as MessageHead
    from headwater.generated.messages import Messages as Messages
    from headwater.generated.notices import Notices as Notices
    from headwater.generated.notify import Notify as Notify
    from headwater.generated.on_cart import OnCart as OnCart
    from headwater.generated.on_category import OnCategory as OnCategory
    from headwater.generated.on_client import OnClient as OnClient
    from headwater.generated.on_messages import OnMessages as OnMessages
    from headwater.generated.on_order import OnOrder as OnOrder
    from headwater.generated.on_presence import OnPresence as OnPresence
    from headwater.generated.on_product import OnProduct as OnProduct
    from headwater.generated.on_user import OnUser as OnUser
    from headwater.generated.order_by_id import OrderById as OrderById
    from headwater.generated.order_changes import OrderChanges as OrderChanges
    from headwater.generated.order_head import OrderHead as OrderHead
    from headwater.generated.orders import Orders as Orders
    from headwater.generated.presence_changes import PresenceChanges as PresenceChanges
    from headwater.generated.presence_head import PresenceHead as PresenceHead
    from headwater.generated.presences import Presences as Presences
    from headwater.generated.product_by_id import ProductById as ProductById
    from headwater.generated.product_changes import ProductChanges as ProductChanges
    from headwater.generated.product_head import ProductHead as ProductHead
    from headwater.generated.products import Products as Products
    from headwater.generated.register_client import RegisterClient as RegisterClient
    from headwater.generated.remove_from_cart import RemoveFromCart as RemoveFromCart
    from headwater.generated.resign_membership import ResignMembership as ResignMembership
    from headwater.generated.revoke_auth_key import RevokeAuthKey as RevokeAuthKey
    from headwater.generated.room_by_id import RoomById as RoomById
    from headwater.generated.rooms import Rooms as Rooms
    from headwater.generated.search_products import SearchProducts as SearchProducts
    from headwater.generated.send_message import SendMessage as SendMessage
    from headwater.generated.send_messages import SendMessages as SendMessages
    from headwater.generated.set_price import SetPrice as SetPrice
    from headwater.generated.set_user_groups import SetUserGroups as SetUserGroups
    from headwater.generated.sign_out import SignOut as SignOut
    from headwater.generated.start_client import StartClient as StartClient
    from headwater.generated.update_product import UpdateProduct as UpdateProduct
    from headwater.generated.update_profile import UpdateProfile as UpdateProfile
    from headwater.generated.user_by_id import UserById as UserById
    from headwater.generated.user_changes import UserChanges as UserChanges
    from headwater.generated.user_head import UserHead as UserHead
    from headwater.generated.users import Users as Users

_HOMES = {
    "AcceptInvitation": "accept_invitation",
    "AddToCart": "add_to_cart",
    "AddToCartInput": "input_types",
    "AuthKey": "fragments",
    "AuthKeys": "auth_keys",
    "Bootstrap": "fragments",
    "BootstrapFeatures": "fragments",
    "BootstrapFeaturesLimits": "fragments",
    "BootstrapRooms": "fragments",
    "BootstrapRoomsMessages": "fragments",
    "BootstrapRoomsProblem": "fragments",
    "Cart": "fragments",
    "CartChange": "fragments",
    "CartChanges": "cart_changes",
    "CartHead": "cart_head",
    "CartLines": "fragments",
    "Categories": "categories",
    "Category": "fragments",
    "CategoryChange": "fragments",
    "CategoryChanges": "category_changes",
    "CategoryHead": "category_head",
    "CategoryProducts": "category_products",
    "ChangeCartLine": "change_cart_line",
    "ChangeCartLineInput": "input_types",
    "ChangeKind": "enums",
    "ChangeStock": "change_stock",
    "ChangeStockInput": "input_types",
    "Checkout": "checkout",
    "CheckoutInput": "input_types",
    "Client": "fragments",
    "ClientChange": "fragments",
    "ClientChanges": "client_changes",
    "ClientHead": "client_head",
    "CreateAuthKey": "create_auth_key",
    "CreateAuthKeyInput": "input_types",
    "CreateCategory": "create_category",
    "CreateCategoryInput": "input_types",
    "CreateProduct": "create_product",
    "CreateProductInput": "input_types",
    "CreateRoom": "create_room",
    "CreateRoomInput": "input_types",
    "DeleteProduct": "delete_product",
    "DeleteProductInput": "input_types",
    "DeleteUser": "delete_user",
    "DisconnectUser": "disconnect_user",
    "DismissNotice": "dismiss_notice",
    "ExpelMember": "expel_member",
    "FloatFilterInput": "input_types",
    "GetBootstrap": "get_bootstrap",
    "GetCart": "get_cart",
    "Heartbeat": "heartbeat",
    "HeartbeatInput": "input_types",
    "IntFilterInput": "input_types",
    "InviteMember": "invite_member",
    "JoinRoom": "join_room",
    "JoinRoomInput": "input_types",
    "LeaveRoom": "leave_room",
    "LeaveRoomInput": "input_types",
    "Me": "me",
    "Member": "fragments",
    "Members": "members",
    "Membership": "fragments",
    "MembershipEnd": "fragments",
    "Memberships": "memberships",
    "MergeCart": "merge_cart",
    "MergeCartInput": "input_types",
    "Message": "fragments",
    "MessageChange": "fragments",
    "MessageChanges": "message_changes",
    "MessageHead": "message_head",
    "Messages": "messages",
    "NewMessageInput": "input_types",
    "Notice": "fragments",
    "NoticeConnection": "fragments",
    "Notices": "notices",
    "Notify": "notify",
    "NotifyInput": "input_types",
    "OnCart": "on_cart",
    "OnCategory": "on_category",
    "OnClient": "on_client",
    "OnMessages": "on_messages",
    "OnOrder": "on_order",
    "OnPresence": "on_presence",
    "OnProduct": "on_product",
    "OnUser": "on_user",
    "Order": "enums",
    "OrderById": "order_by_id",
    "OrderChange": "fragments",
    "OrderChanges": "order_changes",
    "OrderHead": "order_head",
    "OrderStatus": "enums",
    "Orders": "orders",
    "Presence": "fragments",
    "PresenceChange": "fragments",
    "PresenceChanges": "presence_changes",
    "PresenceHead": "presence_head",
    "Presences": "presences",
    "Product": "fragments",
    "ProductById": "product_by_id",
    "ProductChange": "fragments",
    "ProductChanges": "product_changes",
    "ProductFilterInput": "input_types",
    "ProductHead": "product_head",
    "ProductSort": "enums",
    "Products": "products",
    "Profile": "fragments",
    "ProfileAttribute": "fragments",
    "ProfileAttributeInput": "input_types",
    "RegisterClient": "register_client",
    "RegisterClientInput": "input_types",
    "RemoveFromCart": "remove_from_cart",
    "RemoveFromCartInput": "input_types",
    "ResignMembership": "resign_membership",
    "RevokeAuthKey": "revoke_auth_key",
    "Room": "fragments",
    "RoomById": "room_by_id",
    "Rooms": "rooms",
    "Scope": "enums",
    "SearchProducts": "search_products",
    "SendMessage": "send_message",
    "SendMessageInput": "input_types",
    "SendMessages": "send_messages",
    "SendMessagesInput": "input_types",
    "SetPrice": "set_price",
    "SetPriceInput": "input_types",
    "SetUserGroups": "set_user_groups",
    "ShopOrder": "fragments",
    "ShopOrderLines": "fragments",
    "SignOut": "sign_out",
    "Standing": "enums",
    "StartClient": "start_client",
    "TextFilterInput": "input_types",
    "UpdateProduct": "update_product",
    "UpdateProductInput": "input_types",
    "UpdateProfile": "update_profile",
    "UpdateProfileInput": "input_types",
    "User": "fragments",
    "UserById": "user_by_id",
    "UserChange": "fragments",
    "UserChanges": "user_changes",
    "UserHead": "user_head",
    "Users": "users",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(_HOMES)
