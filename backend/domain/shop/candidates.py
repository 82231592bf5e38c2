"""What of the search index a query reads: a bounded number of items, however large the catalogue is.

1. The products that have its words as they are: of three words, then of the others.
2. If none of them is what was meant: words of the dictionary that the longest unknown one may have been, and the
   products of those. One word that is put right is enough as a rule.
3. The same for the other unknown words.
4. If there is still nothing good: the grams that were left out, words that are known but may be wrong ones, and two
   words as one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice, pairwise

from rapidfuzz.distance import OSA

from domain.shop import ranking, search_index
from domain.shop.ranking import Wanted
from domain.table import Item, Table
from domain.threads import Threads

MAX_WORDS = 8
"""Words of a query that are looked up: those that say most, the longest first. All of them count in the ranking."""
FIRST_WORDS = 3
"""Words that are looked up at first: one that is right and rare is enough."""
POSTINGS = 100
"""Products of a word, the ones with the shortest titles."""
MAX_AGAIN = 3
"""Words with more products, of which as many again are read, with titles as long as the query."""
MAX_SUSPECTS = 4
"""Words of a query that may be misspelled."""
FIRST_GRAMS = 3
"""Grams of each that are read at first; the others only if those did not help."""
MAX_LATER_GRAMS = 12
DICTIONARY = 150
"""Words with a gram, the shortest first."""
MAX_CORRECTIONS = 5
"""Words from the dictionary whose products are read, each time."""
MAX_JOINED = 2
"""Neighbours that are also looked up as one word."""

_MAX_LOOKED_UP = MAX_WORDS + MAX_JOINED + 3 * MAX_CORRECTIONS + 5 * MAX_AGAIN  # in five steps
_MAX_ASKED = MAX_SUSPECTS * FIRST_GRAMS + MAX_LATER_GRAMS
MAX_REQUESTS = _MAX_LOOKED_UP + _MAX_ASKED
"""Queries of the index that a search makes at most; nearly all make less than 20."""
MAX_ITEMS = POSTINGS * _MAX_LOOKED_UP + DICTIONARY * _MAX_ASKED
"""Items of the index that a search reads at most, each of them small."""

_SPLIT_FROM = 6  # letters of a word that may be two
_NEAR = 0.5
_LAST = "~"  # behind all digits


@dataclass
class Suspect:
    """A word of a query that may be misspelled, and the words of the dictionary that it may have been."""

    word: str
    unfinished: bool  # it is the last one, and may be still being typed
    first: Sequence[str]  # grams
    later: Sequence[str]  # grams that are left out at first
    found: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, word: str, *, unfinished: bool) -> Suspect:
        """A word of a query."""
        return cls(word, unfinished, *search_index.spread(search_index.grams(word), FIRST_GRAMS))

    def lengths(self) -> tuple[int, int]:
        """How many characters the words that are meant can have."""
        size = len(self.word)
        shortest = 3 if size >= _SPLIT_FROM else max(1, size - 2)
        return shortest, search_index.MAX_WORD if self.unfinished else size + 2

    def corrections(self, count: int) -> list[str]:
        """The likeliest of the words that were found: where some are near, none that are far."""
        parts = self._parts()
        unlike = sorted((_NEAR if each in parts else self._unlike(each), each) for each in self.found)
        furthest = max(_NEAR, unlike[0][0]) if unlike else 0
        return [each for how_much, each in unlike[:count] if how_much <= furthest and how_much < 1]

    def _parts(self) -> set[str]:
        """Words that make up this one, when a blank was left out or became another letter."""
        size = len(self.word)
        if size < _SPLIT_FROM:
            return set()
        heads = [each for each in self.found if self.word.startswith(each)]
        tails = [each for each in self.found if self.word.endswith(each)]
        pairs = ((head, tail) for head in heads for tail in tails)
        return {each for pair in pairs if 0 <= size - sum(map(len, pair)) <= 1 for each in pair}

    def _unlike(self, other: str) -> float:
        """How little a word looks like what was meant: 1 and more is too little, and so is the word itself."""
        word = self.word
        if word == other:
            return 1.0
        allowed = 1 if len(word) <= 3 else 2 if len(word) <= 8 else 3
        unlike = OSA.distance(word, other, score_cutoff=allowed) / (allowed + 1)
        if self.unfinished and len(word) > 1 and other.startswith(word):
            unlike = min(unlike, 0.3 + 0.02 * (len(other) - len(word)))
        if len(word) >= _SPLIT_FROM and (word.startswith(other) or word.endswith(other)):
            unlike = min(unlike, 1 - 0.4 * len(other) / len(word))
        return unlike


class Candidates:
    """The products that a query may mean, with how well each matches by what the index knows."""

    def __init__(self, wanted: Wanted, table: Table, threads: Threads, now: int) -> None:
        """
        Args:
            wanted: the query.
            table: the table of the index.
            threads: for the requests of a step, which are made side by side.
            now: epoch seconds.
        """
        self.scores: dict[str, float] = {}
        self._wanted = wanted
        self._table = table
        self._threads = threads
        self._now = now
        self._complete = False  # whether a product has all words as they are
        self._known: dict[str, bool] = {}  # words that were looked up, and whether a product has them

    def find(self) -> Mapping[str, float]:
        """Read the index. Raises TableError."""
        words = self._telling()
        self._look_up(words[:FIRST_WORDS])
        if not words or self._is_settled(words):
            return self.scores
        self._look_up(words)
        if self._is_settled(words):
            return self.scores
        unknown = [word for word in words if not self._known[word]]
        suspects = self._suspects(unknown or words)
        for some in (suspects[:1], suspects[1:]):
            self._ask_dictionary([(suspect, gram) for suspect in some for gram in suspect.first])
            self._look_up(self._corrections(some))
            if self._best() >= ranking.FAIR:
                return self.scores
        others = self._suspects([word for word in words if self._known[word]] if unknown else [])
        asked = [(suspect, gram) for suspect in others for gram in suspect.first]
        asked += [(suspect, gram) for suspect in suspects for gram in suspect.later]
        self._ask_dictionary(asked[:MAX_LATER_GRAMS])
        self._look_up(self._joined() + self._corrections([*suspects, *others]))
        return self.scores

    def _telling(self) -> list[str]:
        """The words to look up. Common ones are only kept of titles that have hardly others."""
        title = self._wanted.title
        order = {word: (search_index.is_common(word), word not in title, -len(word)) for word in self._wanted.words}
        words = sorted(order, key=order.__getitem__)
        telling = [word for word in words if not search_index.is_common(word)]
        return (telling if len(telling) > 1 else words)[:MAX_WORDS]

    def _is_settled(self, words: Sequence[str]) -> bool:
        """Whether the words that were looked up have led to what was meant. A single one may be part of another."""
        if len(words) == 1:
            return False
        return self._complete or (self._best() >= ranking.GOOD and not search_index.is_common(words[-1]))

    def _best(self) -> float:
        return max(self.scores.values(), default=0.0)

    def _suspects(self, words: Sequence[str]) -> list[Suspect]:
        last = self._wanted.words[-1]
        return [
            Suspect.of(word, unfinished=word == last)
            for word in words
            if search_index.has_grams(word) and (len(word) > 1 or len(words) == 1)
        ][:MAX_SUSPECTS]

    def _joined(self) -> list[str]:
        """Neighbours of which one is no word, as one: a blank too many."""
        pairs = pairwise(self._wanted.words)
        return [
            one + other for one, other in pairs if not (self._known.get(one, True) and self._known.get(other, True))
        ][:MAX_JOINED]

    def _corrections(self, suspects: Sequence[Suspect]) -> list[str]:
        """Words to look up instead of the suspects; each of these gets its share."""
        if not suspects:
            return []
        share = max(2, MAX_CORRECTIONS // len(suspects))
        offers = [suspect.corrections(MAX_CORRECTIONS) for suspect in suspects]
        chosen = [each for offer in offers for each in offer[:share]] + [
            each for offer in offers for each in offer[share:]
        ]
        return [word for word in search_index.distinct(chosen) if word not in self._known][:MAX_CORRECTIONS]

    # --- reading ---

    def _look_up(self, words: Iterable[str]) -> None:
        words = [word for word in search_index.distinct(words) if word not in self._known]
        pages = self._read([(search_index.posting_pk(word), "00", _LAST, POSTINGS) for word in words])
        # Where a word has more products than were read, those with titles as long as the query's are more likely.
        size = f"{len(self._wanted.title):02}"
        full = [page[-1]["pk"] for page in pages if len(page) == POSTINGS and page[-1]["sk"] < size]
        for word, page in zip(words, pages, strict=True):
            self._known[word] = bool(page)
        for page in [*pages, *self._read([(pk, size, _LAST, POSTINGS) for pk in full[:MAX_AGAIN]])]:
            for item in page:
                product_id = search_index.product_at(item["sk"])
                if product_id not in self.scores:
                    match = self._wanted.match(search_index.texts_at(item))
                    self.scores[product_id] = match.score
                    self._complete |= match.is_complete

    def _ask_dictionary(self, asked: Sequence[tuple[Suspect, str]]) -> None:
        requests = []
        for suspect, gram in asked:
            low, high = suspect.lengths()
            requests.append((search_index.gram_pk(gram), f"{low:02}", f"{high:02}{_LAST}", DICTIONARY))
        for (suspect, _), page in zip(asked, self._read(requests), strict=True):
            suspect.found.update(search_index.word_at(item["sk"]) for item in page)

    def _read(self, requests: Sequence[tuple[str, str, str, int]]) -> list[list[Item]]:
        return [*self._threads(self._page, requests)]

    def _page(self, request: tuple[str, str, str, int]) -> list[Item]:
        pk, low, high, most = request
        values = {":low": low, ":high": high}
        where = "sk BETWEEN :low AND :high"
        found = self._table.query(pk, where, values, now=self._now, page_size=most, consistent=False)
        return [*islice(found, most)]
