"""What a topic's feed asks over HTTP: the newest number, pages of the change log, and the items as they are now."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar

from headwater.changes import Change, Page
from headwater.errors import Unreachable
from headwater.topics import Listing, Topic
from headwater.wire import Model

T = TypeVar("T", bound=Model)

Query = Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]
"""Runs a document with its variables, as `Client.query` does."""

PAGE_LIMIT = 1000

# A read that takes longer may wait for a connection that is dead. It is tried again.
READ_SECONDS = 10.0


class Log(Generic[T]):
    """The reads of one topic. All raise what `query` raises, and Unreachable when there is no answer in time."""

    def __init__(self, query: Query, topic: Topic[T]) -> None:
        self._query = query
        self._topic = topic

    async def head(self) -> int:
        """The number of the topic's newest change."""
        kind = self._topic.kind
        return int((await self._ask(kind.head, kind.changes_field))["headSeq"])

    async def name(self) -> str:
        """The topic's name as the server has it, also where only the token says whose it is."""
        kind = self._topic.kind
        return str((await self._ask(kind.changes, kind.changes_field, after=0, limit=1))["topic"])

    async def page(self, after: int) -> Page[T]:
        """The changes after a number."""
        kind = self._topic.kind
        answer = await self._ask(kind.changes, kind.changes_field, after=after, limit=PAGE_LIMIT)
        return self._topic.page(answer)

    async def snapshot(self, most: int) -> list[tuple[str, T]]:
        """The newest items with their keys, the oldest of them first."""
        if most <= 0:
            return []
        kind = self._topic.kind
        items = [item for listing in kind.snapshot for item in await self._list(listing, most)]
        found = {kind.key(item): item for item in items}
        for change in await self._newest() if kind.indexed else ():
            if change.kind == "REMOVE":
                found.pop(change.key, None)
            elif change.item is not None:
                found[change.key] = change.item
        return list(found.items())

    async def _newest(self) -> list[Change[T]]:
        """The log's newest changes, up to PAGE_LIMIT: what an index may not have yet."""
        head = await self.head()
        # The first place after which all is kept: usually the first one tried, else found by halving.
        place, end = max(0, head - PAGE_LIMIT), head
        page = await self.page(place)
        if page.resync_required:
            while end - place > 1:
                middle = (place + end) // 2
                if (await self.page(middle)).resync_required:
                    place = middle
                else:
                    end = middle
            page = await self.page(end)
        changes = list(page.items)
        while page.last_seq < head and page.items:  # a page ends at its size, too
            page = await self.page(page.last_seq)
            changes += page.items
        return changes

    async def _list(self, listing: Listing, most: int) -> list[T]:
        items: list[T] = []
        paging: dict[str, Any] = {}
        if listing.page_size is not None:
            paging = {"limit": min(listing.page_size, most)}
        # Where the newest come last, all have to be read.
        while len(items) < most or not listing.newest_first:
            answer = await self._ask(listing.document, listing.field, **paging)
            items += self._topic.listed(listing, answer)
            if listing.page_size is None or not answer or answer["nextToken"] is None:
                break
            paging["nextToken"] = answer["nextToken"]
        return items[:most][::-1] if listing.newest_first else items[-most:]

    async def _ask(self, document: str, field: str, **variables: Any) -> Any:
        try:
            async with asyncio.timeout(READ_SECONDS):
                answer = await self._query(document, {**self._topic.variables, **variables})
        except TimeoutError:
            raise Unreachable(f"no answer to {field} of {self._topic.name} in {READ_SECONDS:.0f} s") from None
        return answer[field]
