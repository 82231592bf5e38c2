"""Reading an IRC log: bytes in, messages and counts out. No I/O.

    [03:14] <ada> hello                said
    [03:15]  * ada waves               done: kept as the text `* ada waves`
    === ada has left #harbour          a service line: counted, not a message

Bytes that are not UTF-8 are read as Windows-1252, which IRC clients of the time sent, each for itself, so that the rest
of the line keeps its letters. What fits none of the forms is counted with its line number, never dropped silently.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field

MAX_TEXT_LENGTH = 4000  # what the schema takes; longer texts are split

_CONTROL = {"Cc", "Zl", "Zp"}
_TIME = rb"\[(?P<time>\d\d:\d\d(?::\d\d)?)\]"
_SAID = re.compile(rb"^%b <[ @+%%&~]?(?P<nick>[^\s>\x00-\x1f]{1,64}) ?> ?(?P<text>.*)$" % _TIME, re.DOTALL)
_DONE = re.compile(rb"^%b +(?P<text>\* (?P<nick>[^\s\x00-\x1f]{1,64})(?: .*)?)$" % _TIME, re.DOTALL)
_SERVICE = re.compile(rb"^(?:%b )?===" % _TIME)


@dataclass(frozen=True, slots=True)
class Entry:
    """One message to send: who said what when, and on which line (from 1) of the file it stands."""

    line: int
    author: str
    text: str
    time: str


@dataclass
class Log:
    """A log that was read. Every line is in exactly one of said, done, service, blank, empty and unknown."""

    entries: list[Entry] = field(default_factory=list)
    lines: int = 0
    said: int = 0
    done: int = 0
    service: int = 0
    blank: int = 0
    empty: list[int] = field(default_factory=list)  # the numbers of lines that say nothing
    unknown: list[int] = field(default_factory=list)  # the numbers of lines of no known form
    undecodable_bytes: int = 0
    split_texts: int = 0  # over-long texts, which became several entries


def parse(data: bytes, *, max_text_length: int = MAX_TEXT_LENGTH) -> Log:
    """Read a log of any length, also one that is no log: then everything is `unknown`."""
    log = Log()
    for number, raw in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        line = raw.removesuffix(b"\r")
        if not line.strip():
            log.blank += 1
        elif _SERVICE.match(line):
            log.service += 1
        elif match := _SAID.match(line):
            log.said += _add(log, number, match, max_text_length)
        elif match := _DONE.match(line):
            log.done += _add(log, number, match, max_text_length)
        else:
            log.unknown.append(number)
    log.lines = number
    if not data or data.endswith(b"\n"):  # what follows the last line's end is no line
        log.lines -= 1
        log.blank -= 1
    return log


def _add(log: Log, number: int, match: re.Match[bytes], max_text_length: int) -> bool:
    author, strange_in_author = decode(match["nick"])
    if author != author.strip() or any(unicodedata.category(character) in _CONTROL for character in author):
        log.unknown.append(number)  # the API takes no such name
        return False
    text, strange_in_text = decode(match["text"])
    log.undecodable_bytes += strange_in_author + strange_in_text
    if not text.strip():
        log.empty.append(number)
        return False
    parts = split(text, max_text_length)
    log.split_texts += len(parts) > 1
    time = match["time"].decode("ascii")
    log.entries += [Entry(number, author, part, time) for part in parts]
    return True


def decode(data: bytes) -> tuple[str, int]:
    """The text, and how many bytes of it were not UTF-8."""
    parts: list[str] = []
    strange = 0
    while data:
        try:
            parts.append(data.decode("utf-8"))
            break
        except UnicodeDecodeError as error:
            parts.append(data[: error.start].decode("utf-8"))
            parts.append(data[error.start : error.end].decode("cp1252", "replace"))
            strange += error.end - error.start
            data = data[error.end :]
    return "".join(parts), strange


def split(text: str, max_length: int) -> list[str]:
    """The text in parts of at most `max_length` characters, between words where there are any; joined by a blank or by
    nothing they are the text again. No part is blank."""
    parts: list[str] = []
    while len(text) > max_length:
        cut = text.rfind(" ", 1, max_length + 1)
        if cut <= 0 or not text[:cut].strip() or not text[cut + 1 :].strip():
            parts.append(text[:max_length])
            text = text[max_length:]
        else:
            parts.append(text[:cut])
            text = text[cut + 1 :]
    return [part for part in [*parts, text] if part.strip()]
