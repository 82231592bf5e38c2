"""The syntax tree of a module, its scopes, and what every name in it refers to.

Built once per module with tree-sitter, in one pass without recursion: an expression may nest thousands deep.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import tree_sitter_javascript
from tree_sitter import Language, Node, Parser

from local.appsync.javascript.errors import CodeError

FUNCTIONS = frozenset(
    {"function_declaration", "generator_function_declaration", "function_expression", "generator_function"}
    | {"arrow_function", "method_definition"}
)
_BLOCKS = frozenset({"statement_block", "for_in_statement", "for_statement", "switch_body", "catch_clause"})
_LANGUAGE = Language(tree_sitter_javascript.language())


@dataclass(eq=False)
class Binding:
    """A declared name and every place it is used (with the node around it).

    `function` is the function that it names; `first_parameter_of` the one whose first parameter it is.
    """

    name: str
    function: Node | None = None
    first_parameter_of: Node | None = None
    imported: bool = False
    references: list[tuple[Node, Node]] = field(default_factory=list)


@dataclass(eq=False)
class Scope:
    """Names visible from a block; `function` is the function around it (None at module level)."""

    parent: Scope | None
    function: Node | None
    is_function: bool
    bindings: dict[str, Binding] = field(default_factory=dict)

    def resolve(self, name: str) -> Binding | None:
        scope: Scope | None = self
        while scope is not None:
            if name in scope.bindings:
                return scope.bindings[name]
            scope = scope.parent
        return None

    def declare(self, name: str, function: Node | None = None, *, hoisted: bool = False) -> Binding:
        scope: Scope = self
        while hoisted and not scope.is_function and scope.parent is not None:
            scope = scope.parent
        return scope.bindings.setdefault(name, Binding(name, function))


@dataclass(frozen=True, eq=False)
class Visit:
    """A node in source order, with the node around it and the scope it stands in."""

    node: Node
    parent: Node | None
    scope: Scope


class Module:
    """A parsed module. Raises CodeError where the text is not JavaScript."""

    def __init__(self, code: str, name: str) -> None:
        self.name = name
        self.source = code.encode()
        self.root = Parser(_LANGUAGE).parse(self.source).root_node
        if self.root.has_error:
            wrong = next(n for n in walk(self.root) if n.is_error or n.is_missing)
            what = f"expected '{wrong.type}'" if wrong.is_missing else f"unexpected '{_first_line(text(wrong))}'"
            raise self.error(wrong, f"Syntax error: {what}", "syntax")
        self.scope = Scope(None, None, is_function=True)
        self.visits: list[Visit] = []
        self.unresolved: list[Visit] = []
        self._read()

    def error(self, node: Node, message: str, rule: str) -> CodeError:
        row, column = self.position(node)
        return CodeError(message, file=self.name, line=row, column=column, rule=rule)

    def position(self, node: Node) -> tuple[int, int]:
        """Line and column of a node, both from 1, the column in characters."""
        row, column_bytes = node.start_point
        start = node.start_byte - column_bytes
        return row + 1, len(self.source[start : node.start_byte].decode()) + 1

    def _read(self) -> None:
        declarations: set[int] = set()
        names: list[Visit] = []
        pending: list[tuple[Node, Node | None, Scope]] = [(self.root, None, self.scope)]
        while pending:
            node, parent, scope = pending.pop()
            self.visits.append(Visit(node, parent, scope))
            inner = scope
            if node.type in FUNCTIONS:
                inner = Scope(scope, node, is_function=True)
                self._declare_function(node, scope, inner, declarations)
            elif node.type in _BLOCKS and not (parent is not None and parent.type in FUNCTIONS):
                inner = Scope(scope, scope.function, is_function=False)
            self._declare(node, parent, inner, declarations)
            if node.type in ("identifier", "shorthand_property_identifier", "shorthand_property_identifier_pattern"):
                names.append(Visit(node, parent, scope))
            pending.extend((child, node, inner) for child in reversed(node.children))
        for visit in names:
            if visit.node.id in declarations or visit.parent is None:
                continue
            if visit.parent.type in ("import_specifier", "namespace_import", "import_clause"):
                continue
            binding = visit.scope.resolve(text(visit.node))
            if binding is None:
                self.unresolved.append(visit)
            else:
                binding.references.append((visit.node, visit.parent))

    def _declare_function(self, node: Node, outer: Scope, inner: Scope, declarations: set[int]) -> None:
        name = node.child_by_field_name("name")
        if name is not None and name.type == "identifier":
            declarations.add(name.id)
            # The name of a function expression is visible only inside it.
            (outer if node.type.endswith("declaration") else inner).declare(text(name), node)
        for target in pattern_names(node.child_by_field_name("parameters") or node.child_by_field_name("parameter")):
            declarations.add(target.id)
            inner.declare(text(target))
        first = first_parameter(node)
        if first is not None and first.type == "identifier":
            inner.bindings[text(first)].first_parameter_of = node

    def _declare(self, node: Node, parent: Node | None, scope: Scope, declarations: set[int]) -> None:
        if node.type == "variable_declarator" and parent is not None:
            value = node.child_by_field_name("value")
            function = value if value is not None and value.type in FUNCTIONS else None
            target = node.child_by_field_name("name")
            for name in pattern_names(target):
                declarations.add(name.id)
                scope.declare(text(name), function, hoisted=parent.type == "variable_declaration")
        elif node.type == "for_in_statement" and (kind := node.child_by_field_name("kind")) is not None:
            for name in pattern_names(node.child_by_field_name("left")):
                declarations.add(name.id)
                scope.declare(text(name), hoisted=text(kind) == "var")
        elif node.type in ("import_specifier", "namespace_import"):
            local = node.child_by_field_name("alias") or node.named_children[-1]
            scope.declare(text(local)).imported = True


def pattern_names(pattern: Node | None) -> Iterator[Node]:
    """The names that a pattern (or a parameter list) binds."""
    pending = [pattern] if pattern is not None else []
    while pending:
        node = pending.pop()
        if node.type in ("identifier", "shorthand_property_identifier_pattern"):
            yield node
        elif node.type in ("assignment_pattern", "object_assignment_pattern"):
            pending.append(node.child_by_field_name("left") or node.named_children[0])
        elif node.type == "pair_pattern":
            pending.append(node.child_by_field_name("value") or node.named_children[-1])
        elif node.type in ("object_pattern", "array_pattern", "rest_pattern", "formal_parameters"):
            pending.extend(reversed(node.named_children))


def first_parameter(function: Node) -> Node | None:
    """The pattern of a function's first parameter."""
    parameters = function.child_by_field_name("parameters")
    if parameters is None:
        return function.child_by_field_name("parameter")
    return next(iter(parameters.named_children), None)


def walk(root: Node) -> Iterator[Node]:
    pending = [root]
    while pending:
        node = pending.pop()
        yield node
        pending.extend(reversed(node.children))


def text(node: Node) -> str:
    return (node.text or b"").decode()


def _first_line(source: str) -> str:
    return source.strip().split("\n")[0][:40]
