"""What a selection shows of a value: `data` of util.error, and a mutation's result as subscribers may see it."""

from __future__ import annotations

from typing import Any

from graphql import GraphQLObjectType, get_named_type

from local.appsync.plan import FieldPlan


def visible(field: FieldPlan, value: Any) -> Any:
    """A raw value reduced to the field's selection; keys that the value lacks are null. Leaves stay as they are."""
    if isinstance(value, list):
        return [visible(field, item) for item in value]
    if field.selection is None or not isinstance(value, dict):
        return value
    named = get_named_type(field.definition.type)
    name = named.name if isinstance(named, GraphQLObjectType) else value.get("__typename")
    if not isinstance(name, str):
        return None
    return {
        child.key: name if child.name == "__typename" else visible(child, value.get(child.name))
        for child in field.selection.fields(name)
    }


def is_plain(field: FieldPlan) -> bool:
    """Whether a completed value already is its payload: no alias and no abstract type below the field."""
    if field.plain is None:
        field.plain = _is_plain(field)
    return field.plain


def _is_plain(field: FieldPlan) -> bool:
    if field.selection is None:
        return True
    named = get_named_type(field.definition.type)
    if not isinstance(named, GraphQLObjectType):
        return False
    return all(child.key == child.name and is_plain(child) for child in field.selection.fields(named.name))


def payload(field: FieldPlan, value: Any, types: dict[int, str]) -> Any:
    """A completed value by schema field names, with `__typename` where the schema leaves the type open.

    `types` are the concrete types of the objects at abstract positions, by id(). Of two aliases of one field the
    later one counts; AppSync's choice is not documented.
    """
    if isinstance(value, list):
        return [payload(field, item, types) for item in value]
    if field.selection is None or not isinstance(value, dict):
        return value
    named = get_named_type(field.definition.type)
    name = named.name if isinstance(named, GraphQLObjectType) else types[id(value)]
    result = {
        child.name: payload(child, value[child.key], types)
        for child in field.selection.fields(name)
        if child.key in value
    }
    result["__typename"] = name
    return result
