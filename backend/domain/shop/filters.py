"""What a list of products is narrowed to: `ProductFilterInput`, checked, and what it says of a product.

A filter is an expression over a product's members as the API shows them. It is evaluated twice: on what a sort item
knows of a product, where the stock and over-long texts are unknown (`None` of `matches`), and on the product itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from domain.errors import InvalidInput

MAX_DEPTH = 5
MAX_CONDITIONS = 50
MAX_IN = 100
MAX_TEXT = 256

Number = int | float
Value = Number | str | Sequence[str] | None
Values = Mapping[str, Value]
"""A product's members by name; one that is not there is unknown, one that is None is missing."""


@dataclass(frozen=True)
class Condition:
    """One comparison. `operand` is a number or a text, or a tuple of them for `between` and `in`."""

    member: str
    operator: str
    operand: Any


@dataclass(frozen=True)
class All:
    """Every part holds; of no parts that is so."""

    parts: tuple[Expression, ...] = ()


@dataclass(frozen=True)
class Either:
    """One of the parts holds."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True)
class Not:
    """The part does not hold."""

    part: Expression


Expression = Condition | All | Either | Not
EVERYTHING = All()


# --- from the input ---

_INT, _FLOAT = "a whole number", "a number"
_NUMBERS = {"price": _INT, "rating": _FLOAT, "year": _INT, "stock": _INT}
_TEXTS = {"author": "authors", "language": "language", "title": "title"}  # of the input -> of the product
_NUMBER_OPERATORS = frozenset({"eq", "ne", "lt", "le", "gt", "ge", "between", "in"})
_TEXT_OPERATORS = frozenset({"eq", "ne", "in", "contains", "beginsWith"})


def parse(given: object, field: str = "filter") -> Expression:
    """A `ProductFilterInput` as an expression. What is null in it is as if it were left out.

    Args:
        given: the input as it came; callers other than AppSync may not have checked its shape.
        field: what the schema calls it, for errors.

    Raises:
        InvalidInput: it breaks a rule. The error names the place: `filter.and[2].price.between`.
    """
    return EVERYTHING if given is None else _Parser().expression(given, field, 1)


class _Parser:
    """Reads one filter and counts its conditions, so that a huge one is refused before all of it is read."""

    def __init__(self) -> None:
        self._conditions = 0
        self._branches_read = 0

    def expression(self, given: object, field: str, depth: int) -> Expression:
        if not isinstance(given, Mapping):
            raise InvalidInput(field, "must be an object.")
        if depth > MAX_DEPTH:
            raise InvalidInput(field, f"is nested more than {MAX_DEPTH} deep.")
        given_parts = ((name, each) for name, each in given.items() if each is not None)
        parts = [part for name, each in given_parts for part in self._parts(name, each, field, depth)]
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _parts(self, name: str, given: Any, field: str, depth: int) -> Iterator[Expression]:
        place = f"{field}.{name}"
        if name in _NUMBERS:
            yield from self._comparisons(name, given, place, _NUMBER_OPERATORS, _number(_NUMBERS[name]))
        elif name in _TEXTS:
            yield from self._comparisons(_TEXTS[name], given, place, _TEXT_OPERATORS, _text)
        elif name == "not":
            yield Not(self.expression(given, place, depth + 1))
        elif name in ("and", "or"):
            branches = self._branches(given, place)
            parts = tuple(self.expression(each, f"{place}[{index}]", depth + 1) for index, each in branches)
            if name == "or" and not parts:
                raise InvalidInput(place, "must not be empty.")
            yield All(parts) if name == "and" else Either(parts)
        else:
            raise InvalidInput(place, "is no member of a filter.")

    def _branches(self, given: object, place: str) -> Iterator[tuple[int, object]]:
        for index, each in enumerate(_list(given, place)):
            self._branches_read += 1
            if self._branches_read > MAX_CONDITIONS:
                raise InvalidInput(f"{place}[{index}]", f"is one too many: at most {MAX_CONDITIONS} may be combined.")
            yield index, each

    def _comparisons(
        self, member: str, given: object, field: str, operators: frozenset[str], read: Callable[[object, str], Any]
    ) -> Iterator[Condition]:
        if not isinstance(given, Mapping):
            raise InvalidInput(field, "must be an object.")
        for operator, operand in given.items():
            place = f"{field}.{operator}"
            if operator not in operators:
                raise InvalidInput(place, f"is none of {', '.join(sorted(operators))}.")
            if operand is None:
                continue
            self._count(place)
            yield Condition(member, operator, _operand(operator, operand, place, read))

    def _count(self, place: str) -> None:
        self._conditions += 1
        if self._conditions > MAX_CONDITIONS:
            raise InvalidInput(place, f"is one too many: a filter has at most {MAX_CONDITIONS} conditions.")


def _operand(operator: str, given: object, place: str, read: Callable[[object, str], Any]) -> Any:
    if operator not in ("between", "in"):
        return read(given, place)
    operands = _list(given, place)
    if operator == "between" and len(operands) != 2:
        raise InvalidInput(place, f"must have the lowest and the highest value, not {len(operands)} values.")
    if len(operands) > MAX_IN:
        raise InvalidInput(place, f"must have at most {MAX_IN} values, not {len(operands)}.")
    return tuple(read(each, f"{place}[{index}]") for index, each in enumerate(operands))


def _list(given: object, place: str) -> Sequence[object]:
    if not isinstance(given, list | tuple):
        raise InvalidInput(place, "must be a list.")
    return given


def _number(rule: str) -> Callable[[object, str], Number]:
    whole = rule == _INT

    def read(given: object, place: str) -> Number:
        if isinstance(given, bool) or not isinstance(given, int | float):
            raise InvalidInput(place, f"must be {rule}.")
        if isinstance(given, float) and (whole or not math.isfinite(given)):
            raise InvalidInput(place, f"must be {rule}.")
        return given

    return read


def _text(given: object, place: str) -> str:
    if not isinstance(given, str):
        raise InvalidInput(place, "must be a text.")
    if len(given) > MAX_TEXT:
        raise InvalidInput(place, f"must have at most {MAX_TEXT} characters, not {len(given)}.")
    try:
        given.encode()
    except UnicodeEncodeError as error:
        raise InvalidInput(place, f"has half of a surrogate pair at position {error.start}.") from error
    return given


# --- on a product ---


def matches(expression: Expression, values: Values) -> bool | None:
    """Whether an expression holds; None when that depends on what is unknown."""
    if isinstance(expression, Condition):
        if expression.member not in values:
            return None
        return _holds(expression.operator, values[expression.member], expression.operand)
    if isinstance(expression, Not):
        inner = matches(expression.part, values)
        return None if inner is None else not inner
    answers = (matches(part, values) for part in expression.parts)
    return _every(answers) if isinstance(expression, All) else _any(answers)


def _every(answers: Iterator[bool | None]) -> bool | None:
    known: bool | None = True
    for each in answers:
        if each is False:
            return False
        known = None if each is None else known
    return known


def _any(answers: Iterator[bool | None]) -> bool | None:
    known: bool | None = False
    for each in answers:
        if each:
            return True
        known = None if each is None else known
    return known


def _holds(operator: str, value: Value, operand: Any) -> bool:
    """A missing value meets `ne` only. A list meets what one of its texts meets, and `ne` when it has no such text."""
    if operator == "ne":
        return not _holds("eq", value, operand)
    if value is None:
        return False
    if isinstance(value, list | tuple):
        return any(_COMPARISONS[operator](each, operand) for each in value)
    return _COMPARISONS[operator](value, operand)


_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": lambda value, operand: bool(value == operand),
    "lt": lambda value, operand: bool(value < operand),
    "le": lambda value, operand: bool(value <= operand),
    "gt": lambda value, operand: bool(value > operand),
    "ge": lambda value, operand: bool(value >= operand),
    "between": lambda value, operand: bool(operand[0] <= value <= operand[1]),
    "in": lambda value, operand: value in operand,
    "contains": lambda value, operand: operand in value,
    "beginsWith": lambda value, operand: bool(value.startswith(operand)),
}


# --- what every match has in common ---


@dataclass(frozen=True)
class Range:
    """Where a number must be; None has no bound. `*_open` says that the bound itself is outside."""

    low: Number | None = None
    high: Number | None = None
    low_open: bool = False
    high_open: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether no number is inside."""
        if self.low is None or self.high is None:
            return False
        return self.low > self.high or (self.low == self.high and (self.low_open or self.high_open))

    @property
    def is_bounded(self) -> bool:
        """Whether it says anything; then a missing number is outside."""
        return self.low is not None or self.high is not None

    def __and__(self, other: Range) -> Range:
        """What is inside of both."""
        low, low_open = _tighter((self.low, self.low_open), (other.low, other.low_open), highest=True)
        high, high_open = _tighter((self.high, self.high_open), (other.high, other.high_open), highest=False)
        return Range(low, high, low_open, high_open)


def _tighter(
    one: tuple[Number | None, bool], other: tuple[Number | None, bool], *, highest: bool
) -> tuple[Number | None, bool]:
    if one[0] is None or other[0] is None:
        return other if one[0] is None else one
    if one[0] == other[0]:
        return one[0], one[1] or other[1]
    return one if (one[0] > other[0]) is highest else other


def conjuncts(expression: Expression) -> Iterator[Condition]:
    """The conditions that every match meets: those of the filter itself and of the `and` in it, however deep."""
    if isinstance(expression, Condition):
        yield expression
    elif isinstance(expression, All):
        for part in expression.parts:
            yield from conjuncts(part)


def number_range(expression: Expression, member: str) -> Range:
    """Where the number of every match is, by its top-level conditions."""
    found = Range()
    for condition in conjuncts(expression):
        if condition.member == member and condition.operator in _RANGES:
            found &= _RANGES[condition.operator](condition.operand)
    return found


_NOWHERE = Range(1, 0)
_RANGES: Mapping[str, Callable[[Any], Range]] = {
    "eq": lambda operand: Range(operand, operand),
    "lt": lambda operand: Range(high=operand, high_open=True),
    "le": lambda operand: Range(high=operand),
    "gt": lambda operand: Range(low=operand, low_open=True),
    "ge": lambda operand: Range(low=operand),
    "between": lambda operands: Range(*operands),
    "in": lambda operands: Range(min(operands), max(operands)) if operands else _NOWHERE,
}


def texts(expression: Expression, member: str) -> frozenset[str] | None:
    """The texts that every match has one of, by `eq` and `in` of its top-level conditions; None without those."""
    found: frozenset[str] | None = None
    for condition in conjuncts(expression):
        if condition.member == member and condition.operator in ("eq", "in"):
            given = frozenset([condition.operand] if condition.operator == "eq" else condition.operand)
            found = given if found is None else found & given
    return found


def beginnings(expression: Expression, member: str) -> list[str]:
    """What the text of every match begins with, by its top-level conditions."""
    return [each.operand for each in conjuncts(expression) if (each.member, each.operator) == (member, "beginsWith")]


def contradicts_itself(expression: Expression) -> bool:
    """Whether the top-level conditions exclude each other, so that nothing can match."""
    if any(number_range(expression, member).is_empty for member in _NUMBERS):
        return True
    # One author may be the one, a second the other: only an empty list of authors matches nothing.
    single = ("language", "title")
    return any(texts(expression, member) == frozenset() for member in single) or any(
        condition.operator == "in" and not condition.operand for condition in conjuncts(expression)
    )
