"""DynamoDB's condition, key-condition and update expressions, compiled to functions on items in the wire's form.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.html: the part that the project's
tables use. What is not known raises, so that a new kind of expression shows at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any

Attributes = dict[str, Any]
Names = Mapping[str, str]
Values = Mapping[str, Any]
Condition = Callable[[Attributes, Names, Values], bool]
Operand = Callable[[Attributes, Names, Values], Any]
Update = Callable[[Attributes, Names, Values], Attributes]

_TOKEN = re.compile(r"\s*(<>|<=|>=|[()=<>,+\-]|[:#]?[A-Za-z_][A-Za-z0-9_]*)")
_KEYWORDS = frozenset({"AND", "OR", "NOT", "BETWEEN", "IN"})
_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda left, right: left == right,
    "<>": lambda left, right: left != right,
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}


def comparable(value: Any) -> Any:
    """A wire value such that two of one type compare as DynamoDB compares them; None for an absent attribute."""
    if value is None:
        return None
    ((kind, content),) = value.items()
    return Decimal(content) if kind == "N" else content


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._text = text
        self._at = 0

    def peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def take(self, *expected: str) -> str:
        token = self.peek()
        if not token or (expected and token.upper() not in expected):
            raise NotImplementedError(f"{self._text!r} at {token!r}")
        self._at += 1
        return token

    def condition(self) -> Condition:
        left = self._conjunction()
        while self.peek().upper() == "OR":
            self.take()
            left = _either(left, self._conjunction())
        return left

    def _conjunction(self) -> Condition:
        left = self._negation()
        while self.peek().upper() == "AND":
            self.take()
            left = _both(left, self._negation())
        return left

    def _negation(self) -> Condition:
        if self.peek().upper() == "NOT":
            self.take()
            inner = self._negation()
            return lambda item, names, values: not inner(item, names, values)
        if self.peek() == "(":
            self.take("(")
            inner = self.condition()
            self.take(")")
            return inner
        if self.peek() in {"attribute_exists", "attribute_not_exists", "begins_with"}:
            return self._function(self.take())
        return self._comparison()

    def _function(self, name: str) -> Condition:
        self.take("(")
        operand = self.operand()
        if name == "begins_with":
            self.take(",")
            prefix = self.operand()
            self.take(")")
            return lambda item, names, values: str(comparable(operand(item, names, values)) or "").startswith(
                comparable(prefix(item, names, values))
            )
        self.take(")")
        wanted = name == "attribute_exists"
        return lambda item, names, values: (operand(item, names, values) is not None) == wanted

    def _comparison(self) -> Condition:
        left = self.operand()
        operator = self.take().upper()
        if operator == "BETWEEN":
            low = self.operand()
            self.take("AND")
            high = self.operand()
            return _both(_compare("<=", low, left), _compare("<=", left, high))
        if operator not in _COMPARISONS:
            raise NotImplementedError(f"{self._text!r} at {operator!r}")
        return _compare(operator, left, self.operand())

    def operand(self) -> Operand:
        token = self.take()
        if token == "if_not_exists":
            self.take("(")
            path = self.operand()
            self.take(",")
            other = self.operand()
            self.take(")")
            return lambda item, names, values: (
                found if (found := path(item, names, values)) is not None else other(item, names, values)
            )
        if token.startswith(":"):
            return lambda _item, _names, values: values[token]
        if token.startswith("#"):
            return lambda item, names, _values: item.get(names[token])
        if token.upper() in _KEYWORDS or not re.match("[A-Za-z_]", token):
            raise NotImplementedError(f"{self._text!r} at {token!r}")
        return lambda item, _names, _values: item.get(token)

    def update(self) -> Update:
        actions: list[Callable[[Attributes, Attributes, Names, Values], None]] = []
        section = ""
        while self.peek():
            if self.peek().upper() in {"SET", "REMOVE", "ADD", "DELETE"}:
                section = self.take().upper()
            name = self.take()
            if section == "SET":
                self.take("=")
                value = self.operand()
                while self.peek() in {"+", "-"}:
                    sign = -1 if self.take() == "-" else 1
                    value = _add(value, self.operand(), sign)
                actions.append(_set(name, value))
            elif section == "ADD":
                actions.append(_set(name, _increment(name, self.operand())))
            elif section == "REMOVE":
                actions.append(_remove(name))
            else:
                raise NotImplementedError(self._text)
            if self.peek() == ",":
                self.take()

        def apply(item: Attributes, names: Names, values: Values) -> Attributes:
            new = dict(item)
            for action in actions:
                action(new, item, names, values)
            return new

        return apply


def _tokens(text: str) -> list[str]:
    found: list[str] = []
    at = 0
    while at < len(text.rstrip()):
        match = _TOKEN.match(text, at)
        if match is None:
            raise NotImplementedError(f"{text!r} at {text[at:]!r}")
        found.append(match[1])
        at = match.end()
    return found


def _both(left: Condition, right: Condition) -> Condition:
    return lambda item, names, values: left(item, names, values) and right(item, names, values)


def _either(left: Condition, right: Condition) -> Condition:
    return lambda item, names, values: left(item, names, values) or right(item, names, values)


def _compare(operator: str, left: Operand, right: Operand) -> Condition:
    compare = _COMPARISONS[operator]

    def holds(item: Attributes, names: Names, values: Values) -> bool:
        one, other = left(item, names, values), right(item, names, values)
        if one is None or other is None:
            return operator == "<>"
        if set(one) != set(other):  # of different types: never equal, in no order
            return operator == "<>"
        return compare(comparable(one), comparable(other))

    return holds


def _name(token: str, names: Names) -> str:
    return names[token] if token.startswith("#") else token


def _set(token: str, value: Operand) -> Callable[[Attributes, Attributes, Names, Values], None]:
    def act(new: Attributes, old: Attributes, names: Names, values: Values) -> None:
        new[_name(token, names)] = value(old, names, values)

    return act


def _remove(token: str) -> Callable[[Attributes, Attributes, Names, Values], None]:
    def act(new: Attributes, old: Attributes, names: Names, values: Values) -> None:
        new.pop(_name(token, names), None)

    return act


def _add(left: Operand, right: Operand, sign: int) -> Operand:
    def value(item: Attributes, names: Names, values: Values) -> Any:
        return {"N": str(comparable(left(item, names, values)) + sign * comparable(right(item, names, values)))}

    return value


def _increment(token: str, by: Operand) -> Operand:
    def value(item: Attributes, names: Names, values: Values) -> Any:
        before = comparable(item.get(_name(token, names))) or Decimal(0)
        return {"N": str(before + comparable(by(item, names, values)))}

    return value


@lru_cache(maxsize=512)
def condition(text: str) -> Condition:
    """A condition or key condition. Raises NotImplementedError for what this part of the language has not."""
    parser = _Parser(text)
    found = parser.condition()
    if parser.peek():
        raise NotImplementedError(f"{text!r} at {parser.peek()!r}")
    return found


@lru_cache(maxsize=512)
def update(text: str) -> Update:
    """An update expression as a function from the old item to the new one. Raises NotImplementedError likewise."""
    return _Parser(text).update()
