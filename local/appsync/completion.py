"""Completion: what resolvers returned to what the client gets, compiled to one function per position of a plan.

Everything here is synchronous. A field with a resolver of its own leaves its key in place and hands a job to the run,
so that a list of plain properties costs no task and no await. A non-null position without a value answers INVALID;
the nearest nullable position above turns it into null. AppSync reports every offending position (sheet 1.4), so nothing
is cut short.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Protocol

from graphql import (
    GraphQLEnumType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLScalarType,
    GraphQLSchema,
)

from local.appsync.errors import Path, completion_error, null_violation, path_text
from local.appsync.plan import FieldPlan, Selection
from local.appsync.scalars import SCALARS, ScalarError, java_text


class Invalid:
    """The type of INVALID."""


INVALID: Final = Invalid()
"""Stands for the null that a non-null position may not have; its error is already recorded."""

Anchor = tuple[Any, Any] | None
"""Where to put null when a field that finishes later turns out INVALID: a container and its key."""


class Run(Protocol):
    """What completion needs of the operation that runs."""

    errors: list[dict[str, Any]]
    types: dict[int, str]  # the concrete type of each completed object at an abstract position, by id()

    def special(self, field: FieldPlan, source: Any, path: Path, out: dict[str, Any], anchor: Anchor) -> Any:
        """A field that is more than a property: its value, INVALID, or the placeholder of a job."""


Complete = Callable[[Any, Path, Any, Any, Anchor, Any], Any]
"""(value, path of the parent, key, container, anchor of the parent, run) -> completed value or INVALID."""

Fill = Callable[[Any, Path, dict[str, Any], Anchor, Any], bool]
"""(source, path, out, anchor, run): completes the fields of an object into `out`; False when one is INVALID."""

# Values of exactly this Python type need no conversion.
FAST: dict[str, type] = {"String": str, "ID": str, "Boolean": bool}


class _Never:
    """A type that no value has."""


class Completer:
    """Builds and keeps the functions of one schema's plans. With `payload`, leaves are already serialized.

    Payload mode serves subscriptions: the value is a mutation's completed result by field names.
    """

    def __init__(self, schema: GraphQLSchema, *, payload: bool = False) -> None:
        self._schema = schema
        self._payload = payload

    def position(self, expected: GraphQLOutputType, field: FieldPlan) -> Complete:
        """The completion of a value of a type, at or below a field."""
        required = isinstance(expected, GraphQLNonNull)
        inner = expected.of_type if isinstance(expected, GraphQLNonNull) else expected
        absent = _violation(str(inner), field.parent.name) if required else None
        if isinstance(inner, GraphQLList):
            return _list(self.position(inner.of_type, field), absent)
        if isinstance(inner, GraphQLObjectType):
            assert field.selection is not None
            return self._object(inner.name, field.selection, absent)
        if isinstance(inner, GraphQLEnumType):
            return _leaf(_identity if self._payload else _enum(inner), absent)
        if isinstance(inner, GraphQLScalarType):
            return _leaf(_identity if self._payload else SCALARS[inner.name].serialize, absent)
        return self._abstract(inner, field, absent)

    def fill(self, fields: list[FieldPlan]) -> Fill:
        """The function that completes an object's fields in selection order."""
        entries = [self._entry(field) for field in fields]

        def fill(source: Any, path: Path, out: dict[str, Any], anchor: Anchor, run: Any) -> bool:
            # A scalar where an object is expected has no properties; graphql-java finds null for each.
            get = source.get if isinstance(source, dict) else _nothing
            valid = True
            for key, name, fast, complete, field in entries:
                if field is None:
                    value = get(name)
                    if type(value) is fast:
                        out[key] = value
                        continue
                    value = complete(value, path, key, out, anchor, run)
                else:
                    out[key] = None  # keeps the order of keys; a job may fill it in
                    value = run.special(field, source, path, out, anchor)
                if value is INVALID:
                    valid = False
                else:
                    out[key] = value
            return valid

        return fill

    def _entry(self, field: FieldPlan) -> tuple[str, str, type, Complete, FieldPlan | None]:
        if field.name == "__typename":
            name = field.parent.name

            def typename(*_args: Any) -> str:
                return name

            return field.key, field.name, _Never, typename, None
        complete = field.complete = self.position(field.definition.type, field)
        named = field.definition.type
        inner = named.of_type if isinstance(named, GraphQLNonNull) else named
        fast = FAST.get(inner.name, _Never) if isinstance(inner, GraphQLScalarType) else _Never
        return field.key, field.name, fast, complete, field if is_special(field) else None

    def _object(self, type_name: str, selection: Selection, absent: Callable[..., Any] | None) -> Complete:
        """Compiles its fields at first use: recursion is bounded by the document, not by the types."""
        fill: Fill | None = None

        def complete(value: Any, path: Path, key: Any, container: Any, anchor: Anchor, run: Any) -> Any:
            nonlocal fill
            if value is None:
                return absent(path, key, run) if absent else None
            if fill is None:
                fill = self.fill(selection.fields(type_name))
            out: dict[str, Any] = {}
            if fill(value, (path, key), out, anchor if absent else (container, key), run):
                return out
            return INVALID if absent else None

        return complete

    def _abstract(self, expected: Any, field: FieldPlan, absent: Callable[..., Any] | None) -> Complete:
        assert field.selection is not None
        selection = field.selection
        possible = {each.name for each in self._schema.get_possible_types(expected)}
        objects: dict[str, Complete] = {}

        def complete(value: Any, path: Path, key: Any, container: Any, anchor: Anchor, run: Any) -> Any:
            if value is None:
                return absent(path, key, run) if absent else None
            name = value.get("__typename") if isinstance(value, dict) else None
            if name not in possible:
                run.errors.append(_unresolved(value, name, expected.name, field, (path, key)))
                return INVALID if absent else None
            if name not in objects:
                objects[name] = self._object(name, selection, absent)
            result = objects[name](value, path, key, container, anchor, run)
            if isinstance(result, dict):
                run.types[id(result)] = name
            return result

        return complete


def is_special(field: FieldPlan) -> bool:
    """Whether a field is more than a property of its parent."""
    return (
        field.resolver is not None
        or field.failure is not None
        or field.groups is not None
        or field.asks_caller
        or field.name.startswith("__")
    )


def _nothing(_name: str) -> None:
    return None


def _identity(value: Any) -> Any:
    return value


def _violation(type_text: str, parent: str) -> Callable[[Path, Any, Run], Invalid]:
    def absent(path: Path, key: Any, run: Run) -> Invalid:
        run.errors.append(null_violation(type_text, parent, (path, key)))
        return INVALID

    return absent


def _leaf(serialize: Callable[[Any], Any], absent: Callable[..., Any] | None) -> Complete:
    def complete(value: Any, path: Path, key: Any, _container: Any, _anchor: Anchor, run: Any) -> Any:
        if value is None:
            return absent(path, key, run) if absent else None
        try:
            return serialize(value)
        except ScalarError as error:
            at = (path, key)
            run.errors.append(completion_error(f"Can't serialize value ({path_text(at)}) : {error}", at))
            return INVALID if absent else None

    return complete


def _enum(expected: GraphQLEnumType) -> Callable[[Any], str]:
    names = frozenset(expected.values)

    def serialize(value: Any) -> str:
        if isinstance(value, str) and value in names:
            return value
        raise ScalarError(f"Invalid input for Enum '{expected.name}'. Unknown value '{java_text(value)}'")

    return serialize


def _list(item: Complete, absent: Callable[..., Any] | None) -> Complete:
    def complete(value: Any, path: Path, key: Any, container: Any, anchor: Anchor, run: Any) -> Any:
        if value is None:
            return absent(path, key, run) if absent else None
        at = (path, key)
        if not isinstance(value, list | tuple):
            got = "OBJECT" if isinstance(value, dict) else "SCALAR"
            message = f"Can't resolve value ({path_text(at)}) : type mismatch error, expected type LIST, got {got}"
            run.errors.append(completion_error(message, at))
            return INVALID if absent else None
        result: list[Any] = [None] * len(value)
        if not absent:
            anchor = (container, key)
        valid = True
        for index, each in enumerate(value):
            completed = item(each, at, index, result, anchor, run)
            if completed is INVALID:
                valid = False
            else:
                result[index] = completed
        if valid:
            return result
        return INVALID if absent else None

    return complete


def _unresolved(value: Any, name: Any, expected: str, field: FieldPlan, path: Path) -> dict[str, Any]:
    """An object of an abstract type whose concrete type cannot be told (wording: serverless-appsync-plugin #603)."""
    if not isinstance(value, dict):
        reason = f"Could not determine the exact type of {expected}. Expected MAP/OBJECT type.'"
    elif name is None:
        reason = f"Could not determine the exact type of {expected}. Missing __typename key on value.'"
    else:
        reason = f"Runtime Object type '{java_text(name)}' is not a possible type for '{expected}'."
    return completion_error(
        f"Can't resolve '{path_text(path)}'. Abstract type '{expected}' must resolve to an Object type at runtime "
        f"for field '{field.parent.name}.{field.name}'. {reason}",
        path,
    )
