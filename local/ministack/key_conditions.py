"""Key conditions of DynamoDB queries as ranges of positions in a sorted list."""

from __future__ import annotations

import bisect
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ministack.services import dynamodb

Token = tuple[str, str]


@dataclass(frozen=True)
class Range:
    """A half-open range of positions in a partition's sorted keys."""

    start: int
    end: int


def _name(token: Token, names: Mapping[str, str]) -> str | None:
    if token[0] == "NAME_REF":
        return names.get(token[1])
    return token[1] if token[0] == "IDENT" else None


_first = operator.itemgetter(0)

_MIRRORED = {"LT": "GT", "LE": "GE", "GT": "LT", "GE": "LE", "EQ": "EQ"}


def _sort_key_clause(tokens: Sequence[Token], sort_name: str, names: Mapping[str, str]) -> tuple[str, list[str]] | None:
    """The operator and the value references of a condition on the sort key; None when the clause is another one."""
    if len(tokens) == 3 and tokens[1][0] in _MIRRORED:
        left, comparison, right = tokens
        if _name(left, names) == sort_name and right[0] == "VALUE_REF":
            return comparison[0], [right[1]]
        if _name(right, names) == sort_name and left[0] == "VALUE_REF":
            return _MIRRORED[comparison[0]], [left[1]]
    if len(tokens) == 5 and tokens[1][1].upper() == "BETWEEN" and _name(tokens[0], names) == sort_name:
        return "BETWEEN", [tokens[2][1], tokens[4][1]]
    if len(tokens) == 6 and tokens[0][1].lower() == "begins_with" and _name(tokens[2], names) == sort_name:
        return "BEGINS_WITH", [tokens[4][1]]
    return None


def _after_prefix(prefix: str) -> str | None:
    """The least text that is greater than all that begin with `prefix`; None when there is none."""
    if not prefix or ord(prefix[-1]) == 0x10FFFF:
        return None
    return prefix[:-1] + chr(ord(prefix[-1]) + 1)


def _matching(values: Sequence[tuple[Any, ...]], comparison: str, bounds: list[Any]) -> Range:
    start, end = 0, len(values)
    if comparison in ("EQ", "GE", "BETWEEN", "BEGINS_WITH"):
        start = bisect.bisect_left(values, bounds[0], key=_first)
    elif comparison == "GT":
        start = bisect.bisect_right(values, bounds[0], key=_first)
    if comparison in ("EQ", "LE", "BETWEEN"):
        end = bisect.bisect_right(values, bounds[-1], key=_first)
    elif comparison == "LT":
        end = bisect.bisect_left(values, bounds[0], key=_first)
    elif comparison == "BEGINS_WITH":
        after = _after_prefix(bounds[0])
        end = len(values) if after is None else bisect.bisect_left(values, after, key=_first)
    return Range(start, end)


def find_range(
    sorted_values: Sequence[tuple[Any, ...]],
    condition: str,
    sort_key: tuple[str, str] | None,
    values: Mapping[str, Any],
    names: Mapping[str, str],
) -> Range | None:
    """Where what a KeyConditionExpression asks for is, by the first of each value; None when it is not understood.

    `sort_key` is the sort key's name and type (S, N, B); None for a key that has none.
    """
    clauses = dynamodb._key_condition_clauses(dynamodb._tokenize(condition))
    if len(clauses) == 1:
        return Range(0, len(sorted_values))
    if sort_key is None:
        return None
    sort_name, sort_type = sort_key
    for clause in clauses:
        recognized = _sort_key_clause(clause, sort_name, names)
        if recognized is None:
            continue
        comparison, references = recognized
        operands = [values.get(reference) for reference in references]
        if any(not isinstance(operand, dict) or sort_type not in operand for operand in operands):
            return None
        if comparison == "BEGINS_WITH" and sort_type != "S":
            return None
        return _matching(sorted_values, comparison, [dynamodb._sort_key_value(o, sort_type) for o in operands])
    return None
