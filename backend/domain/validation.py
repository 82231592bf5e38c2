"""The rules for what callers pass in, each named as the schema names its argument."""

import re
import unicodedata
from functools import lru_cache

from domain.errors import InvalidInput

MAX_ROOM_ID = 128
MAX_TEXT = 4000
MAX_SEARCH_TEXT = 256
MAX_AUTHOR = 64
MAX_ORIGINAL_TIME = 64
MAX_KEY_NAME = 64
MAX_CLIENT_MUTATION_ID = 128
MAX_CLIENT_ID = 128
MAX_MESSAGES = 90
MAX_BOOTSTRAP_ROOMS = 20
MAX_BACKLOG = 50  # messages of each room
MAX_SEQ = 2**31 - 1  # GraphQL's Int


def room_id(field: str, value: str) -> str:
    """A room's id. Raises InvalidInput."""
    return label(field, value, MAX_ROOM_ID)


def room_name(field: str, value: str) -> str:
    """What a room is called. Raises InvalidInput."""
    return label(field, value, MAX_AUTHOR)


@lru_cache(maxsize=1024)  # the publisher asks for each record
def names_room(value: str) -> bool:
    """Whether a text may be a room's id."""
    try:
        room_id("roomId", value)
    except InvalidInput:
        return False
    return True


def author(field: str, value: str) -> str:
    """A display name. Raises InvalidInput."""
    return label(field, value, MAX_AUTHOR)


def display_name(field: str, value: str) -> str:
    """What others are to call a user. Raises InvalidInput."""
    return label(field, value, MAX_AUTHOR)


def is_id(value: str) -> bool:
    """Whether a text may be an id that we, or Cognito, gave out: anything else is the id of nothing."""
    return re.fullmatch("[0-9A-Za-z-]{1,64}", value) is not None


def at_most(field: str, value: str, most: int) -> str:
    """A text of 0 to `most` characters. Raises InvalidInput."""
    if value:
        _length(field, value, most)
    return value


def key_name(field: str, value: str) -> str:
    """What operators call an auth key. Raises InvalidInput."""
    return label(field, value, MAX_KEY_NAME)


def label(field: str, value: str, most: int) -> str:
    """A text of one line that shows as it is: no control characters, nothing blank at either end. Raises InvalidInput.

    It has 1 to `most` characters.
    """
    _length(field, value, most)
    if value != value.strip():
        raise InvalidInput(field, "must not begin or end with a blank.")
    for position, character in enumerate(value):
        if unicodedata.category(character) in {"Cc", "Zl", "Zp"}:
            raise InvalidInput(field, f"has a control character at position {position}.")
    return value


def original_time(field: str, value: str) -> str:
    """The time of an imported message in its source. Raises InvalidInput."""
    return label(field, value, MAX_ORIGINAL_TIME)


def client_id(field: str, value: str) -> str:
    """A client's own id of itself in a room. Raises InvalidInput."""
    _length(field, value, MAX_CLIENT_ID)
    return value


def client_mutation_id(field: str, value: str) -> str:
    """A client's own id of a mutation. Raises InvalidInput."""
    _length(field, value, MAX_CLIENT_MUTATION_ID)
    return value


def text(field: str, value: str) -> str:
    """What a message says. Raises InvalidInput."""
    _length(field, value, MAX_TEXT)
    return value


def search_text(field: str, value: str) -> str:
    """What to search for, without blanks at either end. Raises InvalidInput."""
    trimmed = value.strip()
    _length(field, trimmed, MAX_SEARCH_TEXT)
    return trimmed


def limit(value: int | None, *, default: int, most: int, field: str = "limit", least: int = 1) -> int:
    """How many items of a list. Raises InvalidInput."""
    return default if value is None else between(field, value, least, most)


def between(field: str, value: int, least: int, most: int) -> int:
    """A number of a range, both ends included. Raises InvalidInput."""
    if not least <= value <= most:
        raise InvalidInput(field, f"must be {least} to {most}, not {value}.")
    return value


def _length(field: str, value: str, most: int) -> None:
    """1 to `most` characters, counted as Unicode code points, which must be encodable."""
    if not value:
        raise InvalidInput(field, "must not be empty.")
    if len(value) > most:
        raise InvalidInput(field, f"must have at most {most} characters, not {len(value)}.")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise InvalidInput(field, f"has half of a surrogate pair at position {error.start}.") from error
