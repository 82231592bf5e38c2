# Generated from client/operations by `python -m tools.client_types`; do not edit.

from __future__ import annotations

from pydantic import Field

from headwater.wire import AWSJSON

from .base_model import BaseModel
from .enums import Scope


class ProductFilterInput(BaseModel):
    """Which products: those for which everything here holds. At most 50 comparisons and 50 parts of `and`
    and `or`, nested up to five deep. A missing value meets `ne` only, and what `not` inverts. What is
    null is as if it were left out."""

    price: IntFilterInput | None = None
    rating: FloatFilterInput | None = None
    year: IntFilterInput | None = None
    stock: IntFilterInput | None = None
    author: TextFilterInput | None = None
    language: TextFilterInput | None = None
    title: TextFilterInput | None = None
    and_: list[ProductFilterInput] | None = Field(alias="and", default=None)
    or_: list[ProductFilterInput] | None = Field(alias="or", default=None)
    not_: ProductFilterInput | None = Field(alias="not", default=None)


class IntFilterInput(BaseModel):
    """Comparisons of a whole number; all that are given must hold."""

    eq: int | None = None
    ne: int | None = None
    lt: int | None = None
    le: int | None = None
    gt: int | None = None
    ge: int | None = None
    between: list[int] | None = None
    in_: list[int] | None = Field(alias="in", default=None)


class FloatFilterInput(BaseModel):
    """Comparisons of a number; all that are given must hold."""

    eq: float | None = None
    ne: float | None = None
    lt: float | None = None
    le: float | None = None
    gt: float | None = None
    ge: float | None = None
    between: list[float] | None = None
    in_: list[float] | None = Field(alias="in", default=None)


class TextFilterInput(BaseModel):
    """Comparisons of a text, where case counts; all that are given must hold. Each text has at most 256
    characters."""

    eq: str | None = None
    ne: str | None = None
    in_: list[str] | None = Field(alias="in", default=None)
    contains: str | None = None
    begins_with: str | None = None


class CreateRoomInput(BaseModel):
    """A room to make."""

    id: str | None = None
    name: str | None = None
    private: bool | None = None
    client_mutation_id: str | None = None


class SendMessageInput(BaseModel):
    """A message to send. Its id and time are the server's."""

    room_id: str
    text: str
    author: str | None = None
    original_time: str | None = None
    client_mutation_id: str | None = None


class SendMessagesInput(BaseModel):
    """Messages to send to one room together."""

    room_id: str
    messages: list[NewMessageInput]
    client_mutation_id: str | None = None


class NewMessageInput(BaseModel):
    """One of several messages to send."""

    text: str
    author: str | None = None
    original_time: str | None = None


class JoinRoomInput(BaseModel):
    """A client that comes into a room."""

    room_id: str
    client_id: str
    name: str | None = None
    client_mutation_id: str | None = None


class HeartbeatInput(BaseModel):
    """A client that is still there."""

    room_id: str
    client_id: str
    client_mutation_id: str | None = None


class LeaveRoomInput(BaseModel):
    """A client that goes."""

    room_id: str
    client_id: str
    client_mutation_id: str | None = None


class CreateCategoryInput(BaseModel):
    """A category to make."""

    id: str
    name: str
    parent: str | None = None
    client_mutation_id: str | None = None


class CreateProductInput(BaseModel):
    """A product to make."""

    id: str | None = None
    title: str
    authors: list[str] | None = None
    category: str
    description: str | None = None
    price: int
    stock: int | None = None
    rating: float | None = None
    ratings_count: int | None = None
    year: int | None = None
    language: str | None = None
    isbn: str | None = None
    image_url: str | None = None
    client_mutation_id: str | None = None


class UpdateProductInput(BaseModel):
    """What to change of a product."""

    id: str
    version: int
    title: str | None = None
    authors: list[str] | None = None
    category: str | None = None
    description: str | None = None
    rating: float | None = None
    ratings_count: int | None = None
    year: int | None = None
    language: str | None = None
    isbn: str | None = None
    image_url: str | None = None
    client_mutation_id: str | None = None


class SetPriceInput(BaseModel):
    """A price to set."""

    id: str
    price: int
    version: int
    client_mutation_id: str | None = None


class ChangeStockInput(BaseModel):
    """A change of what there is of a product."""

    id: str
    by: int
    client_mutation_id: str | None = None


class DeleteProductInput(BaseModel):
    """A product to remove."""

    id: str
    version: int
    client_mutation_id: str | None = None


class CheckoutInput(BaseModel):
    """What to order."""

    version: int
    total: int | None = None
    client_mutation_id: str | None = None


class UpdateProfileInput(BaseModel):
    """What to change of the signed-in user's profile. What is omitted stays."""

    display_name: str | None = None
    attributes: list[ProfileAttributeInput] | None = None
    version: int | None = None
    client_mutation_id: str | None = None


class ProfileAttributeInput(BaseModel):
    """An attribute of a profile."""

    name: str
    value: str


class RegisterClientInput(BaseModel):
    """A client to register."""

    client_id: str | None = None
    lease: str | None = None
    client_mutation_id: str | None = None


class NotifyInput(BaseModel):
    """A notice to send, to a user or to a client."""

    user_id: str | None = None
    client_id: str | None = None
    kind: str
    data: AWSJSON | None = None
    expires_in_seconds: int | None = None
    client_mutation_id: str | None = None


class CreateAuthKeyInput(BaseModel):
    """What a new key is for."""

    name: str
    scopes: list[Scope]
    valid_days: int | None = None
    client_mutation_id: str | None = None


class AddToCartInput(BaseModel):
    """Pieces of a product to put into a cart."""

    product_id: str
    quantity: int | None = 1
    version: int | None = None
    client_id: str | None = None
    client_mutation_id: str | None = None


class ChangeCartLineInput(BaseModel):
    """Another number of pieces of a product in a cart."""

    product_id: str
    quantity: int
    version: int
    client_id: str | None = None
    client_mutation_id: str | None = None


class RemoveFromCartInput(BaseModel):
    """A product to take out of a cart."""

    product_id: str
    version: int
    client_id: str | None = None
    client_mutation_id: str | None = None


class MergeCartInput(BaseModel):
    """A guest's cart to take over."""

    client_id: str
    client_mutation_id: str | None = None
