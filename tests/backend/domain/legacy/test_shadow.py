"""In what two answers differ: all of it is found, and nothing of what they say is told."""

from __future__ import annotations

import json
from typing import Any

from domain.legacy.shadow import MOST_DIFFERENCES, Compared, differences

JSON = "application/json; charset=utf-8"


def of(value: Any, status: int = 200, kind: str = JSON) -> Compared:
    return Compared(status, kind, json.dumps(value).encode())


def found(one: Any, other: Any, *ignore: str) -> list[str]:
    return differences(of(one), of(other), ignore, bodies=True)


def test_the_same_in_another_order_of_members_is_the_same() -> None:
    assert found({"a": 1, "b": [1.0, None]}, {"b": [1, None], "a": 1.0}) == []
    assert differences(of({}), Compared(200, "application/problem+json", b" { } "), [], bodies=True) == []


def test_each_kind_of_difference_is_told_without_its_values() -> None:
    assert found({"a": "secret"}, {"a": "other"}) == ["a: another text"]
    assert found({"a": 1}, {"a": True}) == ["a: number and boolean"]
    assert found({"a": 0}, {"a": None}) == ["a: number and null"]
    assert found({"a": 1}, {}) == ["a: only in the legacy answer"]
    assert found({}, {"a": 1}) == ["a: only in our answer"]
    assert found({"a": [1, 2]}, {"a": [1]}) == ["a: 2 and 1 elements"]
    assert found({"a": [{"b": 1}]}, {"a": [{"b": 2}]}) == ["a.0.b: another number"]
    assert found([], {}) == ["body: list and object"]
    assert differences(of(1), of(1, 404), [], bodies=True) == ["status: 200 and 404"]
    assert differences(of(1), of(1, kind="text/plain"), [], bodies=True) == ["body: one is JSON and the other is not"]
    assert differences(of(1, kind="a/b"), of(23, kind="a/b"), [], bodies=True) == ["body: 1 and 2 bytes that differ"]


def test_what_may_differ_is_left_out() -> None:
    one = {"at": 1, "items": [{"rating": 1, "id": 1}, {"rating": 2, "id": 2}], "deep": {"at": 1}}
    other = {"items": [{"rating": 3, "id": 1}, {"id": 2}], "deep": {"at": 2}}
    assert found(one, other, "items.*.rating", "**.at") == []
    assert found(one, other, "items.*.rating", "at") == ["deep.at: another number"]
    assert found(one, other, "**.at", "items.0.rating") == ["items.1.rating: only in the legacy answer"]


def test_the_head_of_an_answer_is_its_status() -> None:
    assert differences(of(1), of(2), [], bodies=False) == []
    assert differences(of(1), of(1, 500), [], bodies=False) == ["status: 200 and 500"]


def test_many_and_deep_differences_are_bounded() -> None:
    assert len(found(list(range(500)), list(range(1, 501)))) == MOST_DIFFERENCES
    deep_one, deep_other = json.loads("[" * 400 + "1" + "]" * 400), json.loads("[" * 400 + "2" + "]" * 400)
    (told,) = found(deep_one, deep_other)
    assert "differs somewhere below" in told
    (told,) = found({"a" * 1000: 1}, {"a" * 1000: 2})
    assert len(told) < 200
    assert differences(of(1), Compared(200, JSON, b"[" * 100_000), [], bodies=True) != []
