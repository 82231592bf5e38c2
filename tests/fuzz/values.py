"""Random values of a schema's types: as JSON, as GraphQL literals, and as what a data source might answer."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
)

PLAIN_TEXTS = ("", "a", "lobby", "Grüße, 世界", "\U0001f600\u200d\U0001f469", "e\u0301", "' OR 1=1 --", "__proto__")
TEXTS = (
    *PLAIN_TEXTS, "\u0000\u001f", 'quote " and \\ slash', "line\nline\r\n\ttab", "\ufeff", "\ud800", "null", "true",
    "1", "-0", "1e999", "$util.error('x')", "{{7*7}}", "x" * 5_000, "\u202e\u0645\u0631\u062d\u0628\u0627",
)  # fmt: skip
NUMBERS = (0, 1, -1, 7, 2**31 - 1, 2**31, -(2**31), 2**53 + 1, 2**63, -(2**64), 10**40, 0.1, -0.0, 1e308, 1.5e-300)

VALID: dict[str, tuple[Any, ...]] = {
    "Int": (0, 1, -1, 2**31 - 1), "Float": (0.5, 1, -1e10), "String": PLAIN_TEXTS, "Boolean": (True, False),
    "ID": ("1", "lobby", "\U0001f600"), "AWSDate": ("2026-11-21", "2024-02-29Z", "1970-01-01+01:00"),
    "AWSTime": ("12:30", "23:59:59.999Z"), "AWSDateTime": ("2026-11-21T09:30:00.000Z", "2026-11-21T09:30+01:00"),
    "AWSTimestamp": (0, 1_795_000_000), "AWSEmail": ("ada@example.com",), "AWSJSON": ('{"a": [1, null]}', "1", '"x"'),
    "AWSURL": ("https://example.com/a?b#c",), "AWSPhone": ("+1 206 555 0100",), "AWSIPAddress": ("10.0.0.0/8", "::1"),
}  # fmt: skip

MOST_DEPTH = 6


class Values:
    """Values of one schema. `wrong` is how often one is of any type at all."""

    def __init__(self, random: Random, schema: GraphQLSchema, wrong: float = 0.1) -> None:
        self._random = random
        self._schema = schema
        self._wrong = wrong

    def _errs(self) -> bool:
        return self._random.random() < self._wrong

    def anything(self, depth: int = 0) -> Any:
        """Any JSON value."""
        random = self._random
        match random.randrange(6 if depth > 3 else 8):
            case 0:
                return None
            case 1:
                return random.random() < 0.5
            case 2 | 3:
                return random.choice(NUMBERS)
            case 4 | 5:
                return random.choice(TEXTS)
            case 6:
                return [self.anything(depth + 1) for _ in range(random.randrange(4))]
            case _:
                return {random.choice(TEXTS): self.anything(depth + 1) for _ in range(random.randrange(4))}

    def given(self, expected: Any, depth: int = 0) -> Any:
        """The value of a variable."""
        random = self._random
        if self._errs():
            return self.anything()
        required = isinstance(expected, GraphQLNonNull)
        inner = expected.of_type if required else expected
        if not required and (random.random() < 0.1 or depth > MOST_DEPTH):
            return None
        if isinstance(inner, GraphQLList):
            if random.random() < 0.1:
                return self.given(inner.of_type, depth + 1)  # one item instead of a list
            return [self.given(inner.of_type, depth + 1) for _ in range(random.randrange(4))]
        if isinstance(inner, GraphQLEnumType):
            return random.choice(list(inner.values))
        if isinstance(inner, GraphQLInputObjectType):
            value = {name: self.given(inner.fields[name].type, depth + 1) for name in self._members(inner)}
            if self._errs():
                value[random.choice(TEXTS)] = self.anything()
            return value
        return random.choice(VALID[inner.name])

    def literal(self, expected: Any, variables: list[tuple[str, Any]], depth: int = 0) -> str:
        """A literal in a document, which may hold variables; those that it invents are added to `variables`."""
        random = self._random
        if random.random() < 0.25:
            fitting = [each for each in variables if str(each[1]) == str(expected) or self._errs()]
            if not fitting or random.random() < 0.5:
                fitting = [(f"v{len(variables)}", self._any_input() if self._errs() else expected)]
                variables += fitting
            return f"${random.choice(fitting)[0]}"
        inner = expected.of_type if isinstance(expected, GraphQLNonNull) else expected
        if depth < MOST_DEPTH and not self._errs():
            if isinstance(inner, GraphQLInputObjectType):
                members = (
                    f"{name}: {self.literal(inner.fields[name].type, variables, depth + 1)}"
                    for name in self._members(inner)
                )
                return "{" + ", ".join(members) + "}"
            if isinstance(inner, GraphQLList):
                items = (self.literal(inner.of_type, variables, depth + 1) for _ in range(random.randrange(4)))
                return "[" + " ".join(items) + "]"
        return self.written(self.given(expected), expected)

    def written(self, value: Any, expected: Any = None) -> str:
        """A JSON value in GraphQL's notation; the names of an enum's values are written bare."""
        inner = expected.of_type if isinstance(expected, GraphQLNonNull) else expected
        if isinstance(value, dict):
            fields = inner.fields if isinstance(inner, GraphQLInputObjectType) else {}
            members = (
                f"{_name(key)}: {self.written(item, fields[key].type if key in fields else None)}"
                for key, item in value.items()
            )
            return "{" + ", ".join(members) + "}"
        if isinstance(value, list):
            item_type = inner.of_type if isinstance(inner, GraphQLList) else inner
            return "[" + ", ".join(self.written(item, item_type) for item in value) + "]"
        named = get_named_type(inner) if inner is not None else None
        if isinstance(named, GraphQLEnumType) and isinstance(value, str) and value in named.values:
            return value
        if isinstance(value, str) and self._random.random() < 0.1 and _is_plain(value):
            return f'"""{value}"""'
        return json.dumps(value, ensure_ascii=self._random.random() < 0.5)

    def output(self, expected: Any, depth: int = 0) -> Any:
        """What a data source answers for a field of a type."""
        random = self._random
        if random.random() < self._wrong / 3:
            return self.anything()
        if isinstance(expected, GraphQLNonNull):
            return self.output(expected.of_type, depth)
        if random.random() < 0.05 or depth > MOST_DEPTH:
            return None
        if isinstance(expected, GraphQLList):
            return [self.output(expected.of_type, depth + 1) for _ in range(random.randrange(4))]
        if isinstance(expected, GraphQLEnumType):
            return random.choice(list(expected.values))
        if isinstance(expected, GraphQLInterfaceType | GraphQLUnionType):
            concrete = random.choice(self._schema.get_possible_types(expected))
            value = self.output(concrete, depth)
            if isinstance(value, dict) and random.random() > self._wrong / 3:
                value["__typename"] = concrete.name
            return value
        if isinstance(expected, GraphQLObjectType):
            names = [name for name in expected.fields if random.random() < 0.9]
            return {name: self.output(expected.fields[name].type, depth + 1) for name in names}
        return random.choice(VALID[expected.name])

    def _members(self, expected: GraphQLInputObjectType) -> list[str]:
        """The required fields of an input object and a few others."""
        return [
            name
            for name, field in expected.fields.items()
            if (isinstance(field.type, GraphQLNonNull) and not self._errs()) or self._random.random() < 0.3
        ]

    def _any_input(self) -> Any:
        types = self._schema.type_map
        chosen = self._random.choice(
            [t for n, t in types.items() if n in VALID or isinstance(t, GraphQLInputObjectType)]
        )
        return GraphQLList(chosen) if self._random.random() < 0.2 else chosen


def _name(text: str) -> str:
    return text if text.isidentifier() and text.isascii() else "key"


def _is_plain(text: str) -> bool:
    """Whether a block string means the text itself."""
    return text.isprintable() and '"' not in text and "\\" not in text and text == text.strip()
