"""Random operations: most are valid, the others have flaws of every kind, in the document or in its variables."""

from __future__ import annotations

from random import Random
from typing import Any

from graphql import (
    GraphQLBoolean,
    GraphQLNonNull,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    is_composite_type,
    is_object_type,
    is_required_argument,
)

from tests.fuzz.values import TEXTS, Values

MOST_DEPTH = 8
BOOLEAN = GraphQLNonNull(GraphQLBoolean)

TOKENS = (
    "{", "}", "(", ")", "[", "]", "...", ":", "!", "=", "@", "|", "&", "$", '"', '"""', "#", ",", "\ufeff", "query",
    "mutation", "subscription", "fragment", "on", "type", "extend", "null", "-", "1.e", "\\u{110000}", "@skip(if: $v0)",
    "@include", "@defer", "@stream", "@aws_iam", "__typename", "__schema { types { name } }",
)  # fmt: skip

INTROSPECTION = (
    "{ __schema { queryType { name } types { kind name fields(includeDeprecated: true) { name args { name } } } } }",
    '{ __type(name: "Leaf") { name possibleTypes { name } interfaces { name } enumValues { name } } __typename }',
    "{ __schema { directives { name locations args { name type { kind ofType { name } } } } } }",
)


class Documents:
    """Operations on one schema, of one random source."""

    def __init__(self, random: Random, schema: GraphQLSchema) -> None:
        self._random = random
        self._schema = schema
        self.values = Values(random, schema)
        self._fitting = Values(random, schema, wrong=0)

    def operation(self, kind: str | None = None) -> dict[str, Any]:
        """`query`, `variables` and perhaps `operationName`. `kind` is query, mutation or subscription."""
        random = self._random
        if random.random() < 0.02:
            hard = (self._deep, self._wide, self._doubling, self._cycle, self._introspection)
            return {"query": random.choice(hard)()}
        kind = kind or random.choices(("query", "mutation", "subscription"), (70, 25, 5))[0]
        flawed = random.random() < 0.3
        writer = _Writer(random, self._schema, self.values if flawed else self._fitting, flawed=flawed)
        text = writer.document(kind)
        operation: dict[str, Any] = {"query": text, "variables": writer.given()}
        if not flawed:
            return operation
        if random.random() < 0.2:
            operation["operationName"] = random.choice((*writer.names, "", "Nobody", None))
        if random.random() < 0.3:
            operation["query"] = self.mutated(text)
        if random.random() < 0.1:
            operation[random.choice(("query", "variables", "operationName", "extensions"))] = self.values.anything()
        return operation

    def mutated(self, text: str) -> str:
        """A text with a few places changed."""
        random = self._random
        for _ in range(random.randint(1, 4)):
            at, length = random.randint(0, len(text)), random.choice((0, 0, 1, 1, 5, 40))
            piece = random.choice((random.choice(TOKENS), random.choice(TEXTS), text[at : at + length] * 2, ""))
            text = text[:at] + piece + text[at + length :]
        return text

    # Documents that are hard on parsers and validators.

    def _deep(self) -> str:
        levels = self._random.choice((10, 100, 199, 201, 2_000))
        return "{ tree { " + "left { " * levels + "id" + " }" * levels + " } }"

    def _wide(self) -> str:
        count = self._random.choice((100, *(400,) * 5, 2_000, 16_000))
        aliased = self._random.random() < 0.5
        fields = (f"a{number}: leaf {{ id }}" if aliased else "leaf { id }" for number in range(count))
        return "{ " + " ".join(fields) + " }"

    def _doubling(self) -> str:
        levels = self._random.choice((10, 30, 60))
        spreads = (
            f"fragment f{level} on Tree {{ a: left {{ ...f{level + 1} }} b: left {{ ...f{level + 1} }} }}"
            for level in range(levels)
        )
        return f"{{ tree {{ ...f0 }} }} {' '.join(spreads)} fragment f{levels} on Tree {{ id }}"

    def _cycle(self) -> str:
        return "{ tree { ...a } } fragment a on Tree { left { ...b } } fragment b on Tree { right { ...a ...b } }"

    def _introspection(self) -> str:
        return self._random.choice(INTROSPECTION)


class _Writer:
    """Writes one document: valid, or with flaws here and there."""

    def __init__(self, random: Random, schema: GraphQLSchema, values: Values, *, flawed: bool) -> None:
        self._random = random
        self._schema = schema
        self._values = values
        self._flawed = flawed
        self._variables: list[tuple[str, Any]] = []
        self._fragments: dict[str, tuple[str, str]] = {}  # by name: the type, the text; no text while it is written
        self._fields_left = 25
        self._aliases = 0
        self.names: list[str] = []

    def document(self, kind: str) -> str:
        """The text."""
        random = self._random
        operations = [self._operation(kind) for _ in range(random.randint(2, 3) if self._flaw(0.1) else 1)]
        parts = [*operations, *(text for _, text in self._fragments.values())]
        random.shuffle(parts)
        return random.choice((" ", "\n", ",\n", " # a comment\n")).join(parts)

    def given(self) -> dict[str, Any]:
        """Values for the variables, sometimes one too few or too many."""
        values = {name: self._values.given(expected) for name, expected in self._variables if not self._flaw(0.1)}
        if self._flaw(0.1):
            values[self._random.choice(TEXTS)] = self._values.anything()
        return values

    def _flaw(self, probability: float) -> bool:
        return self._flawed and self._random.random() < probability

    def _operation(self, kind: str) -> str:
        random = self._random
        root = getattr(self._schema, f"{kind}_type")
        before = len(self._variables)
        if kind == "subscription" and not self._flaw(0.2):
            fields = "{ " + self._field(root, 0) + " }"
        else:
            fields = self._selection(root, 0, most=4)
        directives = "" if kind == "subscription" else self._directives() if self._flaw(0.1) else ""
        if kind == "query" and random.random() < 0.2 and not self._variables:
            return fields
        name = random.choice(("", f"Op{len(self.names)}"))
        self.names.append(name)
        declared = [self._declaration(*variable) for variable in self._variables[before:]]
        return f"{kind} {name}{'(' + ', '.join(declared) + ')' if declared else ''}{directives} {fields}"

    def _declaration(self, name: str, expected: Any) -> str:
        default = ""
        if not isinstance(expected, GraphQLNonNull) and self._random.random() < 0.2:
            default = f" = {self._values.written(self._values.given(expected), expected)}"
        return f"${name}: {expected}{default}"

    def _selection(self, parent: Any, depth: int, most: int = 6) -> str:
        parts = [self._part(parent, depth) for _ in range(self._random.randint(1, most))]
        return "{ " + " ".join(parts) + " }"

    def _part(self, parent: Any, depth: int) -> str:
        random = self._random
        if self._flaw(0.02):
            return random.choice(("nothing", "id { id }", "...nobody", "... on Nobody { id }", "leaf"))
        choice = random.random()
        if choice < 0.05:
            return "__typename"
        if (choice < 0.2 or isinstance(parent, GraphQLUnionType)) and depth < MOST_DEPTH:
            narrowed = self._narrowed(parent)
            condition = "" if narrowed is parent and random.random() < 0.3 else f" on {narrowed.name}"
            return f"...{condition}{self._directives()} {self._selection(narrowed, depth + 1)}"
        if choice < 0.35 and depth < MOST_DEPTH:
            return f"...{self._fragment(self._narrowed(parent), depth)}{self._directives()}"
        return "__typename" if isinstance(parent, GraphQLUnionType) else self._field(parent, depth)

    def _field(self, parent: Any, depth: int) -> str:
        random = self._random
        name = random.choice(list(parent.fields))
        field = parent.fields[name]
        self._fields_left -= 1
        named = get_named_type(field.type)
        if is_composite_type(named) and (depth > MOST_DEPTH or (self._fields_left < 0 and depth)):
            return "__typename"
        arguments = [
            f"{key}: {self._values.literal(argument.type, self._variables)}"
            for key, argument in field.args.items()
            if (is_required_argument(argument) and not self._flaw(0.03)) or random.random() < 0.3
        ]
        if self._flaw(0.02):
            arguments.append("nothing: 1")
        passed = f"({', '.join(arguments)})" if arguments else ""
        below = f" {self._selection(named, depth + 1)}" if is_composite_type(named) and not self._flaw(0.01) else ""
        return f"{self._alias(name)}{name}{passed}{self._directives()}{below}"

    def _alias(self, name: str) -> str:
        """Fields of one name may differ in their arguments or types, so that most need an alias of their own."""
        if self._flaw(0.1):
            return self._random.choice((f"{name}: ", "a: ", "id: ", ""))
        self._aliases += 1
        return f"x{self._aliases}: "

    def _narrowed(self, parent: Any) -> Any:
        """A type that a condition may name here."""
        random = self._random
        if self._flaw(0.05):
            return random.choice([each for each in self._schema.type_map.values() if is_object_type(each)])
        if is_object_type(parent) or random.random() < 0.3:
            return parent
        return random.choice(self._schema.get_possible_types(parent))

    def _fragment(self, parent: Any, depth: int) -> str:
        random = self._random
        known = [name for name, (owner, text) in self._fragments.items() if owner == parent.name and text]
        if self._flaw(0.2):
            known = list(self._fragments)
        if known and random.random() < 0.4:
            return random.choice(known)
        name = f"F{len(self._fragments)}"
        self._fragments[name] = (parent.name, "")
        text = f"fragment {name} on {parent.name} {self._selection(parent, depth + 2)}"
        self._fragments[name] = (parent.name, text)
        return name

    def _directives(self) -> str:
        random = self._random
        if self._flaw(0.02):
            return random.choice((" @skip", " @nothing", " @aws_iam", " @include(if: null)", ' @skip(if: "true")'))
        if random.random() > 0.06:
            return ""
        return f" @{random.choice(('skip', 'include'))}(if: {self._values.literal(BOOLEAN, self._variables)})"
