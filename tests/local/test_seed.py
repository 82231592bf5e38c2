"""Reading IRC logs, and what is refused before anything is sent."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.seed import EXAMPLE, SeedError
from local.seed.irc import Entry, decode, parse, split
from local.seed.load import MAX_BYTES, date_in, original_times, read, room_name


def entries(text: str) -> list[Entry]:
    return parse(text.encode()).entries


def test_a_line_that_was_said() -> None:
    assert entries("[03:14] <ada> hello: <b> world\n") == [Entry(1, "ada", "hello: <b> world", "03:14")]


def test_an_action_keeps_its_star() -> None:
    log = parse(b"[10:12]  * SiDi didn't know\n")
    assert log.entries == [Entry(1, "SiDi", "* SiDi didn't know", "10:12")]
    assert (log.said, log.done) == (0, 1)


@pytest.mark.parametrize("nick", ["|QuaD-", "[miles]", "_m_", "Shawn|i7-720QM", "a`b^c{d}\\e"])
def test_nicknames_have_any_of_ircs_letters(nick: str) -> None:
    assert [entry.author for entry in entries(f"[00:00] <{nick}> hi\n")] == [nick]


@pytest.mark.parametrize("shown", ["@ada", "+ada", " ada", "ada "])
def test_a_rank_or_padding_is_not_part_of_the_nickname(shown: str) -> None:
    assert [entry.author for entry in entries(f"[00:00] <{shown}> hi\n")] == ["ada"]


def test_service_lines_are_counted_and_left_out() -> None:
    log = parse(b"=== ada has joined #x\n[00:01] === topic\n===\n")
    assert (log.service, log.entries) == (3, [])


def test_every_line_is_counted_once() -> None:
    log = parse(b"[00:01] <a> x\n\n=== y\n[00:02] <a>  \nnonsense\n[00:03]  * a z\n")
    assert (log.lines, log.said, log.done, log.service, log.blank) == (6, 1, 1, 1, 1)
    assert (log.empty, log.unknown) == ([4], [5])


def test_windows_line_ends_and_a_byte_order_mark_are_not_content() -> None:
    log = parse(b"\xef\xbb\xbf[00:01] <a> x\r\n[00:02] <a> y")
    assert [entry.text for entry in log.entries] == ["x", "y"]
    assert log.lines == 2


def test_bytes_that_are_not_utf_8_are_read_as_windows_1252_and_counted() -> None:
    log = parse("[00:01] <a> naïve ".encode() + b"caf\xe9 \x93quoted\x94\n")
    assert log.entries[0].text == "naïve café “quoted”"
    assert log.undecodable_bytes == 3


@given(st.binary())
def test_any_bytes_become_text(data: bytes) -> None:
    text, strange = decode(data)
    text.encode("utf-8")
    assert strange <= len(data)


@given(st.text())
def test_utf_8_is_left_as_it_is(text: str) -> None:
    assert decode(text.encode()) == (text, 0)


@given(st.binary())
def test_no_line_is_lost(data: bytes) -> None:
    log = parse(data)
    counted = log.said + log.done + log.service + log.blank + len(log.empty) + len(log.unknown)
    assert counted == log.lines


def test_an_over_long_text_is_split_between_words() -> None:
    log = parse(b"[00:01] <a> one two three four\n", max_text_length=9)
    assert [entry.text for entry in log.entries] == ["one two", "three", "four"]
    assert {entry.line for entry in log.entries} == {1}
    assert log.split_texts == 1


@given(st.text(alphabet="ab \u00e9", max_size=60), st.integers(1, 10))
def test_split_parts_fit_and_keep_every_word(text: str, max_length: int) -> None:
    parts = split(text, max_length)
    assert all(0 < len(part) <= max_length and part.strip() for part in parts)
    assert "".join("".join(parts).split()) == "".join(text.split())


@pytest.mark.parametrize(
    ("name", "room"),
    [
        ("2004-12-25.train-c.raw.txt", "2004-12-25"),
        ("#ubuntu dev.log", "ubuntu-dev"),
        (".hidden", "hidden"),
        ("...", "chat"),
        ("x" * 200 + ".txt", "x" * 128),
    ],
)
def test_the_room_is_named_after_the_file(name: str, room: str) -> None:
    assert room_name(Path(name)) == room


@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("2004-12-25.train-c.raw.txt", date(2004, 12, 25)),
        ("ubuntu_2011-08-17.log", date(2011, 8, 17)),
        ("2004-13-45.txt", None),
        ("12004-12-25.txt", None),
        ("chat.txt", None),
    ],
)
def test_the_date_is_in_the_files_name(name: str, day: date | None) -> None:
    assert date_in(name) == day


def at(*times: str) -> list[Entry]:
    return [Entry(number, "a", "x", time) for number, time in enumerate(times, 1)]


def test_times_after_midnight_are_the_next_days() -> None:
    assert original_times(at("23:59", "00:01"), date(2004, 12, 31)) == ["2004-12-31T23:59", "2005-01-01T00:01"]


def test_a_clock_that_was_set_back_stays_in_its_day() -> None:
    assert original_times(at("03:00", "02:00"), date(2004, 10, 31)) == ["2004-10-31T03:00", "2004-10-31T02:00"]


def test_times_without_a_date_stay_as_they_are() -> None:
    assert original_times(at("23:59", "00:01"), None) == ["23:59", "00:01"]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SeedError, match=r"there is no file .*chat\.txt"):
        read(tmp_path / "chat.txt")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SeedError, match="cannot be read: Is a directory"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"\n \n", "is empty"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "is not text"),
        (b"timestamp,value\n1,2\n", r"none of its 2 lines reads `\[HH:MM\] <nick> text`"),
    ],
)
def test_what_is_no_chat_log_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    file = tmp_path / "chat.txt"
    file.write_bytes(content)
    with pytest.raises(SeedError, match=reason):
        read(file)


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    file = tmp_path / "chat.txt"
    with file.open("wb") as stream:
        stream.truncate(MAX_BYTES + 1)
    with pytest.raises(SeedError, match="at most 67 MB: split it"):
        read(file)


def test_the_repositorys_own_chat_has_every_kind_of_line() -> None:
    log = read(EXAMPLE).log
    assert log.said > 150
    assert log.done > 5
    assert log.service > 10
    assert log.undecodable_bytes == 1
    assert log.unknown == []
    assert len({entry.author for entry in log.entries}) >= 8
