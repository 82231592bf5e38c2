"""Depth is counted, not met as an accident of the interpreter."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from local.appsync.encoding import encode
from local.appsync.nesting import deeper_than, text_deeper_than


@pytest.fixture
def roomy_interpreter() -> Iterator[None]:
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(20_000)
    yield
    sys.setrecursionlimit(limit)


def nested(levels: int, innermost: Any) -> Any:
    for number in range(levels - 1):
        innermost = [innermost] if number % 2 else {"a": innermost, "b": 1}
    return innermost


@pytest.mark.parametrize(("value", "levels"), [(1, 0), ([], 1), ({}, 1), ([[1]], 2), ({"a": [{"b": 2}]}, 3)])
def test_levels_are_those_of_lists_and_objects(value: Any, levels: int) -> None:
    assert not deeper_than(value, levels)
    assert not text_deeper_than(json.dumps(value), levels)
    if levels:
        assert deeper_than(value, levels - 1)
        assert text_deeper_than(json.dumps(value), levels - 1)


def test_brackets_in_strings_are_no_levels() -> None:
    assert not text_deeper_than(json.dumps({"a": '[[[["{{{{\\'}), 1)


@pytest.mark.usefixtures("roomy_interpreter")
def test_a_value_that_orjson_cannot_take_is_refused_by_its_depth() -> None:
    assert encode(nested(150, 2**70))
    with pytest.raises(TypeError, match="nested too deeply"):
        encode(nested(300, 2**70))
