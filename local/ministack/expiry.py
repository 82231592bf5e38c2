"""Removes DynamoDB items whose time to live has passed, with the stream record that AWS writes for it.

AWS takes up to a few days; here it takes `HEADWATER_TTL_SWEEP_SECONDS`. Expiries wait in a heap, so that a sweep with
nothing to do costs nothing, however many items there are.
"""

from __future__ import annotations

import asyncio
import contextvars
import heapq
import logging
import os
import time
from collections.abc import Mapping
from typing import Any

from ministack.core import responses
from ministack.services import dynamodb

from local.ministack.journal import Journal

logger = logging.getLogger("headwater.expiry")

SWEEP_VARIABLE = "HEADWATER_TTL_SWEEP_SECONDS"
DEFAULT_SWEEP_SECONDS = 5.0

OLDEST_SECONDS = 5 * 365 * 86400
"""AWS ignores a time that lies further back ("older than five years"), which is a mistake rather than an expiry."""

USER_IDENTITY = {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}
"""How the stream tells a removal by the service: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-streams.html"""

removing: contextvars.ContextVar[bool] = contextvars.ContextVar("removing", default=False)
"""Whether it is the service that removes the item, for the record of it."""

_Scope = tuple[str, str, str]
"""Account id, region, table name."""


def _expires_at(item: Mapping[str, Any], attribute: str) -> float | None:
    number = (item.get(attribute) or {}).get("N")
    try:
        return None if number is None else float(number)
    except ValueError:
        return None


class Expiries:
    """The due times of every table with a time to live. Belongs to the event loop's thread."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._heap: list[tuple[float, _Scope, Any, Any]] = []
        # For each table the attribute and the very table object that the heap knows: a table that is replaced,
        # restored or switched to another attribute is read again.
        self._known: dict[_Scope, tuple[str, int]] = {}

    def item_written(self, table: dict[str, Any], partition: Any, sort: Any, item: Mapping[str, Any]) -> None:
        """An item was stored: remember when it expires."""
        _, _, _, region, account, name = table["TableArn"].split(":", 5)
        scope = (account, region, name.removeprefix("table/"))
        known = self._known.get(scope)
        if known is None or known[1] != id(table["items"]):
            return
        due = _expires_at(item, known[0])
        if due is not None:
            heapq.heappush(self._heap, (due, scope, partition, sort))

    def _read_new_tables(self) -> None:
        enabled = set()
        for scope, setting in list(dynamodb._ttl_settings.all_items()):
            table = dynamodb._tables.get_scoped(*scope)
            if table is None or setting.get("TimeToLiveStatus") != "ENABLED":
                continue
            enabled.add(scope)
            identity = (setting["AttributeName"], id(table["items"]))
            if self._known.get(scope) == identity:
                continue
            self._known[scope] = identity
            for partition, items in table["items"].items():
                for sort, item in items.items():
                    self.item_written(table, partition, sort, item)
        for scope in set(self._known) - enabled:
            del self._known[scope]

    def sweep(self, now: float) -> int:
        """Remove what is due at `now` (epoch seconds). Returns how many items went."""
        self._read_new_tables()
        removed = 0
        while self._heap and self._heap[0][0] <= now:
            _, scope, partition, sort = heapq.heappop(self._heap)
            removed += contextvars.copy_context().run(self._remove, scope, partition, sort, now)
        return removed

    def _remove(self, scope: _Scope, partition: Any, sort: Any, now: float) -> bool:
        account, region, name = scope
        table = dynamodb._tables.get_scoped(*scope)
        known = self._known.get(scope)
        if table is None or known is None:
            return False
        item = table["items"].get(partition, {}).get(sort)
        due = None if item is None else _expires_at(item, known[0])
        if due is None or not now - OLDEST_SECONDS <= due <= now:
            return False  # removed or written again meanwhile; its later time waits in the heap as well
        responses._request_account_id.set(account)
        responses._request_region.set(region)
        removing.set(True)
        with self._journal.step():
            dynamodb._remove_item(table, partition, sort)
            dynamodb._emit_stream_event(name, "REMOVE", item, None)
        return True


async def run(expiries: Expiries) -> None:
    """Sweep for ever."""
    interval = float(os.environ.get(SWEEP_VARIABLE, DEFAULT_SWEEP_SECONDS))
    while True:
        await asyncio.sleep(interval)
        try:
            expiries.sweep(time.time())
        except Exception:
            logger.exception("The sweep for expired items failed; the next one is in %.0f s", interval)
