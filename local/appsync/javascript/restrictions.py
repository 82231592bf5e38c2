"""The language limits of APPSYNC_JS, checked before code runs.

Sources: the AppSync Developer Guide, "Supported runtime features", and the rules of `@aws-appsync/eslint-plugin` 2.0.2,
whose names are used here where it has one. What neither source forbids is let through.
"""

from __future__ import annotations

from collections.abc import Callable

from tree_sitter import Node

from local.appsync.javascript.errors import CodeError
from local.appsync.javascript.language import (
    DENIED_MEMBERS,
    DENIED_METHODS,
    FUNCTION_METHODS,
    MAX_CODE_CHARACTERS,
    TAKE_FUNCTIONS,
    UNSUPPORTED_GLOBALS,
)
from local.appsync.javascript.syntax import FUNCTIONS, Binding, Module, Visit, text

# Node type -> (rule, message).
_FORBIDDEN: dict[str, tuple[str, str]] = {
    "for_statement": ("no-for", "for (;;) is not supported; use for...of or for...in"),
    "while_statement": ("no-while", "while is not supported"),
    "do_statement": ("no-while", "do...while is not supported"),
    "continue_statement": ("no-continue", "continue is not supported"),
    "labeled_statement": ("no-labels", "labels are not supported"),
    "try_statement": ("no-try", "try, catch and finally are not supported"),
    "throw_statement": ("no-throw", "throw is not supported; use util.error"),
    "class_declaration": ("no-classes", "classes are not supported"),
    "class": ("no-classes", "classes are not supported"),
    "this": ("no-this", "this is not supported"),
    "super": ("no-classes", "classes are not supported"),
    "generator_function_declaration": ("no-generators", "generators are not supported"),
    "generator_function": ("no-generators", "generators are not supported"),
    "yield_expression": ("no-yield", "yield is not supported"),
    "async": ("no-async", "async is not supported"),
    "await_expression": ("no-await", "await is not supported"),
    "await": ("no-await", "await is not supported"),  # of for await
    "update_expression": ("no-disallowed-unary-operators", "++ and -- are not supported; use += 1"),
    "new_expression": ("no-new", "new is not supported"),
    "regex": ("no-regex", "regex literals are not supported; use util.matches"),
    "with_statement": ("no-with", "with is not supported"),
    "debugger_statement": ("no-debugger", "debugger is not supported"),
    "import": ("no-dynamic-import", "import() is not supported"),
    "meta_property": ("no-meta-property", "import.meta and new.target are not supported"),
}
_OPERATORS = {
    ("unary_expression", "~"): ("no-disallowed-unary-operators", "The operator ~ is not supported"),
    ("binary_expression", "in"): ("no-in-operator", "The operator in is not supported; use Object.hasOwn"),
    ("binary_expression", "instanceof"): ("no-disallowed-binary-operators", "The operator instanceof is not supported"),
}


def check(module: Module) -> None:
    """Raises CodeError for the first thing, in source order, that APPSYNC_JS does not support."""
    characters = len(module.source.decode())
    if characters > MAX_CODE_CHARACTERS:
        message = f"The code has {characters:,} characters; the limit is {MAX_CODE_CHARACTERS:,}"
        raise CodeError(message, file=module.name, line=1, column=1, rule="code-size")
    for visit in module.visits:
        _check_node(module, visit)
    for visit in module.unresolved:
        name = text(visit.node)
        if name in UNSUPPORTED_GLOBALS:
            rule = "no-promise" if name == "Promise" else "no-unsupported-globals"
            raise module.error(visit.node, f"{name} is not supported", rule)
    _check_recursion(module)


def _check_node(module: Module, visit: Visit) -> None:
    node = visit.node
    kind = node.type
    if kind in _FORBIDDEN and (node.is_named or kind in ("async", "await")):
        rule, message = _FORBIDDEN[kind]
        raise module.error(node, message, rule)
    if kind in ("unary_expression", "binary_expression"):
        operator = node.child_by_field_name("operator")
        found = _OPERATORS.get((kind, text(operator))) if operator is not None else None
        if found is not None:
            raise module.error(node, found[1], found[0])
    checker = _CHECKERS.get(kind)
    if checker is not None:
        checker(module, visit)


def _check_call(module: Module, visit: Visit) -> None:
    callee = visit.node.child_by_field_name("function")
    arguments = visit.node.child_by_field_name("arguments")
    if callee is None or arguments is None:
        return
    method = callee.child_by_field_name("property") if callee.type == "member_expression" else None
    if method is not None:
        _check_method(module, visit, callee, text(method))
    if method is not None and text(method) in TAKE_FUNCTIONS:
        return
    for argument in arguments.named_children:
        if _function_of(argument, visit) is not None:
            raise module.error(argument, "Functions can not be passed as an argument", "no-function-passing")


def _check_method(module: Module, visit: Visit, callee: Node, method: str) -> None:
    receiver = callee.child_by_field_name("object")
    name = text(receiver) if receiver is not None and receiver.type == "identifier" else ""
    binding = visit.scope.resolve(name)
    denied = f"Method {name}.{method} is not supported"
    if name in ("Object", "Array", "String") and binding is None:
        if method in DENIED_MEMBERS[name]:
            raise module.error(visit.node, denied, "no-disallowed-methods")
    elif method in DENIED_METHODS and (binding is None or not binding.imported):
        raise module.error(visit.node, f"Method {method} is not supported", "no-disallowed-methods")
    elif method in FUNCTION_METHODS and (name == "" or binding is None or binding.function is not None):
        raise module.error(visit.node, f"Function.{method} is not supported", "no-disallowed-methods")


def _check_return(module: Module, visit: Visit) -> None:
    for value in visit.node.named_children[:1]:
        if _function_of(value, visit) is not None:
            raise module.error(value, "Returning a function is not supported", "no-function-return")


def _check_arrow(module: Module, visit: Visit) -> None:
    body = visit.node.child_by_field_name("body")
    if body is not None and _function_of(body, visit) is not None:
        raise module.error(body, "Returning a function is not supported", "no-function-return")


def _check_declarator(module: Module, visit: Visit) -> None:
    _check_reassign(module, visit, visit.node.child_by_field_name("value"))


def _check_assignment(module: Module, visit: Visit) -> None:
    _check_reassign(module, visit, visit.node.child_by_field_name("right"))
    target = visit.node.child_by_field_name("left")
    if target is not None:
        _check_context_write(module, visit, target)


def _check_delete(module: Module, visit: Visit) -> None:
    operator, target = visit.node.child_by_field_name("operator"), visit.node.child_by_field_name("argument")
    if operator is not None and text(operator) == "delete" and target is not None:
        _check_context_write(module, visit, target)


def _check_reassign(module: Module, visit: Visit, value: Node | None) -> None:
    if value is not None and value.type == "identifier" and _function_of(value, visit) is not None:
        raise module.error(value, "Re-assigning a function is not supported", "no-function-reassign")


def _check_context_write(module: Module, visit: Visit, target: Node) -> None:
    """`ctx` and its members cannot be replaced; what is in stash and args can be changed."""
    if target.type not in ("identifier", "member_expression", "subscript_expression"):
        return
    name = target if target.type == "identifier" else target.child_by_field_name("object")
    if name is None or name.type != "identifier" or not _is_context(visit, text(name)):
        return
    what = text(target)
    message = f"{what} is read-only; only the contents of stash and args can be changed"
    raise module.error(target, message, "no-disallowed-re-assignment")


def _is_context(visit: Visit, name: str) -> bool:
    binding = visit.scope.resolve(name)
    function = binding.first_parameter_of if binding is not None else None
    return function is not None and _name_of(function) in ("request", "response")


def _name_of(function: Node) -> str | None:
    name = function.child_by_field_name("name")
    if name is None and function.parent is not None and function.parent.type == "variable_declarator":
        name = function.parent.child_by_field_name("name")
    return text(name) if name is not None else None


def _function_of(node: Node, visit: Visit) -> Node | None:
    """The function that an expression is, or that it names."""
    if node.type == "parenthesized_expression" and node.named_children:
        return _function_of(node.named_children[0], visit)
    if node.type in FUNCTIONS:
        return node
    if node.type == "identifier":
        binding: Binding | None = visit.scope.resolve(text(node))
        return binding.function if binding is not None else None
    return None


def _check_recursion(module: Module) -> None:
    calls: dict[int, list[tuple[int, Node]]] = {}
    for visit in module.visits:
        if visit.node.type == "call_expression" and visit.scope.function is not None:
            callee = visit.node.child_by_field_name("function")
            function = _function_of(callee, visit) if callee is not None and callee.type == "identifier" else None
            if function is not None:
                calls.setdefault(visit.scope.function.id, []).append((function.id, visit.node))
    for caller, targets in calls.items():
        for target, call in targets:
            if _reaches(calls, target, caller):
                raise module.error(call, "Recursive function calls are not supported", "no-recursion")


def _reaches(calls: dict[int, list[tuple[int, Node]]], start: int, goal: int) -> bool:
    pending, seen = [start], {start}
    while pending:
        function = pending.pop()
        if function == goal:
            return True
        following = [target for target, _ in calls.get(function, ()) if target not in seen]
        seen.update(following)
        pending.extend(following)
    return False


_CHECKERS: dict[str, Callable[[Module, Visit], None]] = {
    "call_expression": _check_call,
    "return_statement": _check_return,
    "arrow_function": _check_arrow,
    "variable_declarator": _check_declarator,
    "assignment_expression": _check_assignment,
    "augmented_assignment_expression": _check_assignment,
    "unary_expression": _check_delete,
}
