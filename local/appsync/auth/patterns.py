"""Wildcards and policy variables of IAM policies."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

Context = Mapping[str, str | list[str]]
"""The request context of an evaluation: lower-case condition keys such as `aws:sourceip` and their values."""

_VARIABLE = re.compile(r"\$\{([^}]*)\}")
# Private use characters carry escaped wildcards (`${*}`) and values with wildcards from `substitute` to `wildcard`.
_LITERAL = {"*": "\ue000", "?": "\ue001", "$": "$"}
_TRANSLATED = {"*": ".*", "?": ".", "\ue000": r"\*", "\ue001": r"\?"}
_NO_VALUE = "\uffff"


@lru_cache(maxsize=4096)
def wildcard(text: str, *, ignore_case: bool = False) -> re.Pattern[str]:
    """The pattern of a text in which `*` stands for any text and `?` for any one character."""
    translated = "".join(_TRANSLATED.get(char) or re.escape(char) for char in text)
    return re.compile(translated, re.DOTALL | (re.IGNORECASE if ignore_case else 0))


def substitute(text: str, context: Context) -> str:
    """Replace policy variables such as `${aws:username}`; one without a value makes the text match nothing."""
    if "${" not in text:
        return text

    def value(match: re.Match[str]) -> str:
        name, _, default = match.group(1).partition(",")
        if name in _LITERAL:
            return _LITERAL[name]
        found = context.get(name.strip().lower())
        if isinstance(found, str):
            return found.replace("*", _LITERAL["*"]).replace("?", _LITERAL["?"])
        return default.strip(" '") if default else _NO_VALUE

    return _VARIABLE.sub(value, text)


def plain(text: str) -> str:
    """The text that a substituted one stands for where wildcards have no meaning (`StringEquals`)."""
    return text.replace(_LITERAL["*"], "*").replace(_LITERAL["?"], "?")
