"""The domain event of an order: told when its item appears, by whatever hand. The catalogue is docs/events.md."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from domain import routing
from domain.event_bus import BusError, DomainEvent, EventBus
from domain.shop import order

SOURCE = "headwater.shop"
TYPE = "OrderPlaced"

logger = logging.getLogger("headwater.order_placed")


def announce(
    records: Sequence[Mapping[str, Any]],
    bus: Callable[[], EventBus],
    deadline: float,
    count: Callable[[str, int], None],
) -> list[int]:
    """Tell of the new orders of a batch of the stream. One that the bus will never take is logged and counted.

    Args:
        records: as Lambda delivers them.
        bus: gives where to tell; asked when there is something.
        deadline: of the bus's clock, until which to try.
        count: is told the name of a metric and how much to add to it.

    Returns:
        The places in the batch of the orders that could not be told of for now: of all, because some may be.
    """
    found = {place: event for place, record in enumerate(records) if (event := of_record(record))}
    if not found:
        return []
    try:
        refused = bus().put([*found.values()], deadline)
    except BusError as error:
        logger.warning("Could not tell of %d orders for now: %s", len(found), error)
        return list(found)
    for event_id, reason in refused.items():
        logger.error("Nobody will be told of %s: %s", event_id, reason)
    count("Announced", len(found) - len(refused))
    count("Unannounceable", len(refused))
    return []


def of_record(record: Mapping[str, Any]) -> DomainEvent | None:
    """The event that a stream record is; None of one that is no new order.

    Raises:
        Exception: of any type, when the record is none of a stream.
    """
    if record["eventName"] != "INSERT" or not routing.key_of(record)[0].startswith(order.PREFIX):
        return None
    change = routing.from_stream(record)
    assert change.new is not None
    placed = order.from_item(change.sk, change.new)
    trace_id = change.new.get("traceId")
    detail = {
        "orderId": placed["id"],
        "userId": order.user_of(change.pk),
        "status": placed["status"],
        "lines": placed["lines"],
        "total": placed["total"],
        "currency": placed["currency"],
        "placedAt": placed["placedAt"],
        "traceId": trace_id if isinstance(trace_id, str) else change.event_id,
    }
    # No other order of the user has this id, and an order appears once.
    return DomainEvent(f"{change.pk}/{change.sk}", SOURCE, TYPE, change.created_ms, detail)
