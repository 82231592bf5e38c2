"""Operations compiled to plans: fragments flattened, `@skip`/`@include` decided, fields bound to their resolvers.

A plan holds for one operation, one authorization mode and one outcome of the conditions; those are few, so each is
compiled once and kept with its document. What is left for a request is to walk the plan.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from graphql import (
    BooleanValueNode,
    DirectiveNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    Node,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
    Visitor,
    get_named_type,
    is_abstract_type,
    is_composite_type,
    print_ast,
    visit,
)

from local.appsync.errors import FieldError, Locations, location
from local.appsync.inputs import compile_arguments

Conditions = Mapping[str, bool]
"""The values of the variables that `@skip` and `@include` use."""

Fragments = Mapping[str, FragmentDefinitionNode]


class FieldPlan:
    """One field of one object type in one operation.

    `resolver` is None for a property of the parent. `failure` is set when the field is refused whatever the data
    (authorization, depth); `groups` when the caller must be in one of them.
    """

    def __init__(self, key: str, parent: GraphQLObjectType, definition: GraphQLField, nodes: list[FieldNode]) -> None:
        self.key = key
        self.name = nodes[0].name.value
        self.parent = parent
        self.definition = definition
        self.nodes = nodes
        self.locations: Locations = _locations(nodes[0])
        self.required = isinstance(definition.type, GraphQLNonNull)
        self.arguments = compile_arguments(definition.args, nodes[0].arguments or ())
        self.resolver: Any = None
        self.failure: FieldError | None = None
        self.groups: frozenset[str] | None = None
        self.asks_caller = False  # the mode has a rule of its own for this field: `Caller.may_call`
        self.selection: Selection | None = None
        self.complete: Any = None  # set by the completer: the function of `completion.Complete`
        self.constant: Any = None  # an introspection result that no variable can change
        self.plain: bool | None = None  # what `visibility.is_plain` found

    @property
    def selection_sets(self) -> list[SelectionSetNode]:
        """The selection sets under this field, one per merged node."""
        return [node.selection_set for node in self.nodes if node.selection_set]


class Selection:
    """What is selected under a field: the fields per concrete type, compiled when a type first appears."""

    def __init__(self, compiler: Compiler, sets: list[SelectionSetNode], depth: int) -> None:
        self._compiler = compiler
        self._sets = sets
        self._depth = depth
        self._fields: dict[str, list[FieldPlan]] = {}

    def fields(self, type_name: str) -> list[FieldPlan]:
        """The fields for an object type, in selection order."""
        if type_name not in self._fields:
            self._fields[type_name] = self._compiler.fields(type_name, self._sets, self._depth)
        return self._fields[type_name]


class Binding(Protocol):
    """What the compiler asks about a field; it sets `resolver`, `failure`, `groups` and `asks_caller`."""

    def __call__(self, field: FieldPlan, depth: int) -> None: ...


class Compiler:
    """Compiles the selection sets of one operation."""

    def __init__(self, schema: GraphQLSchema, fragments: Fragments, conditions: Conditions, bind: Binding) -> None:
        self.schema = schema
        self.fragments = fragments
        self.conditions = conditions
        self._bind = bind

    def selection(self, sets: list[SelectionSetNode], depth: int) -> Selection:
        """The selection of an operation (depth 1) or field."""
        return Selection(self, sets, depth)

    def fields(self, type_name: str, sets: Sequence[SelectionSetNode], depth: int) -> list[FieldPlan]:
        """The fields that selection sets have on an object type, merged by response key."""
        parent = self.schema.type_map[type_name]
        assert isinstance(parent, GraphQLObjectType)
        grouped: dict[str, list[FieldNode]] = {}
        for node in self.nodes(sets, lambda condition: self._applies(condition, parent)):
            grouped.setdefault(node.alias.value if node.alias else node.name.value, []).append(node)
        return [self._field(key, parent, nodes, depth) for key, nodes in grouped.items()]

    def nodes(self, sets: Iterable[SelectionSetNode], applies: Callable[[str], bool]) -> Iterable[FieldNode]:
        """The field nodes of selection sets with fragments flattened; `applies` decides on type conditions."""
        visited: set[str] = set()
        for selection_set in sets:
            yield from self._nodes(selection_set.selections, applies, visited)

    def _nodes(
        self, selections: Iterable[SelectionNode], applies: Callable[[str], bool], visited: set[str]
    ) -> Iterable[FieldNode]:
        for node in selections:
            if not included(node.directives, self.conditions):
                continue
            if isinstance(node, FieldNode):
                yield node
            elif isinstance(node, InlineFragmentNode):
                if node.type_condition is None or applies(node.type_condition.name.value):
                    yield from self._nodes(node.selection_set.selections, applies, visited)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in visited:
                visited.add(node.name.value)
                fragment = self.fragments[node.name.value]
                if applies(fragment.type_condition.name.value):
                    yield from self._nodes(fragment.selection_set.selections, applies, visited)

    def _applies(self, condition: str, parent: GraphQLObjectType) -> bool:
        if condition == parent.name:
            return True
        named = self.schema.type_map[condition]
        return is_abstract_type(named) and self.schema.is_sub_type(named, parent)

    def _field(self, key: str, parent: GraphQLObjectType, nodes: list[FieldNode], depth: int) -> FieldPlan:
        definition = self.schema.get_field(parent, nodes[0].name.value)
        assert definition is not None  # validated
        field = FieldPlan(key, parent, definition, nodes)
        if is_composite_type(get_named_type(definition.type)):
            field.selection = self.selection(field.selection_sets, depth + 1)
        if not field.name.startswith("__"):
            self._bind(field, depth)
        return field


def included(directives: Iterable[DirectiveNode] | None, conditions: Conditions) -> bool:
    """Whether `@skip` and `@include` keep a selection."""
    for directive in directives or ():
        name = directive.name.value
        if name in ("skip", "include") and directive.arguments:
            value = directive.arguments[0].value
            wanted = conditions[value.name.value] if isinstance(value, VariableNode) else _literal(value)
            if wanted is (name == "skip"):
                return False
    return True


def condition_variables(nodes: Iterable[Node]) -> tuple[str, ...]:
    """The names of the variables that `@skip` and `@include` use anywhere below the nodes."""
    names: set[str] = set()

    class Collector(Visitor):
        """Collects them."""

        def enter_directive(self, node: DirectiveNode, *_args: Any) -> None:
            """A directive of the document."""
            if node.name.value in ("skip", "include"):
                names.update(a.value.name.value for a in node.arguments or () if isinstance(a.value, VariableNode))

    for node in nodes:
        visit(node, Collector())
    return tuple(sorted(names))


def selection_set_list(compiler: Compiler, field: FieldPlan) -> list[str]:
    """`info.selectionSetList`: paths depth first, aliases in place of names, only fields of the declared types."""
    paths: list[str] = []

    def walk(sets: list[SelectionSetNode], type_name: str, prefix: str) -> None:
        named = compiler.schema.type_map[type_name]

        def applies(condition: str) -> bool:
            other = compiler.schema.type_map[condition]
            return condition == type_name or (
                is_abstract_type(other)
                and isinstance(named, GraphQLObjectType | GraphQLInterfaceType)
                and compiler.schema.is_sub_type(other, named)
            )

        grouped: dict[str, list[FieldNode]] = {}
        for node in compiler.nodes(sets, applies):
            grouped.setdefault(node.alias.value if node.alias else node.name.value, []).append(node)
        for key, nodes in grouped.items():
            paths.append(prefix + key)
            below = [node.selection_set for node in nodes if node.selection_set]
            if below and isinstance(named, GraphQLObjectType | GraphQLInterfaceType):
                walk(below, get_named_type(named.fields[nodes[0].name.value].type).name, f"{prefix}{key}/")

    if field.selection_sets:
        walk(field.selection_sets, get_named_type(field.definition.type).name, "")
    return paths


def selection_set_graphql(field: FieldPlan) -> str:
    """`info.selectionSetGraphQL`: the printed selection set; merged nodes print as one."""
    sets = field.selection_sets
    if not sets:
        return ""
    merged = SelectionSetNode(selections=tuple(node for each in sets for node in each.selections))
    return print_ast(merged)


def _literal(node: Node) -> bool:
    return isinstance(node, BooleanValueNode) and node.value


def _locations(node: FieldNode) -> Locations:
    start = node.loc.start_token if node.loc else None
    return [location(start.line, start.column)] if start else []
