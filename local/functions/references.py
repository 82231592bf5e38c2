"""Function names as Lambda's API takes them: name, partial ARN, full ARN, each with an optional qualifier."""

from __future__ import annotations

import re
from typing import NamedTuple

from local.functions.errors import FunctionNotFound

LATEST = "$LATEST"

# https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html, FunctionName
_PATTERN = re.compile(
    r"(?:arn:aws[\w-]*:lambda:(?P<region>[\w-]+):(?P<account>\d{12}):function:|(?:(?P<partial>\d{12}):function:))?"
    r"(?P<name>[\w-]+)(?::(?P<qualifier>\$LATEST|[\w-]+))?"
)


class FunctionReference(NamedTuple):
    """A function's name and what of it is meant: `$LATEST`, a version number or an alias."""

    name: str
    qualifier: str = LATEST


def parse(reference: str) -> FunctionReference:
    """Read a function reference.

    Raises:
        FunctionNotFound: it is none.
    """
    match = _PATTERN.fullmatch(reference)
    if match is None:
        raise FunctionNotFound(f"Function not found: {reference}")
    return FunctionReference(match["name"], match["qualifier"] or LATEST)
