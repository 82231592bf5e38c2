"""What no log may hold: credentials, and what tells who a person is. It goes out of any value before it is written.

By the names of members (`password`, `authorization`, `email`), and by how it looks wherever it stands in a text: in the
message of an exception, an address, a header. Ids of users and rooms stay: without them a log explains nothing.
What people write to each other has no such look; nothing of this backend logs it.

Every pattern is linear in the length of the text, and a text is cut first: whoever sends it cannot make it expensive.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

MAX_TEXT = 16_000
_MAX_DEPTH = 12

_CREDENTIALS = (
    "access_?token|api_?key|auth_?key|authorization|client_?secret|confirmation_?code|cookie|credential|id_?token|"
    "passw(?:or)?d|pepper|refresh_?token|secret|secret_?access_?key|secret_?hash|secret_?string|session_?token|"
    "set-?cookie|signature|token|x-amz-(?:credential|security-token|signature)|x-api-key|x-auth-key"
)
_PERSONAL = "e-?mail|phone_?number|source_?ip|x-forwarded-for"
_NAME = re.compile(f"(?:{_CREDENTIALS}|{_PERSONAL})", re.IGNORECASE)

# Each with what takes its place.
_LOOKS: tuple[tuple[re.Pattern[str], str], ...] = (
    # A JWT has three parts, an encrypted one five; a cut one is as good as whole until it is shown otherwise.
    (re.compile(r"\beyJ[\w-]{10,}(?:\.[\w-]*){0,4}", re.ASCII), "[token]"),
    (re.compile(r"\b(bearer|basic)\s{1,4}[\w.~+/=-]{8,}", re.IGNORECASE | re.ASCII), r"\1 [token]"),
    (re.compile(r"\bda2-[a-z0-9]{26}\b"), "[api key]"),
    (re.compile(r"\b(hwk_[0-9A-Z]{26})_[\w-]{8,}", re.ASCII), r"\1_[secret]"),
    (re.compile(r"\b(guest-[\w-]{6})[\w-]{26}", re.ASCII), r"\1[secret]"),
    (re.compile(r"\bA(?:KIA|SIA)[A-Z0-9]{16}\b"), "[access key]"),
    # In an address or a header (`token=...`), and in the text of a dictionary (`"token": "..."`).
    (re.compile(rf"\b({_CREDENTIALS})=[^&\s\"',;]+", re.IGNORECASE), r"\1=[secret]"),
    (
        re.compile(
            rf"""(["'])({_CREDENTIALS}|{_PERSONAL})\1(\s{{0,4}}:\s{{0,4}})(?:"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?)""",
            re.IGNORECASE | re.DOTALL,
        ),
        r'\1\2\1\3"[redacted]"',
    ),
    (re.compile(r"(?<![\w.%+-])[\w.%+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}"), "[e-mail]"),
    (re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?!\.?\d)"), "[address]"),
    (re.compile(r"(?<![\w:])(?:[0-9a-f]{1,4}:){4,7}[0-9a-f]{1,4}(?![\w:])", re.IGNORECASE | re.ASCII), "[address]"),
    (re.compile(r"(?<!\w)\+\d{8,15}\b", re.ASCII), "[phone]"),
)


def redacted(value: Any, depth: int = 0) -> Any:
    """A value with nothing in it that no log may hold. What JSON does not know becomes text."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if depth > _MAX_DEPTH:
        return "[too deep]"
    if isinstance(value, Mapping):
        return {
            redacted_text(str(name)): "[redacted]" if _NAME.fullmatch(str(name)) else redacted(member, depth + 1)
            for name, member in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [redacted(member, depth + 1) for member in value]
    return redacted_text(str(value))


def redacted_text(text: str) -> str:
    """A text with placeholders in it, cut when it is long."""
    shown = text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}... ({len(text)} characters)"
    for look, placeholder in _LOOKS:
        shown = look.sub(placeholder, shown)
    return shown
