"""util.time with Java's DateTimeFormatter patterns."""

from __future__ import annotations

import re
import time
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from local.appsync.javascript.zones import periods
from tests.local.appsync.javascript.evaluation import evaluate, failure

MILLISECONDS = 1517943695750  # 2018-02-06T19:01:35.750Z, a Tuesday

# The first group is the Developer Guide's list of examples for util.time.
FORMATS = [
    ("yyyy-MM-dd HH:mm:ssZ", None, "2018-02-06 19:01:35+0000"),
    ("yyyy-MM-dd HH:mm:ssZ", "Australia/Perth", "2018-02-07 03:01:35+0800"),
    ("yyyy-MM-dd'T'HH:mm:ss.SSS'Z'", None, "2018-02-06T19:01:35.750Z"),
    ("yy.M.d", None, "18.2.6"),
    ("EEE, d MMM uuuu", None, "Tue, 6 Feb 2018"),
    ("EEEE MMMM", None, "Tuesday February"),
    ("h:mm a", None, "7:01 PM"),
    ("hh 'o''clock'", None, "07 o'clock"),
    ("K k", "Europe/Berlin", "8 20"),
    ("D", None, "37"),
    ("DDD", None, "037"),
    ("S SS SSSSSS n", None, "7 75 750000 750000000"),
    ("XXX", "Asia/Kolkata", "+05:30"),
    ("X x XX", None, "Z +00 Z"),
    ("X", "America/New_York", "-05"),
    ("z VV", "America/New_York", "EST America/New_York"),
    ("O OOOO", "America/New_York", "GMT-5 GMT-05:00"),
    ("HH:mm xxx", "+02:30", "21:31 +02:30"),
    ("HH", "UTC+3", "22"),
    ("Q QQQ", None, "1 Q1"),
    ("G", None, "AD"),
    ("YYYY w", None, "2018 6"),
]


@pytest.mark.parametrize(("pattern", "zone", "text"), FORMATS)
def test_formats(pattern: str, zone: str | None, text: str) -> None:
    arguments = {"ms": MILLISECONDS, "p": pattern, "z": zone}
    call = "util.time.epochMilliSecondsToFormatted(ctx.args.ms, ctx.args.p" + (", ctx.args.z)" if zone else ")")
    assert evaluate(call, arguments=arguments) == text


def test_the_conversions() -> None:
    assert evaluate(f"util.time.epochMilliSecondsToSeconds({MILLISECONDS})") == 1517943695
    assert evaluate(f"util.time.epochMilliSecondsToISO8601({MILLISECONDS})") == "2018-02-06T19:01:35.750Z"


PARSED = [
    ("2018-02-01 17:21:05.180+0800", "yyyy-MM-dd HH:mm:ss.SSSZ", None, 1517476865180),
    ("2018-02-01 17:21:05.180+0800", "yyyy-MM-dd HH:mm:ss.SSSXX", None, 1517476865180),
    ("2018-02-01 17:21:05.180", "yyyy-MM-dd HH:mm:ss.SSS", "Australia/Perth", 1517476865180),
    ("20180201172105 Z", "yyyyMMddHHmmss X", None, 1517505665000),
    ("1 Feb 2018, 5:21 PM +01:00", "d MMM yyyy, h:mm a XXX", None, 1517502060000),
    ("2018-032 00 UTC", "yyyy-DDD HH VV", None, 1517443200000),
]


@pytest.mark.parametrize(("text", "pattern", "zone", "milliseconds"), PARSED)
def test_parses(text: str, pattern: str, zone: str | None, milliseconds: int) -> None:
    arguments = {"t": text, "p": pattern, "z": zone}
    call = "util.time.parseFormattedToEpochMilliSeconds(ctx.args.t, ctx.args.p" + (", ctx.args.z)" if zone else ")")
    assert evaluate(call, arguments=arguments) == milliseconds


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("2018-02-30 00:00 Z", "yyyy-MM-dd HH:mm X"),
        ("2018-02-01 24:00 Z", "yyyy-MM-dd HH:mm X"),
        ("2018-02-01 10:00", "yyyy-MM-dd HH:mm"),
        ("2018-02-01 Z", "yyyy-MM-dd X"),
        ("x2018", "yyyy"),
        ("2018-02-01 10:00 Z and more", "yyyy-MM-dd HH:mm X"),
    ],
)
def test_does_not_parse(text: str, pattern: str) -> None:
    error = failure(
        "util.time.parseFormattedToEpochMilliSeconds(ctx.args.t, ctx.args.p)", arguments={"t": text, "p": pattern}
    )
    assert error.type == "Code"
    assert "could not be parsed" in error.message


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("2018-02-01T17:21:05.180+08:00", 1517476865180),
        ("2018-02-01T09:21:05.180Z", 1517476865180),
        ("2018-02-01T09:21:05.180123456Z", 1517476865180),
        ("2018-02-01T09:21Z", 1517476860000),
    ],
)
def test_parses_iso8601(text: str, milliseconds: int) -> None:
    assert evaluate("util.time.parseISO8601ToEpochMilliSeconds(ctx.args.t)", arguments={"t": text}) == milliseconds


def test_iso8601_needs_an_offset() -> None:
    assert failure("util.time.parseISO8601ToEpochMilliSeconds('2018-02-01T09:21:05')").type == "Code"


def test_now() -> None:
    calls = ("nowEpochSeconds()", "nowEpochMilliSeconds()", "nowISO8601()", "nowFormatted('yyyy')")
    seconds, milliseconds, iso, year = (evaluate(f"util.time.{call}") for call in calls)
    assert abs(seconds - time.time()) < 5
    assert abs(milliseconds / 1000 - time.time()) < 5
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", iso)
    assert year == iso[:4]


def test_an_unknown_zone_is_an_error() -> None:
    assert "Unknown time-zone ID: Mars/Base" in failure("util.time.nowFormatted('HH', 'Mars/Base')").message


def test_a_pattern_letter_that_is_not_here_is_named() -> None:
    error = failure("util.time.nowFormatted('yyyy B')")
    assert error.type == "NotEmulated"
    assert "letter B" in error.message


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/London", "Australia/Lord_Howe", "Africa/Casablanca"])
def test_zones_as_python_knows_them(zone: str) -> None:
    table = periods(zone)
    assert table is not None
    offsets = [
        next(offset for start, offset, _ in reversed(table) if start <= moment * 1000)
        for moment in range(946684800, 2208988800, 3_456_789)
    ]
    assert offsets == [
        datetime.fromtimestamp(moment, ZoneInfo(zone)).utcoffset().total_seconds()  # type: ignore[union-attr]
        for moment in range(946684800, 2208988800, 3_456_789)
    ]
