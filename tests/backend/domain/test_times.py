from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import times


@pytest.mark.parametrize(
    ("epoch_ms", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1_795_236_682_123, "2026-11-21T04:51:22.123Z"),
        (-1, "1970-01-01T00:00:00.000Z"),
        (10**15, "9999-12-31T23:59:59.999Z"),
    ],
)
def test_milliseconds_as_text(epoch_ms: int, text: str) -> None:
    assert times.to_iso(epoch_ms) == text


@given(st.integers(0, times.LAST_MS))
def test_text_tells_every_millisecond(epoch_ms: int) -> None:
    assert times.to_ms(datetime.fromisoformat(times.to_iso(epoch_ms))) == epoch_ms


@given(st.integers(0, times.LAST_MS))
def test_a_moment_is_inside_its_hour(epoch_ms: int) -> None:
    end = times.hour_end_seconds(epoch_ms)
    assert (end - 3600) * 1000 <= epoch_ms < end * 1000
    assert times.hour(epoch_ms) == datetime.fromtimestamp(end - 3600, UTC).strftime("%Y%m%d%H")
