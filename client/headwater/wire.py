"""What the generated types rest on: how AppSync's scalars, enums and inputs become Python's and go back.

    | AppSync       | Python             | note                                                                  |
    |---------------|--------------------|-----------------------------------------------------------------------|
    | AWSDateTime   | aware `datetime`   | to microseconds; a naive one is refused                               |
    | AWSDate       | `date`             | an offset, which AWSDate may have, is dropped: a `date` has none      |
    | AWSTime       | `time`             | aware when it has an offset                                           |
    | AWSTimestamp  | aware `datetime`   | whole seconds since 1970, in UTC                                      |
    | AWSJSON       | the parsed value   | text on the wire                                                      |
    | the rest      | `str`              | AWSURL, AWSEmail, AWSPhone, AWSIPAddress: the server checks them      |

An old client understands a newer server: members that it does not know are ignored, and an enum value that it does not
know is a member of its own, equal to its text.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, time
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, PlainSerializer
from pydantic.alias_generators import to_camel

__all__ = ["AWSJSON", "AWSDate", "AWSDateTime", "AWSTime", "AWSTimestamp", "Model", "OpenEnum", "parse_json"]

# A date with the offset that AWSDate allows: 2026-01-01Z, 2026-01-01+05:30.
# https://docs.aws.amazon.com/appsync/latest/devguide/scalars.html
_DATE_WITH_OFFSET = re.compile(r"(\d{4}-\d{2}-\d{2})(?:Z|[+-]\d{2}:\d{2}(?::\d{2})?)")


class OpenEnum(StrEnum):
    """An enum that takes values which its schema did not have yet when it was generated."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str):
            return None
        # Not kept: a server must not be able to fill our memory with values.
        member = str.__new__(cls, value)
        member._name_ = value
        member._value_ = value
        return member

    @property
    def is_known(self) -> bool:
        """False for a value that this client's schema does not have."""
        return self._value_ in type(self)._value2member_map_


class Model(BaseModel):
    """What all generated types have in common: Python's names in code, the schema's on the wire, and no assignment."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        frozen=True,
        extra="ignore",
        protected_namespaces=(),
        # Built when first used: an import costs next to nothing, however many types there are.
        defer_build=True,
    )

    def to_wire(self) -> dict[str, Any]:
        """As GraphQL variables take it: what was not given is left out, what was given as None is null."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)


def _without_offset(value: object) -> object:
    match = _DATE_WITH_OFFSET.fullmatch(value) if isinstance(value, str) else None
    return match[1] if match else value


def _from_seconds(value: object) -> object:
    try:
        return datetime.fromtimestamp(value, UTC) if isinstance(value, int) else value
    except (OverflowError, OSError) as error:  # AppSync's range is wider than Python's years 1 to 9999
        raise ValueError(f"{value} seconds are no year of a datetime") from error


def _to_seconds(value: datetime) -> int:
    return int(value.timestamp() // 1)


def parse_json(value: object) -> object:
    """What an AWSJSON of an answer says. In an input a text is a text, so that only answers are parsed."""
    return json.loads(value) if isinstance(value, str) else value


def _to_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


AWSDateTime = AwareDatetime
AWSDate = Annotated[date, BeforeValidator(_without_offset)]
AWSTime = time
AWSTimestamp = Annotated[AwareDatetime, BeforeValidator(_from_seconds), PlainSerializer(_to_seconds)]
AWSJSON = Annotated[Any, PlainSerializer(_to_json)]  # with `parse_json` before it in answers
