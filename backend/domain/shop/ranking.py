"""How well a product matches a query: pure comparisons of normalised texts, from 0 to 1.

Two views of it, of which the better one counts most:

- as one text without blanks against the title, with and without what it has in brackets: errors anywhere, blanks too
  many or too few;
- word by word against title, brackets and authors: any order, words left out, a last word that is still being typed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rapidfuzz.distance import OSA

from domain.shop import search_index
from domain.shop.search_index import Texts

GOOD = 0.85
"""From here on a match is what was asked for, with an error or two at most."""
FAIR = 0.7
"""From here on it may be what was asked for."""
LOW = 0.6
"""Below this a match is a guess."""
LEAST = 0.5
"""Below this it is no match."""

_LESSER_WEIGHT = 0.1  # the view that is not the better one parts what else were equal
_COMMON_WEIGHT = 0.25
_TITLE_WEIGHT = 0.2
_SAME_WORD = 0.7
_ALIKE = 0.5  # words that are less are not


class Match(NamedTuple):
    """How a product matches a query."""

    score: float
    is_complete: bool  # it has every word of the query as it is


class Wanted:
    """A query, ready to be compared with many products."""

    def __init__(self, text: str) -> None:
        self.text = search_index.normalise(text)
        self.words = search_index.distinct(search_index.words(self.text))
        # Those who copy a title copy its brackets; without brackets all may be of the title.
        self.title = search_index.words(search_index.texts_of(text, []).title)
        self._joined = self.text.replace(" ", "")
        self._weights = [_weight(word) for word in self.words]
        self._whole = sum(self._weights)
        self._alike: dict[str, list[float]] = {}

    def match(self, texts: Texts) -> Match:
        """How well a product matches."""
        title, others = search_index.words(texts.title), search_index.words(f"{texts.series} {texts.authors}")
        if not self.words or not (title or others):
            return Match(0.0, is_complete=False)
        in_title = [self._alike_words(word) for word in title]
        found = [max(each) for each in zip(*in_title, *map(self._alike_words, others), strict=True)]
        by_words, as_text = self._by_words(title, in_title, found), self._as_text(texts)
        better, lesser = max(by_words, as_text), min(by_words, as_text)
        return Match(better * (1 - _LESSER_WEIGHT) + lesser * _LESSER_WEIGHT, is_complete=min(found) == 1)

    def _as_text(self, texts: Texts) -> float:
        title = texts.title.replace(" ", "")
        best = OSA.normalized_similarity(self._joined, title)
        if texts.series:
            best = max(best, OSA.normalized_similarity(self._joined, title + texts.series.replace(" ", "")))
        return best

    def _by_words(self, title: Sequence[str], in_title: Sequence[Sequence[float]], found: Sequence[float]) -> float:
        asked = sum(weight * each for weight, each in zip(self._weights, found, strict=True)) / self._whole
        weights = [_weight(word) for word in title]
        covered = sum(weight for weight, each in zip(weights, in_title, strict=True) if max(each) >= _SAME_WORD)
        return asked * (1 - _TITLE_WEIGHT + _TITLE_WEIGHT * covered / (sum(weights) or 1))

    def _alike_words(self, word: str) -> list[float]:
        """How much each word of the query is like a word of a product."""
        found = self._alike.get(word)
        if found is None:
            found = [
                # Words of which one is twice as long as the other need not be compared to be unlike.
                OSA.normalized_similarity(each, word, score_cutoff=_ALIKE)
                if len(each) <= 2 * len(word) and len(word) <= 2 * len(each)
                else 0.0
                for each in self.words
            ]
            last = self.words[-1]
            if word.startswith(last):
                found[-1] = max(found[-1], 0.85 + 0.15 * len(last) / len(word))
            self._alike[word] = found
        return found


def _weight(word: str) -> float:
    return _COMMON_WEIGHT if search_index.is_common(word) else min(len(word), 8) ** 0.5
