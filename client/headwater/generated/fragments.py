# Generated from client/operations by `python -m tools.client_types`; do not edit.

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from headwater.wire import AWSJSON, AWSDateTime, parse_json

from .base_model import BaseModel
from .enums import ChangeKind, OrderStatus, Scope, Standing


class AuthKey(BaseModel):
    """A key of a program, as operators see it: never the key itself."""

    id: str
    name: str
    scopes: list[Scope]
    created_at: AWSDateTime
    created_by: str
    valid_until: AWSDateTime
    revoked_at: AWSDateTime | None = Field(default=None)


class Client(BaseModel):
    """One device or tab, as it is registered."""

    id: str
    lease: str
    valid_until: AWSDateTime


class Message(BaseModel):
    """One message of a room."""

    id: str
    room_id: str
    author: str
    text: str
    sent_at: AWSDateTime
    version: int
    original_time: str | None = Field(default=None)


class Notice(BaseModel):
    """What a client, or all clients of a user, were told. It is there until its receiver dismisses it or
    it expires."""

    id: str
    kind: str
    data: Annotated[AWSJSON, BeforeValidator(parse_json)]
    sent_at: AWSDateTime
    expires_at: AWSDateTime | None = Field(default=None)


class NoticeConnection(BaseModel):
    """A page of notices."""

    topic: str
    items: list[Notice]
    head_seq: int
    next_token: str | None = Field(default=None)


class Room(BaseModel):
    """A place for messages. The first message creates a public one; it goes when its last message has
    expired. A private one is made by its owner, and stays as long as it has members."""

    id: str
    name: str | None = Field(default=None)
    private: bool
    created_at: AWSDateTime


class Bootstrap(BaseModel):
    """What a client needs at its start."""

    client: Client
    features: BootstrapFeatures
    rooms: list[BootstrapRooms]
    memberships_next_token: str | None = Field(default=None)
    user_notices: NoticeConnection | None = Field(default=None)
    client_notices: NoticeConnection


class BootstrapFeatures(BaseModel):
    api_version: int
    topics: list[str]
    flags: list[str]
    retention_seconds: int
    heartbeat_seconds: int
    limits: BootstrapFeaturesLimits


class BootstrapFeaturesLimits(BaseModel):
    message_characters: int
    messages: int
    room_id_characters: int
    changes: int
    notice_bytes: int
    bootstrap_rooms: int
    bootstrap_backlog: int


class BootstrapRooms(BaseModel):
    room_id: str
    room: Room | None = Field(default=None)
    standing: Standing | None = Field(default=None)
    head_seq: int | None = Field(default=None)
    messages: BootstrapRoomsMessages | None = Field(default=None)
    problem: BootstrapRoomsProblem | None = Field(default=None)


class BootstrapRoomsMessages(BaseModel):
    items: list[Message]
    next_token: str | None = Field(default=None)


class BootstrapRoomsProblem(BaseModel):
    error_type: str
    message: str


class Cart(BaseModel):
    """What somebody is about to buy. It is kept for `CartHours`, a parameter, from its last change on."""

    id: str
    lines: list[CartLines]
    total: int
    currency: str
    version: int
    updated_at: AWSDateTime
    expires_at: AWSDateTime | None = Field(default=None)


class CartLines(BaseModel):
    product_id: str
    title: str
    quantity: int
    price: int
    added_at: AWSDateTime


class CartChange(BaseModel):
    """One change of a cart. Of several in quick succession only the last may be told."""

    seq: int
    event_id: str
    kind: ChangeKind
    at: AWSDateTime
    trace_id: str | None = Field(default=None)
    key: str
    truncated: bool
    cart: Cart | None = Field(default=None)


class Category(BaseModel):
    """A place for products, in a tree of such places. It holds what is in those below it too."""

    id: str
    name: str
    parent: str | None = Field(default=None)
    path: list[str]


class Product(BaseModel):
    """Something to buy. Without a price it cannot be bought."""

    id: str
    title: str
    authors: list[str]
    category: str | None = Field(default=None)
    path: list[str]
    description: str | None = Field(default=None)
    price: int | None = Field(default=None)
    currency: str
    stock: int
    rating: float | None = Field(default=None)
    ratings_count: int | None = Field(default=None)
    year: int | None = Field(default=None)
    language: str | None = Field(default=None)
    isbn: str | None = Field(default=None)
    image_url: str | None = Field(default=None)
    derived: list[str]
    version: int
    created_at: AWSDateTime
    updated_at: AWSDateTime


class CategoryChange(BaseModel):
    """One change of one product of a category. Of several in quick succession only the last may be told."""

    seq: int
    event_id: str
    kind: ChangeKind
    at: AWSDateTime
    trace_id: str | None = Field(default=None)
    key: str
    truncated: bool
    product: Product | None = Field(default=None)


class ClientChange(BaseModel):
    """One change of one notice to a client."""

    seq: int
    event_id: str
    kind: ChangeKind
    at: AWSDateTime
    trace_id: str | None = Field(default=None)
    key: str
    truncated: bool
    notice: Notice | None = Field(default=None)


class Member(BaseModel):
    """A user of a private room, as its members see them."""

    user_id: str
    display_name: str
    standing: Standing
    since: AWSDateTime


class Membership(BaseModel):
    """One of the signed-in user's private rooms."""

    room: Room
    standing: Standing
    since: AWSDateTime


class MembershipEnd(BaseModel):
    """A membership that is no more."""

    room_id: str
    user_id: str


class MessageChange(BaseModel):
    """One change of one message."""

    seq: int
    event_id: str
    kind: ChangeKind
    at: AWSDateTime
    trace_id: str | None = Field(default=None)
    key: str
    truncated: bool
    message: Message | None = Field(default=None)


class ShopOrder(BaseModel):
    """What a user buys in the shop (`Order` is how a list is ordered). A new one is `PENDING` until a
    workflow confirms or rejects it."""

    id: str
    status: OrderStatus
    lines: list[ShopOrderLines]
    total: int
    currency: str
    placed_at: AWSDateTime
    version: int


class ShopOrderLines(BaseModel):
    product_id: str
    title: str
    quantity: int
    price: int


class OrderChange(BaseModel):
    """One change of one order. Of several in quick succession only the last may be told."""

    seq: int
    event_id: str
    kind: ChangeKind
    at: AWSDateTime
    trace_id: str | None = Field(default=None)
    key: str
    truncated: bool
    order: ShopOrder | None = Field(default=None)


class Presence(BaseModel):
    """Someone present in a room on one device. Clients show those as grey who are `absent`, and whose
    `lastSeen` is older than `greyAfterSeconds`: then nothing is heard of them, nor of the server's not
    hearing of them."""

    id: str
    room_id: str
    user_id: str | None = Field(default=None)
    name: str
    joined_at: AWSDateTime
    last_seen: AWSDateTime
    absent: bool


class PresenceChange(BaseModel):
    """One change of one presence. Of several in quick succession only the last may be told."""

    seq: int
    event_id: str
    kind: ChangeKind
    at: AWSDateTime
    trace_id: str | None = Field(default=None)
    key: str
    truncated: bool
    presence: Presence | None = Field(default=None)


class ProductChange(BaseModel):
    """One change of a product. Of several in quick succession only the last may be told."""

    seq: int
    event_id: str
    kind: ChangeKind
    at: AWSDateTime
    trace_id: str | None = Field(default=None)
    key: str
    truncated: bool
    product: Product | None = Field(default=None)


class ProfileAttribute(BaseModel):
    """One of the things that applications keep with a user."""

    name: str
    value: str


class Profile(BaseModel):
    """What a user says of themselves."""

    id: str
    display_name: str
    attributes: list[ProfileAttribute]
    created_at: AWSDateTime
    updated_at: AWSDateTime
    version: int


class User(BaseModel):
    """A user as the user and operators see them. It is never pushed."""

    id: str
    name: str
    email: str | None = Field(default=None)
    groups: list[str]
    status: str
    enabled: bool
    created_at: AWSDateTime
    deleted_at: AWSDateTime | None = Field(default=None)
    profile: Profile


class UserChange(BaseModel):
    """One change of a profile or of a notice. Of several of a profile in quick succession only the last
    may be told."""

    seq: int
    event_id: str
    kind: ChangeKind
    at: AWSDateTime
    trace_id: str | None = Field(default=None)
    key: str
    truncated: bool
    profile: Profile | None = Field(default=None)
    notice: Notice | None = Field(default=None)
