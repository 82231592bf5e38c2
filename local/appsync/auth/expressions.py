"""The regular expressions in an API's authorization settings. AppSync's are Java's; those common to both work here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from local.errors import NotEmulated


class Expression:
    """An optional expression of a provider's settings; without one everything matches.

    The whole value has to match, as with Java's `String.matches`; AWS does not say whether a part would do.
    Raises NotEmulated for an expression that Python does not have.
    """

    def __init__(self, settings: Mapping[str, Any], name: str) -> None:
        text = settings.get(name)
        try:
            self._pattern = re.compile(str(text)) if text else None
        except re.error as error:
            raise NotEmulated(f"{name} {text!r}", f"it is no regular expression of Python: {error}") from error

    def matches(self, values: Iterable[str]) -> bool:
        """Whether one of the values matches."""
        return self._pattern is None or any(self._pattern.fullmatch(value) for value in values)
