"""What of the context a handler can touch, so that only that crosses into the engine and back.

Crossing as JSON is most of a call's time; a handler that reads `ctx.args.id` needs nothing but the arguments. Where the
context itself is passed on or returned, everything crosses.
"""

from __future__ import annotations

from tree_sitter import Node

from local.appsync.javascript.syntax import Module, first_parameter, text

MEMBERS = frozenset({"arguments", "identity", "source", "stash", "result", "prev", "error", "request", "info", "env"})

_MUTATORS = frozenset({"push", "pop", "shift", "unshift", "splice", "sort", "reverse", "fill", "assign"})
_PLACES = frozenset({"member_expression", "subscript_expression", "object_pattern", "array_pattern"})


def reads(module: Module, function: Node | None) -> frozenset[str]:
    """The members of the context that a handler reads; all of them where that cannot be told."""
    if function is None:
        return MEMBERS
    parameter = first_parameter(function)
    if parameter is None:
        uses_arguments = any(text(v.node) == "arguments" for v in module.unresolved)
        return MEMBERS if uses_arguments else frozenset()
    if parameter.type == "object_pattern":
        return _named(parameter)
    if parameter.type != "identifier":
        return MEMBERS
    found: set[str] = set()
    for visit in module.visits:
        if visit.node.type not in ("identifier", "shorthand_property_identifier") or visit.parent is None:
            continue
        binding = visit.scope.resolve(text(visit.node))
        if binding is None or binding.first_parameter_of is None or binding.first_parameter_of.id != function.id:
            continue
        if visit.node.id != parameter.id:
            found |= _member(visit.node, visit.parent)
    return frozenset(found)


def mutates(module: Module) -> bool:
    """Whether any code of the module can change an object in place."""
    return any(_is_mutation(visit.node, visit.parent) for visit in module.visits)


def _is_mutation(node: Node, parent: Node | None) -> bool:
    match node.type:
        case "assignment_expression" | "augmented_assignment_expression" | "for_in_statement":
            target = node.child_by_field_name("left")
            return target is not None and target.type in _PLACES
        case "unary_expression":
            return text(node).startswith("delete")
        case "property_identifier":
            return text(node) in _MUTATORS
        case "subscript_expression":
            return parent is not None and parent.type == "call_expression"  # a method by a computed name
    return False


def _member(reference: Node, parent: Node) -> frozenset[str]:
    """The member that one use of the context reads."""
    if parent.type == "member_expression" and parent.child_by_field_name("object") == reference:
        return _known(text(parent.child_by_field_name("property") or reference))
    if parent.type == "variable_declarator" and parent.child_by_field_name("value") == reference:
        pattern = parent.child_by_field_name("name")
        return _named(pattern) if pattern is not None and pattern.type == "object_pattern" else MEMBERS
    return MEMBERS


def _named(pattern: Node) -> frozenset[str]:
    found: set[str] = set()
    for part in pattern.named_children:
        key = part
        if part.type == "pair_pattern":
            key = part.child_by_field_name("key") or part
        elif part.type == "object_assignment_pattern":
            key = part.child_by_field_name("left") or part
        if key.type not in ("property_identifier", "shorthand_property_identifier_pattern", "identifier"):
            return MEMBERS
        found |= _known(text(key))
    return frozenset(found)


def _known(member: str) -> frozenset[str]:
    name = "arguments" if member == "args" else member
    return frozenset({name}) & MEMBERS
