"""Writes the words of products into the search index's dictionary, which all products share and which only grows."""

from __future__ import annotations

from collections.abc import Iterable

from domain.clock import Clock
from domain.shop import search_index
from domain.table import Table

# Words that a container remembers to be there: some ten megabytes.
_MOST_KNOWN = 100_000


class Dictionary:
    """The dictionary of one deployment. It may be used by several threads, and several may write one word."""

    def __init__(self, search: Table, clock: Clock) -> None:
        self._search = search
        self._clock = clock
        self._known: set[str] = set()

    def learn(self, words: Iterable[str], deadline: float) -> None:
        """See to it that words are in the dictionary.

        Args:
            words: as `search_index.words_of` has them.
            deadline: `clock.monotonic()` until which to try.

        Raises:
            TableError: the time was over.
        """
        asked = {word: search_index.marker_key(word) for word in words if word not in self._known}
        there = self._search.get_all(asked.values(), now=0)
        items = [search_index.dictionary_items(word) for word, marker in asked.items() if marker not in there]
        # A marker says that all the rest is there.
        self._search.put_all([each for *rest, _ in items for each in rest], deadline, clock=self._clock)
        self._search.put_all([marker for *_, marker in items], deadline, clock=self._clock)
        if len(self._known) + len(asked) > _MOST_KNOWN:
            self._known = set()
        self._known |= asked.keys()
