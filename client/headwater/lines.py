"""What the command prints: a JSON line, or one for people. Texts of strangers cannot steer the terminal."""

from __future__ import annotations

import json
import sys
import unicodedata
from typing import Any

from headwater.changes import Change
from headwater.generated.fragments import Message
from headwater.wire import Model

# Control characters, among them ESC, and those that turn the direction of a line.
_STEERING = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_MARKS = {"INSERT": "+", "MODIFY": "~", "REMOVE": "-"}
_STYLES = {"INSERT": "green", "MODIFY": "yellow", "REMOVE": "red"}


def printable(text: str) -> str:
    """The text with what would steer a terminal written as escapes. Joiners of emoji are no such thing."""
    return "".join(
        each
        if each == "\u200d" or unicodedata.category(each) not in _STEERING
        else each.encode("unicode_escape").decode()
        for each in text
    )


def write_json(value: Any) -> None:
    """One line of JSON, at once."""
    _write(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def write(text: str, style: str | None = None) -> None:
    """One line for people: with a colour where `rich` is there and a terminal shows it."""
    if style is not None and sys.stdout.isatty() and (console := _console()) is not None:
        console.print(text, style=style, markup=False, highlight=False, soft_wrap=True, emoji=False)
    else:
        _write(text)


def write_change(change: Change[Any]) -> None:
    """A change, for people."""
    at = change.at.astimezone().strftime("%H:%M:%S")
    write(printable(f"{change.seq:>6} {at} {_MARKS[change.kind]} {_content(change)}"), _STYLES[change.kind])


def wire(item: Model | None) -> dict[str, Any] | None:
    """An item in the API's shape."""
    return None if item is None else item.model_dump(mode="json", by_alias=True)


def _content(change: Change[Any]) -> str:
    item = change.item
    if item is None:
        return f"{change.key} (too large, and gone since)" if change.truncated else change.key
    if isinstance(item, Message):
        return f"{item.author}: {item.text}"
    return f"{change.key} {json.dumps(wire(item), ensure_ascii=False)}"


def _write(text: str) -> None:
    # Not print: a line of several writers stays whole.
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _console() -> Any:
    try:
        from rich.console import Console
    except ImportError:
        return None
    return Console()
