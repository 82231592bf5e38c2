"""How deep a value may be nested, whatever Python's recursion limit happens to be."""

from __future__ import annotations

import re
from typing import Any

MAX_LEVELS = 200  # of variables and of what is encoded without orjson, whose own limit is 254

_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]')


def deeper_than(value: Any, levels: int) -> bool:
    """Whether lists and objects of a JSON value are nested in more than `levels` levels."""
    layer = [value]
    for _ in range(levels + 1):
        containers = [item for item in layer if isinstance(item, dict | list | tuple)]
        if not containers:
            return False
        layer = [inner for item in containers for inner in (item.values() if isinstance(item, dict) else item)]
    return True


def text_deeper_than(text: str, levels: int) -> bool:
    """The same of a JSON text that has not been read yet."""
    depth = 0
    for match in _BRACKETS.finditer(text):
        if match[0] in "[{":
            depth += 1
            if depth > levels:
                return True
        elif match[0] in "]}":
            depth -= 1
    return False
