"""Whether the fields of a document can be merged, in time that grows with its length.

The specification's algorithm ("Field Selection Merging") compares each pair of fields with one response name: a few
kilobytes of equal fields then take seconds. Here equal fields are taken together first: of those with one response
name all must have one shape, and of those with one parent type all must have one name and one set of arguments; what
is selected below them is merged and looked at once. The idea is Simon Adameit's, published with Sangria.

It tells one conflict. All of them, as far as there are few, graphql-core's own rule tells.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    InlineFragmentNode,
    ListValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
    is_leaf_type,
)

STEPS = 40_000
"""Selections to look at, each a few microseconds. 15,000 tokens without fragments are 30,000 at most."""


class TooManyFieldsError(Exception):
    """The fragments of a document come to more than `STEPS` selections."""


@dataclass(frozen=True)
class _Set:
    """A selection set and the type that it selects from; None where that is unknown."""

    node: SelectionSetNode
    parent: GraphQLNamedType | None


@dataclass(frozen=True)
class _Field:
    """A field as selected from a type. `shape` and `value` are equal for fields that can be merged."""

    node: FieldNode
    parent: GraphQLNamedType | None
    key: str
    value: tuple[object, ...]
    shape: str | None
    below: _Set | None


@dataclass(frozen=True)
class Conflict:
    """Two fields that cannot be merged, by their response name, and why not."""

    key: str
    reason: str
    node: FieldNode


def conflict(schema: GraphQLSchema, document: DocumentNode) -> Conflict | None:
    """Fields of a document that cannot be merged; None when all can.

    Raises:
        TooManyFieldsError: it would take too long to find out.
    """
    return _Merging(schema, document).conflict()


class _Merging:
    def __init__(self, schema: GraphQLSchema, document: DocumentNode) -> None:
        self._schema = schema
        self._document = document
        self._fragments = {n.name.value: n for n in document.definitions if isinstance(n, FragmentDefinitionNode)}
        self._left = STEPS
        self._fields: dict[int, _Field] = {}  # by node: each is looked at twice, or more with fragments
        self._seen: set[object] = set()

    def conflict(self) -> Conflict | None:
        for node in self._document.definitions:
            if isinstance(node, OperationDefinitionNode):
                parent: GraphQLNamedType | None = self._schema.get_root_type(node.operation)
            elif isinstance(node, FragmentDefinitionNode):
                parent = self._type(node.type_condition.name.value)
            else:
                continue
            for by_parent in (True, False):
                if found := self._differ([_Set(node.selection_set, parent)], by_parent):
                    return found
        return None

    def _differ(self, sets: list[_Set], by_parent: bool) -> Conflict | None:
        """Fields of merged selection sets that contradict one another, or that are below them and do."""
        pending = [sets]
        while pending:
            fields = self._collect(pending.pop(), by_parent)
            groups: dict[str, list[_Field]] = {}
            for field in fields:
                groups.setdefault(field.key, []).append(field)
            for group in groups.values():
                for part in _of_common_parents(group) if by_parent else (group,):
                    if found := _unlike(part, by_parent):
                        return found
                    below = [field.below for field in part if field.below is not None]
                    if below:
                        pending.append(below)
        return None

    def _collect(self, sets: list[_Set], by_parent: bool) -> list[_Field]:
        """The fields of selection sets, those of their fragments too; none if the same were looked at before."""
        found: dict[object, _Field] = {}
        spreads: dict[str, None] = {}
        self._flatten(sets, found, spreads)
        merged = (by_parent, frozenset(found), frozenset(spreads))
        if merged in self._seen:
            return []
        self._seen.add(merged)
        waiting = list(spreads)
        while waiting:
            definition = self._fragments.get(waiting.pop())
            if definition is None:
                continue
            more: dict[str, None] = {}
            parent = self._type(definition.type_condition.name.value)
            self._flatten([_Set(definition.selection_set, parent)], found, more)
            waiting += [name for name in more if name not in spreads]
            spreads |= more
        return list(found.values())

    def _flatten(self, sets: Iterable[_Set], found: dict[object, _Field], spreads: dict[str, None]) -> None:
        """Add the fields of selection sets and of the inline fragments in them, and the names of those spread."""
        waiting = list(sets)
        while waiting:
            each = waiting.pop()
            for node in each.node.selections:
                self._left -= 1
                if self._left < 0:
                    raise TooManyFieldsError
                if isinstance(node, FieldNode):
                    field = self._fields.get(id(node)) or self._field(node, each.parent)
                    # Leaves that are written alike are one, however often they are there.
                    found[(field.key, field.value, id(field.parent)) if field.below is None else id(node)] = field
                elif isinstance(node, InlineFragmentNode):
                    on = node.type_condition
                    waiting.append(_Set(node.selection_set, self._type(on.name.value) if on else each.parent))
                else:
                    spreads[node.name.value] = None  # type: ignore[attr-defined]  # what is left is a spread

    def _field(self, node: FieldNode, parent: GraphQLNamedType | None) -> _Field:
        name = node.name.value
        known = parent.fields if isinstance(parent, GraphQLObjectType | GraphQLInterfaceType) else {}
        definition = known.get(name)  # as graphql-core has it, __typename has no shape
        type_ = definition.type if definition else None
        below = _Set(node.selection_set, get_named_type(type_) if type_ else None) if node.selection_set else None
        arguments = sorted((each.name.value, _written(each.value)) for each in node.arguments or ())
        key = node.alias.value if node.alias else name
        field = self._fields[id(node)] = _Field(
            node, parent, key, (name, tuple(arguments)), _shape(type_) if type_ else None, below
        )  # fmt: skip
        return field

    def _type(self, name: str) -> GraphQLNamedType | None:
        return self._schema.type_map.get(name)


def _unlike(fields: list[_Field], by_parent: bool) -> Conflict | None:
    """The first of some fields of one response name that is unlike the others."""
    known = [field for field in fields if by_parent or field.shape is not None]
    first = known[0] if known else None
    for other in known:
        assert first
        if by_parent and other.value[0] != first.value[0]:
            return Conflict(first.key, f"'{first.value[0]}' and '{other.value[0]}' are different fields", first.node)
        if by_parent and other.value != first.value:
            return Conflict(first.key, "they have differing arguments", first.node)
        if not by_parent and other.shape != first.shape:
            return Conflict(first.key, "they return conflicting types", first.node)
    return None


def _of_common_parents(fields: list[_Field]) -> Iterator[list[_Field]]:
    """The fields of one response name by who may have them: of two object types nothing has both."""
    concrete: dict[int, list[_Field]] = {}
    others = []
    for field in fields:
        if isinstance(field.parent, GraphQLObjectType):
            concrete.setdefault(id(field.parent), []).append(field)
        else:
            others.append(field)
    if not concrete:
        yield others
    for each in concrete.values():
        yield each + others


def _shape(type_: GraphQLOutputType) -> str:
    """What must be equal of two fields' types: all of a leaf's, and the lists and non-nulls around any other."""
    if isinstance(type_, GraphQLNonNull):
        return f"{_shape(type_.of_type)}!"
    if isinstance(type_, GraphQLList):
        return f"[{_shape(type_.of_type)}]"
    return str(type_) if is_leaf_type(type_) else "{}"


def _written(node: ValueNode) -> str:
    """A value as a text that is equal for equal values, whatever the order of an object's members."""
    if isinstance(node, ListValueNode):
        return f"[{','.join(map(_written, node.values))}]"
    if isinstance(node, ObjectValueNode):
        return f"{{{','.join(sorted(f'{each.name.value}:{_written(each.value)}' for each in node.fields))}}}"
    if isinstance(node, VariableNode):
        return f"${node.name.value}"
    return f"{node.kind} {getattr(node, 'value', '')!r}"
