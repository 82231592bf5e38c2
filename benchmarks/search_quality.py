"""Claim: the right book is in the first five for 95% of misspelled titles, at a bounded number of small reads.

Without `--outputs` the books are in memory, and what a search reads is counted where boto3 would send it. With it the
same queries go to a running instance that has the books (`python -m local seed`), and what is measured is how long the
API takes to answer, one query after the other.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table as Grid

from benchmarks import misspellings
from benchmarks.misspellings import Query
from benchmarks.shelf import Reads, Shelf, filled, grown, read_books
from domain.caller import ANONYMOUS
from domain.shop import ranking
from domain.shop.search import search_products

IN_FIRST_FIVE = 0.95
NONSENSE = 50
P95_SECONDS = 0.060
WARM_UP = 20

_DOCUMENT = "query ($text: String!) { searchProducts(text: $text, limit: 10) { items { score product { id } } } }"

Found = Sequence[tuple[str, float]]
"""Ids and scores, the best first."""


@dataclass
class Outcome:
    """What became of a query."""

    place: int | None  # of the right book, from 0
    seconds: float
    reads: Reads


def main() -> int:
    """Print the table; the status says whether the claim held."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--books", type=Path, required=True, help="CSV of books")
    parser.add_argument("--seed", type=int, default=1, help="of the misspellings")
    parser.add_argument("--each", type=int, default=100, help="queries of each kind")
    parser.add_argument("--times", type=int, default=1, help="as many books, made up of the real ones; only in memory")
    parser.add_argument("--outputs", type=Path, help="outputs.json of a running instance that has the books")
    arguments = parser.parse_args()
    books, ratings = read_books(arguments.books)
    queries = [
        *misspellings.misspellings(books, arguments.seed, arguments.each),
        *misspellings.unfinished(books, arguments.seed, arguments.each),
        *misspellings.with_author(books, arguments.seed, arguments.each),
    ]
    shelf: Shelf | None = None
    if arguments.outputs:
        ask = _over_graphql(json.loads(arguments.outputs.read_text()))
        for query in queries[:WARM_UP]:
            ask(query.text)
    else:
        shelf, search = filled(grown(books, arguments.times), ratings)

        def ask(text: str) -> Found:
            return [(each["product"]["id"], each["score"]) for each in search_products(search, ANONYMOUS, text=text)]

    outcomes = {query: outcome(query.text, query.book.id, ask, shelf) for query in queries}
    nonsense = [ask(text) for text in misspellings.nonsense(arguments.seed, NONSENSE)]
    return _report(outcomes, nonsense, shelf, arguments.times * len(books))


def outcome(text: str, wanted: str, ask: Callable[[str], Found], shelf: Shelf | None) -> Outcome:
    """Ask once."""
    if shelf:
        shelf.reads = Reads()
    begun = time.perf_counter()
    found = [product_id for product_id, _ in ask(text)]
    seconds = time.perf_counter() - begun
    return Outcome(
        found.index(wanted) if wanted in found else None, seconds, replace(shelf.reads) if shelf else Reads()
    )


def share(outcomes: Sequence[Outcome], first: int) -> float:
    """For how many the right book was among the first ones."""
    return sum(each.place is not None and each.place < first for each in outcomes) / len(outcomes)


def _over_graphql(outputs: dict[str, Any]) -> Callable[[str], Found]:
    headers = {"x-api-key": outputs["apiKey"], "content-type": "application/json"}

    def ask(text: str) -> Found:
        body = json.dumps({"query": _DOCUMENT, "variables": {"text": text}}).encode()
        with urllib.request.urlopen(urllib.request.Request(outputs["graphql"], body, headers)) as response:
            answer = json.load(response)
        if answer.get("errors"):
            raise RuntimeError(f"{text!r}: {answer['errors']}")
        return [(each["product"]["id"], each["score"]) for each in answer["data"]["searchProducts"]["items"]]

    return ask


def _report(outcomes: dict[Query, Outcome], nonsense: Sequence[Found], shelf: Shelf | None, books: int) -> int:
    kinds = list(dict.fromkeys(query.kind for query in outcomes))
    grid = Grid(
        "kind", "first five", "first", "requests p50/p95/most", "items p95", "KB p95", "read units p95", "ms p50/p95",
        title=f"{len(outcomes):,} queries of {books:,} books",
    )  # fmt: skip
    for kind in [*kinds, ""]:
        of_kind = [each for query, each in outcomes.items() if kind in ("", query.kind)]
        requests = [each.reads.requests for each in of_kind]
        seconds = [each.seconds for each in of_kind]
        grid.add_row(
            kind or "all",
            f"{share(of_kind, 5):.1%}",
            f"{share(of_kind, 1):.1%}",
            f"{_part(requests, 0.5)} / {_part(requests, 0.95)} / {max(requests)}",
            f"{_part([each.reads.items for each in of_kind], 0.95)}",
            f"{_part([each.reads.bytes for each in of_kind], 0.95) / 1000:.1f}",
            f"{_part([each.reads.units for each in of_kind], 0.95)}",
            f"{_part(seconds, 0.5) * 1000:.1f} / {_part(seconds, 0.95) * 1000:.1f}",
        )
    console = Console(width=160)
    console.print(grid)
    best = sorted((found[0][1] if found else 0.0 for found in nonsense), reverse=True)
    low = sum(score < ranking.LOW for score in best)
    console.print(
        f"nonsense: {best.count(0.0)} of {NONSENSE} find nothing, {low} score below {ranking.LOW}; best {best[:5]}"
    )
    if shelf:
        postings, dictionary = shelf.count("Search", "WORD#"), shelf.count("Search", "GRAM#")
        console.print(
            f"index: {postings / books:.1f} postings a product, {dictionary / books:.1f} items of the dictionary"
        )
    everything = list(outcomes.values())
    right = share(everything, 5) >= IN_FIRST_FIVE
    quick = shelf is not None or _part([each.seconds for each in everything], 0.95) < P95_SECONDS
    console.print("holds" if right and quick else "does not hold")
    return 0 if right and quick else 1


def _part(values: Sequence[float], part: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


if __name__ == "__main__":
    sys.exit(main())
