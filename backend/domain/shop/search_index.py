"""What the search index keeps of a product: plain data, made from its title and its authors.

Two levels in the Search table, both found by their exact partition:

- **postings**: the products that have a word, with the texts that are compared. They are the product's own.
- **dictionary**: the words that have a gram (three characters in a row). It is shared by all products: it only grows,
  and its items are the same whoever writes them.

A query with errors in it finds its right words by themselves, and what the wrong ones may have been by their grams. So
a product costs a write per word; grams are only written for words that are new to the whole catalogue.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from domain.shop import product
from domain.table import Item, Key

MAX_TEXT = 256
"""Characters of a title, or of all authors, that can be found."""
MAX_WORDS = 24
"""Words by which a product is found."""
MAX_WORD = 24
"""Characters of a word that count."""
SHORT_WORD = 5
"""Words up to this length are also found by their two ends: three characters in a row are too much of them."""

_LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h", "ŧ": "t", "ـ": ""}
)
"""Letters that people leave a stroke out of, though Unicode does not take it for an accent; and the Arabic tatweel."""
_JOINED = frozenset("'’ʼ‘`´")
_COMMON = frozenset(
    re.findall(
        r"\w+",
        """the and for from with a an of to in on at by is it or der die das und von van les des une de la le un los las
        del el en al il lo ii iii iv vol volume book series part""",
    )
)
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u9fff\uf900-\ufaff]+")
"""Thai, Lao, Burmese, Khmer, Chinese and Japanese: written without blanks between words."""
_SERIES = re.compile(r"[(\[（【]([^()\[\]（）【】]*)[)\]）】]")


@dataclass(frozen=True)
class Texts:
    """What of a product is compared with a query, normalised: words with a blank between each."""

    title: str
    series: str  # what the title has in brackets
    authors: str


@lru_cache(4096)
def normalise(text: str) -> str:
    """Words in small letters without accents and punctuation, with one blank between each.

    An apostrophe joins (`Ender's` is `enders`), everything else that is no letter or digit parts.
    """
    decomposed = unicodedata.normalize("NFKD", text.casefold()).casefold().translate(_LETTERS)
    kept = (
        each if each.isalnum() else "" if each in _JOINED or unicodedata.category(each) == "Mn" else " "
        for each in decomposed
    )
    return " ".join("".join(kept).split())


def words(normalised: str) -> list[str]:
    """The words of a normalised text. Where a script has no blanks, each two characters in a row count as a word."""
    if normalised.isascii():
        return [word[:MAX_WORD] for word in normalised.split()]
    found: list[str] = []
    for word in normalised.split():
        start = 0
        for run in _UNSPACED.finditer(word):
            found += [word[start : run.start()]] if run.start() > start else []
            characters = run.group()
            found += [characters[at : at + 2] for at in range(max(1, len(characters) - 1))]
            start = run.end()
        found += [word[start:]] if start < len(word) else []
    return [word[:MAX_WORD] for word in found]


def is_common(word: str) -> bool:
    """Whether so many products have a word that it says little."""
    return word in _COMMON or (len(word) == 1 and word.isascii())


def texts_of(title: str, authors: Sequence[str]) -> Texts:
    """What is compared of a product: its title apart from what is in brackets, that, and the authors."""
    title = title[:MAX_TEXT]
    series = " ".join(_SERIES.findall(title))
    main = normalise(_SERIES.sub(" ", title))
    # A title that is all in brackets, or of punctuation alone, is what it is.
    return Texts(main or normalise(title), normalise(series) if main else "", normalise(" ".join(authors)[:MAX_TEXT]))


def found_by(texts: Texts) -> list[str]:
    """The words by which a product is found: common ones only when its title has hardly others."""
    title, rest = words(texts.title), words(texts.series) + words(texts.authors)
    telling = [word for word in title if not is_common(word)]
    chosen = telling if len(set(telling)) > 1 else title
    return list(dict.fromkeys(chosen + [word for word in rest if not is_common(word)]))[:MAX_WORDS]


def grams(word: str) -> list[str]:
    """The grams of a word in order, `^` and `$` standing for its ends; a short word has its two ends as one more."""
    ends = f"^{word}$"
    found = [ends[at : at + 3] for at in range(len(ends) - 2)]
    if 3 <= len(word) <= SHORT_WORD:
        found.append(f"{word[0]}~{word[-1]}")
    return list(dict.fromkeys(found))


def has_grams(word: str) -> bool:
    """Whether a word is in the dictionary: two characters of a script without blanks are found by their neighbours."""
    return not _UNSPACED.match(word)


def posting_pk(word: str) -> str:
    """The partition of the products that have a word."""
    return f"WORD#{word}"


def posting_sk(title_words: int, product_id: str) -> str:
    """The place of a product in it: short titles come first, because short queries mean those."""
    return f"{min(title_words, 99):02}#{product_id}"


def gram_pk(gram: str) -> str:
    """The partition of the words that have a gram."""
    return f"GRAM#{gram}"


def gram_sk(word: str) -> str:
    """The place of a word in it, so that words of about one length are together."""
    return f"{len(word):02}#{word}"


def items_of(product_id: str, item: Mapping[str, Any]) -> list[Item]:
    """The postings of a product, which are its own: they are removed when it has them no more.

    Args:
        product_id: its id.
        item: the product's item in the main table. What is missing or wrong counts as absent.
    """
    texts = _texts_of_item(product_id, item)
    sk = posting_sk(len(words(texts.title)), product_id)
    compared = {"t": texts.title, "s": texts.series or None, "a": texts.authors or None}
    compared = {name: text for name, text in compared.items() if text}
    return [{"pk": posting_pk(word), "sk": sk, **compared} for word in found_by(texts)]


def words_of(product_id: str, item: Mapping[str, Any]) -> list[str]:
    """The words of a product that must be in the dictionary before its postings are of use to those who misspell."""
    return [word for word in found_by(_texts_of_item(product_id, item)) if has_grams(word)]


def marker_key(word: str) -> Key:
    """The key of the item that is there when the whole word is in the dictionary."""
    return f"KNOWN#{word}", "KNOWN"


def dictionary_items(word: str) -> list[Item]:
    """A word's items in the dictionary, the marker last: shared by all products, never changed and never removed.

    Whoever finds the marker need not write them. The marker must not be written before the others are.
    """
    pk, sk = marker_key(word)
    return [{"pk": gram_pk(gram), "sk": gram_sk(word)} for gram in grams(word)] + [{"pk": pk, "sk": sk}]


def word_at(sk: str) -> str:
    """The word that the sort key of a dictionary's item names."""
    return sk[3:]


def product_at(sk: str) -> str:
    """The product that the sort key of a posting names."""
    return sk[3:]


def texts_at(posting: Mapping[str, Any]) -> Texts:
    """What is compared of a posting's product."""
    return Texts(posting.get("t", ""), posting.get("s", ""), posting.get("a", ""))


def _texts_of_item(product_id: str, item: Mapping[str, Any]) -> Texts:
    shown = product.from_item(product.key(product_id)[0], item)
    return texts_of(shown["title"], shown["authors"])


def spread(found: Sequence[str], most: int) -> tuple[list[str], list[str]]:
    """Up to `most` of a word's grams that overlap as little as possible, and the others.

    One error spoils up to four grams in a row, so that some far apart are as good as all.
    """
    if len(found) <= most:
        return list(found), []
    chosen = {round(place * (len(found) - 1) / (most - 1)) for place in range(most)}
    return [found[at] for at in sorted(chosen)], [gram for at, gram in enumerate(found) if at not in chosen]


def distinct(texts: Iterable[str]) -> list[str]:
    """Each text once, in the order of the first."""
    return list(dict.fromkeys(texts))
