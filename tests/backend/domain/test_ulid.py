import re

from hypothesis import given
from hypothesis import strategies as st

from domain import ulid


def test_the_published_example_of_a_time() -> None:
    # https://github.com/ulid/spec#encoding: 01ARZ3NDEK is 1469918176385 in the reference implementation's tests
    assert ulid.ascending(1, 1469918176385)[0].startswith("01ARYZ6S41")


@given(count=st.integers(1, 90), now_ms=st.integers(0, 2**48 - 1))
def test_ids_of_one_moment_ascend_and_share_its_time(count: int, now_ms: int) -> None:
    ids = ulid.ascending(count, now_ms)
    assert sorted(set(ids)) == ids
    assert {each[:10] for each in ids} == {ulid.encode(now_ms << 80)[:10]}
    assert all(re.fullmatch("[0-7][0-9A-HJKMNP-TV-Z]{25}", each) for each in ids)


@given(st.integers(0, 2**48 - 2))
def test_later_ids_sort_after_earlier_ones(now_ms: int) -> None:
    assert ulid.ascending(90, now_ms)[-1] < ulid.ascending(1, now_ms + 1)[0]
