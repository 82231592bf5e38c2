"""Epoch milliseconds to the API's AWSDateTime text and back."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LAST_MS = 253_402_300_799_999  # the end of the year 9999, the last that AWSDateTime can tell


@lru_cache(maxsize=1024)  # a batch has a few times, each of them often
def to_iso(epoch_ms: int) -> str:
    """`2026-11-21T04:51:22.123Z`. Times outside the years 1970 to 9999 become the nearest inside."""
    moment = _EPOCH + timedelta(milliseconds=min(max(epoch_ms, 0), LAST_MS))
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def to_ms(moment: datetime) -> int:
    """Epoch milliseconds of a moment with an offset."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def hour(epoch_ms: int) -> str:
    """The UTC hour as sortable text, `2026112104`."""
    return (_EPOCH + timedelta(milliseconds=epoch_ms)).strftime("%Y%m%d%H")


def hour_end_seconds(epoch_ms: int) -> int:
    """Epoch seconds at which the hour of a moment ends."""
    return epoch_ms // 3_600_000 * 3600 + 3600
