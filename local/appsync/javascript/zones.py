"""Time zones as tables of periods, for an engine that has no zone database of its own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

_FIRST_YEAR, _LAST_YEAR = 1900, 2100
_STEP = timedelta(days=28)  # no zone changes twice in four weeks and back to the same offset

Period = tuple[int, int, str]
"""From when (epoch milliseconds), the offset from UTC (seconds), the zone's abbreviation."""


@cache
def periods(name: str) -> list[Period] | None:
    """The periods of a zone from 1900 to 2100 in order, None for a name that is no zone."""
    try:
        zone = ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None

    def state(moment: datetime) -> tuple[int, str]:
        local = moment.astimezone(zone)
        offset = local.utcoffset() or timedelta()
        return int(offset.total_seconds()), local.tzname() or name

    moment = datetime(_FIRST_YEAR, 1, 1, tzinfo=UTC)
    end = datetime(_LAST_YEAR, 1, 1, tzinfo=UTC)
    current = state(moment)
    found: list[Period] = [(_milliseconds(moment), *current)]
    while moment < end:
        following = moment + _STEP
        if state(following) != current:
            low, high = moment, following
            while high - low > timedelta(seconds=1):
                middle = low + (high - low) // 2
                middle = middle.replace(microsecond=0)
                if state(middle) == current:
                    low = middle
                else:
                    high = middle
            current = state(high)
            found.append((_milliseconds(high), *current))
            following = high
        moment = following
    return found


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp()) * 1000
