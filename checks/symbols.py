"""Does what a document names exist? A reference is a path from the root, or `path:symbol` inside a file.

A symbol is a function, class, method (`Class.method`) or constant in Python; a resource, parameter or output in a
template; a type, field or directive (`Query.room`, `@aws_subscribe`) in GraphQL; a target in a Makefile; and in any
other file a word of its text.
"""

import ast
import re
from pathlib import Path

import yaml
from graphql import (
    FieldDefinitionNode,
    InputValueDefinitionNode,
    TypeDefinitionNode,
    parse,
)

from checks.cloudformation import parse as parse_template


def missing(root: Path, reference: str) -> str | None:
    """Why a reference leads nowhere, or None when it leads somewhere."""
    name, _, symbol = reference.partition(":")
    path = root / name
    if not path.exists():
        return f"{name} does not exist"
    if not symbol:
        return None
    if path.is_dir():
        return f"{name} is a folder and has no symbol {symbol}"
    return None if has_symbol(path, symbol) else f"{name} has no {symbol}"


def has_symbol(path: Path, symbol: str) -> bool:
    text = path.read_text()
    if path.suffix == ".py":
        return symbol in python_symbols(text)
    if path.suffix == ".graphql":
        return symbol in graphql_symbols(text)
    if path.suffix in {".yaml", ".yml"}:
        return symbol in template_symbols(path)
    if path.name == "Makefile":
        return symbol in make_targets(text)
    return re.search(rf"(?<!\w){re.escape(symbol)}(?!\w)", text) is not None


def python_symbols(source: str) -> set[str]:
    """Names that a module defines at its top level, and `Class.name` for what its classes define."""
    found: set[str] = set()
    for node in ast.parse(source).body:
        for name in _defined(node):
            found.add(name)
            if isinstance(node, ast.ClassDef):
                found |= {f"{name}.{inner}" for member in node.body for inner in _defined(member)}
    return found


def _defined(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.AnnAssign):
        return [node.target.id] if isinstance(node.target, ast.Name) else []
    if isinstance(node, ast.Assign):
        return [target.id for target in node.targets if isinstance(target, ast.Name)]
    return []


def graphql_symbols(source: str) -> set[str]:
    """Type names and `Type.field` coordinates of a schema."""
    found: set[str] = set()
    for definition in parse(source).definitions:
        if not isinstance(definition, TypeDefinitionNode):
            continue
        found.add(definition.name.value)
        for field in getattr(definition, "fields", None) or ():
            if isinstance(field, FieldDefinitionNode | InputValueDefinitionNode):
                found.add(f"{definition.name.value}.{field.name.value}")
    return found


def template_symbols(path: Path) -> set[str]:
    """Logical ids of a template's resources, parameters, outputs and so on; the top-level keys of any other YAML."""
    try:
        content = parse_template(path)
    except yaml.YAMLError:
        return set()
    sections = ("Resources", "Parameters", "Outputs", "Conditions", "Mappings")
    found = {str(name) for section in sections for name in content.get(section) or {}}
    return found if "Resources" in content else {str(name) for name in content}


def make_targets(source: str) -> set[str]:
    """The targets of a Makefile."""
    return set(re.findall(r"^([A-Za-z][\w-]*):(?!=)", source, re.MULTILINE))
