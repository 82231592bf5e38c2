"""What people type who look for a title: slips, words left out, half of it. Knows nothing of the search."""

from __future__ import annotations

import random
import re
import string
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_SERIES = re.compile(r"\s*[(\[][^()\[\]]*[)\]]")
_ACCENTS = {"a": "áàâä", "e": "éèêë", "i": "íîï", "o": "óôö", "u": "úùü", "n": "ñ", "c": "ç"}


@dataclass(frozen=True)
class Book:
    """A product to be found."""

    id: str
    title: str
    authors: Sequence[str]

    @property
    def short_title(self) -> str:
        """The title without what is in brackets."""
        return _SERIES.sub("", self.title).strip() or self.title


@dataclass(frozen=True)
class Query:
    """A text, and the product that whoever typed it wants."""

    kind: str
    text: str
    book: Book


def edit(text: str, rng: random.Random) -> str:
    """One character too many, too few, another, or two swapped; blanks are characters."""
    for _ in range(100):
        at = rng.randrange(len(text))
        letter = rng.choice(string.ascii_lowercase + (" " if rng.random() < 0.3 else ""))
        edited = rng.choice(
            [
                text[:at] + letter + text[at:],
                text[:at] + text[at + 1 :],
                text[:at] + letter + text[at + 1 :],
                text[:at] + text[at : at + 2][::-1] + text[at + 2 :],
            ]
        )
        if edited.strip() and edited != text:
            return edited
    return text


def blank(text: str, rng: random.Random) -> str:
    """A blank left out, or one too many within a word."""
    places = [at for at, each in enumerate(text) if each == " "]
    if places and rng.random() < 0.5:
        at = rng.choice(places)
        return text[:at] + text[at + 1 :]
    at = rng.randrange(1, max(2, len(text)))
    return f"{text[:at]} {text[at:]}"


def drop_word(text: str, rng: random.Random) -> str:
    """One word less; of a single word nothing."""
    words = text.split()
    if len(words) > 1:
        del words[rng.randrange(len(words))]
    return " ".join(words)


def swap_words(text: str, rng: random.Random) -> str:
    """Two neighbours in the wrong order."""
    words = text.split()
    if len(words) > 1:
        at = rng.randrange(len(words) - 1)
        words[at : at + 2] = words[at + 1], words[at]
    return " ".join(words)


def mix_words(text: str, rng: random.Random) -> str:
    """All words in any order."""
    words = text.split()
    rng.shuffle(words)
    return " ".join(words)


def as_it_is(text: str, rng: random.Random) -> str:
    """No slip."""
    del rng
    return text


def strip_accents(text: str, rng: random.Random) -> str:
    """No accents."""
    del rng
    return "".join(each for each in unicodedata.normalize("NFKD", text) if not unicodedata.combining(each))


def add_accent(text: str, rng: random.Random) -> str:
    """An accent where there is none."""
    places = [at for at, each in enumerate(text) if each in _ACCENTS]
    if not places:
        return text
    at = rng.choice(places)
    return text[:at] + rng.choice(_ACCENTS[text[at]]) + text[at + 1 :]


def twice(change: Callable[[str, random.Random], str]) -> Callable[[str, random.Random], str]:
    """The same slip once more."""
    return lambda text, rng: change(change(text, rng), rng)


def case(text: str, rng: random.Random) -> str:
    """All large, all small, or the wrong way round."""
    return rng.choice([text.upper(), text.lower(), text.swapcase()])


SLIPS: dict[str, Callable[[str, random.Random], str]] = {
    "as it is": as_it_is,
    "one edit": edit,
    "two edits": twice(edit),
    "blank": blank,
    "dropped word": drop_word,
    "swapped words": swap_words,
    "mixed order": mix_words,
    "dropped word, one edit": lambda text, rng: edit(drop_word(text, rng), rng),
    "swapped words, one edit": lambda text, rng: edit(swap_words(text, rng), rng),
    "no accents": strip_accents,
    "added accent": add_accent,
    "case": case,
}


def misspellings(books: Sequence[Book], seed: int, per_kind: int) -> list[Query]:
    """`per_kind` queries of each kind of slip, of titles with and without what is in brackets.

    A word is dropped only of titles that have more than two: of `The Stand` would be left what says nothing.
    """
    rng = random.Random(seed)
    bracketed = [book for book in books if book.short_title != book.title]
    found: list[Query] = []
    for name, slip in SLIPS.items():
        for form, chosen_from in (("short", books), ("with series", bracketed)):
            for _ in range(per_kind):
                book = rng.choice(chosen_from)
                while "dropped" in name and len(book.short_title.split()) < 3:
                    book = rng.choice(chosen_from)
                text = book.short_title if form == "short" else book.title
                found.append(Query(f"{name}, {form}", slip(text, rng)[:256].strip() or text, book))
    return found


def unfinished(books: Sequence[Book], seed: int, count: int) -> list[Query]:
    """Titles of which the last word is being typed."""
    rng = random.Random(seed)
    found: list[Query] = []
    while len(found) < count:
        book = rng.choice(books)
        words = book.short_title.split()
        if len(words) > 1 and len(words[-1]) > 3:
            found.append(
                Query("unfinished", " ".join([*words[:-1], words[-1][: rng.randint(2, len(words[-1]) - 1)]]), book)
            )
    return found


def with_author(books: Sequence[Book], seed: int, count: int) -> list[Query]:
    """The author's last name and the longest word of the title, in either order."""
    rng = random.Random(seed)
    found: list[Query] = []
    for book in rng.choices(books, k=count):
        words = [book.authors[0].split()[-1], max(book.short_title.split(), key=len)]
        rng.shuffle(words)
        found.append(Query("author and word", " ".join(words).lower(), book))
    return found


def nonsense(seed: int, count: int) -> list[str]:
    """Texts that are no words."""
    rng = random.Random(seed)
    return [
        " ".join("".join(rng.choices(string.ascii_lowercase, k=rng.randint(3, 10))) for _ in range(rng.randint(1, 4)))
        for _ in range(count)
    ]
