"""What stored operations use of a schema: schema coordinate -> the places where.

Coordinates are those of the GraphQL specification: `Message`, `Message.text`, `Query.messages(limit:)`. An input type
is used with all that is in it: a variable may carry any of its fields.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graphql import (
    ArgumentNode,
    DefinitionNode,
    DocumentNode,
    EnumValueNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLEnumType,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLNamedType,
    GraphQLSchema,
    Node,
    OperationDefinitionNode,
    Source,
    TypeInfo,
    TypeInfoVisitor,
    VariableDefinitionNode,
    Visitor,
    get_named_type,
    parse,
    type_from_ast,
    visit,
)


@dataclass(frozen=True, order=True)
class Place:
    """A line of a file with operations, and the operation or fragment that it is in."""

    file: str
    line: int
    definition: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line} ({self.definition})"


@dataclass(frozen=True)
class Uses:
    """What operations select, and what they send, by coordinate."""

    selected: dict[str, frozenset[Place]]
    sent: dict[str, frozenset[Place]]

    def of(self, coordinate: str) -> frozenset[Place]:
        return self.selected.get(coordinate, frozenset()) | self.sent.get(coordinate, frozenset())


class InvalidDocument(Exception):
    """A file with operations does not parse."""


def read(folder: Path, root: Path) -> DocumentNode:
    """All operations of a folder as one document, whose places name the files as seen from the root.

    Raises:
        InvalidDocument: a file does not parse.
    """
    definitions: list[DefinitionNode] = []
    for path in sorted(folder.glob("*.graphql")):
        name = path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()
        try:
            definitions += parse(Source(path.read_text(), name)).definitions
        except GraphQLError as error:
            raise InvalidDocument(f"{name}: {error.message}") from error
    return DocumentNode(definitions=tuple(definitions))


def uses(document: DocumentNode, schema: GraphQLSchema) -> Uses:
    """What the operations of a document use of the schema that they were written for."""
    collector = _Collector(schema)
    for definition in document.definitions:
        collector.inside = _described(definition)
        visit(definition, TypeInfoVisitor(collector.info, collector))
    return Uses(_frozen(collector.selected), _frozen(collector.sent))


def place(node: Node, definition: str) -> Place:
    """Where a node of a parsed file is."""
    assert node.loc is not None
    return Place(node.loc.source.name, node.loc.start_token.line, definition)


def enclosing(document: DocumentNode, node: Node) -> str:
    """The operation or fragment that a node is in."""
    for each in document.definitions:
        if each.loc and node.loc and each.loc.source is node.loc.source and node.loc.start < each.loc.end:
            return _described(each)  # definitions are in the order of their places
    return "?"


def _described(definition: DefinitionNode) -> str:
    if isinstance(definition, FragmentDefinitionNode):
        return f"fragment {definition.name.value}"
    if isinstance(definition, OperationDefinitionNode):
        name = definition.name.value if definition.name else "without a name"
        return f"{definition.operation.value} {name}"
    return definition.kind


def _frozen(found: dict[str, set[Place]]) -> dict[str, frozenset[Place]]:
    return {coordinate: frozenset(places) for coordinate, places in found.items()}


class _Collector(Visitor):
    def __init__(self, schema: GraphQLSchema) -> None:
        super().__init__()
        self.schema = schema
        self.info = TypeInfo(schema)
        self.inside = ""
        self.selected: dict[str, set[Place]] = defaultdict(set)
        self.sent: dict[str, set[Place]] = defaultdict(set)

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        parent, field = self.info.get_parent_type(), self.info.get_field_def()
        if parent is None or field is None:
            return
        here = place(node, self.inside)
        self.selected[parent.name].add(here)
        self.selected[f"{parent.name}.{node.name.value}"].add(here)
        self.selected[get_named_type(field.type).name].add(here)

    def enter_argument(self, node: ArgumentNode, *_: Any) -> None:
        parent, field = self.info.get_parent_type(), self.info.get_field_def()
        if parent is not None and field is not None and field.ast_node is not None:
            self.sent[f"{parent.name}.{field.ast_node.name.value}({node.name.value}:)"].add(place(node, self.inside))

    def enter_enum_value(self, node: EnumValueNode, *_: Any) -> None:
        enum = get_named_type(self.info.get_input_type())
        if enum is not None:
            self.sent[f"{enum.name}.{node.value}"].add(place(node, self.inside))

    def enter_variable_definition(self, node: VariableDefinitionNode, *_: Any) -> None:
        given = type_from_ast(self.schema, node.type)
        if given is None:
            return
        here = place(node, self.inside)
        for coordinate in _within([get_named_type(given)]):
            self.sent[coordinate].add(here)


def _within(types: Iterable[GraphQLNamedType]) -> Iterator[str]:
    """The coordinates of input types and enums, with all that they contain."""
    waiting, seen = list(types), set[str]()
    while waiting:
        each = waiting.pop()
        if each.name in seen:
            continue
        seen.add(each.name)
        yield each.name
        if isinstance(each, GraphQLEnumType):
            yield from (f"{each.name}.{value}" for value in each.values)
        if isinstance(each, GraphQLInputObjectType):
            for name, field in each.fields.items():
                yield f"{each.name}.{name}"
                waiting.append(get_named_type(field.type))
