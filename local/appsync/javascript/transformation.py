"""From an ES module to a script that the engine runs, every line where it was.

Imports become constants in front of the code, `export` is blanked out, each loop counts its iterations. What is blanked
keeps its length, so that positions shift only behind the loop counters, and `Script.position` undoes that.
"""

from __future__ import annotations

from dataclasses import dataclass

from tree_sitter import Node

from local.appsync.javascript.language import MAX_LOOP_ITERATIONS, MODULES, MODULES_NOT_EMULATED
from local.appsync.javascript.syntax import Module, text
from local.errors import NotEmulated

FIRST_LINE = 100_001
"""User code starts on this line, above every line of the runtime's own files, so that a stack tells them apart."""


@dataclass(frozen=True)
class Script:
    """The script, the local names of the exported handlers, and where text was put in (line -> [(column, length)])."""

    text: str
    handlers: dict[str, str]
    insertions: dict[int, list[tuple[int, int]]]

    def position(self, line: int, column: int) -> tuple[int, int]:
        """Line and column in the module of a position that the engine reports."""
        line -= FIRST_LINE - 1
        shift = 0
        for at, length in self.insertions.get(line, ()):
            if at + shift + length > column:
                break
            shift += length
        return line, max(1, column - shift)


def transform(module: Module) -> Script:
    """The script of a checked module. Raises CodeError for imports and exports that AppSync does not have."""
    constants: list[str] = []
    handlers: dict[str, str] = {}
    source = bytearray(module.source)
    for statement in module.root.named_children:
        if statement.type == "import_statement":
            constants.extend(_imports(module, statement))
            _blank(source, statement.start_byte, statement.end_byte)
        elif statement.type == "export_statement":
            _exports(module, statement, handlers, source)
    inserted = _loop_counters(module)
    insertions: dict[int, list[tuple[int, int]]] = {}
    pieces: list[str] = []
    done = 0
    for at, piece in inserted:
        pieces.append(source[done:at].decode())
        pieces.append(piece)
        done = at
        row = source.count(b"\n", 0, at)
        start = source.rfind(b"\n", 0, at) + 1
        insertions.setdefault(row + 1, []).append((len(source[start:at].decode()) + 1, len(piece)))
    pieces.append(source[done:].decode())
    exported = ", ".join(f"{name}: {local}" for name, local in handlers.items() if name in ("request", "response"))
    head = "(function ($modules, $exceeded) { 'use strict'; " + " ".join(constants) + "{"
    tail = f"\nreturn {{ {exported} }};\n}} }})"
    return Script("\n" * (FIRST_LINE - 2) + head + "\n" + "".join(pieces) + tail, handlers, insertions)


def _imports(module: Module, statement: Node) -> list[str]:
    source = statement.child_by_field_name("source")
    path = text(source)[1:-1] if source is not None else ""
    if path in MODULES_NOT_EMULATED:
        reason = f"imported by {module.name}; '@aws-appsync/utils' and its dynamodb module are what is here"
        raise NotEmulated(path, reason)
    if path not in MODULES:
        raise module.error(statement, f"Cannot find module '{path}'", "no-unknown-imports")
    variable, members = MODULES[path]
    constants = []
    for clause in (child for child in statement.named_children if child.type == "import_clause"):
        for part in clause.named_children:
            if part.type == "namespace_import":
                constants.append(f"const {text(part.named_children[-1])} = $modules.{variable};")
            elif part.type == "named_imports":
                for specifier in part.named_children:
                    name = text(specifier.named_children[0])
                    # Types such as Context vanish from bundled code, but some authors leave the import standing.
                    if name not in members and not (name[:1].isupper() and variable == "utils"):
                        raise module.error(specifier, f"Module '{path}' has no export '{name}'", "no-unknown-imports")
                    local = text(specifier.named_children[-1])
                    constants.append(f"const {local} = $modules.{variable}.{name};" if name in members else "")
            else:
                raise module.error(part, f"Module '{path}' has no default export", "no-unknown-imports")
    return constants


def _exports(module: Module, statement: Node, handlers: dict[str, str], source: bytearray) -> None:
    declaration = statement.child_by_field_name("declaration")
    if declaration is not None and statement.child_by_field_name("decorator") is None:
        if any(child.type == "default" for child in statement.children):
            raise module.error(statement, "export default is not supported", "no-default-export")
        names = [declaration] if declaration.child_by_field_name("name") else declaration.named_children
        for name in (part.child_by_field_name("name") for part in names):
            if name is not None and name.type == "identifier":
                handlers[text(name)] = text(name)
        _blank(source, statement.start_byte, declaration.start_byte)
        return
    clause = next((child for child in statement.named_children if child.type == "export_clause"), None)
    if clause is None or statement.child_by_field_name("source") is not None:
        raise module.error(statement, "Only request and response can be exported", "no-unsupported-exports")
    for specifier in clause.named_children:
        local = text(specifier.named_children[0])
        if local not in module.scope.bindings:
            raise module.error(specifier, f"{local} is not declared", "no-unsupported-exports")
        handlers[text(specifier.named_children[-1])] = local
    _blank(source, statement.start_byte, statement.end_byte)


def _loop_counters(module: Module) -> list[tuple[int, str]]:
    """Insertions, in order, that make each loop call `$exceeded` when it has run too often."""
    opening: list[tuple[int, int, int, str]] = []
    for number, visit in enumerate(v for v in module.visits if v.node.type == "for_in_statement"):
        loop, body = visit.node, visit.node.child_by_field_name("body")
        if body is None:
            continue
        counter = f"$i{number}"
        check = f"if (({counter} += 1) > {MAX_LOOP_ITERATIONS}) $exceeded();"
        opening.append((loop.start_byte, 1, number, f"{{ let {counter} = 0; "))
        opening.append((loop.end_byte, 0, -number, "}"))
        if body.type == "statement_block":
            opening.append((body.start_byte + 1, 1, number, check))
        else:
            opening.append((body.start_byte, 1, number, "{" + check))
            opening.append((body.end_byte, 0, -number, "}"))
    return [(at, piece) for at, _, _, piece in sorted(opening)]


def _blank(source: bytearray, start: int, end: int) -> None:
    """Replaces text by spaces, character for character, keeping line ends."""
    kept = "".join("\n" if character == "\n" else " " for character in source[start:end].decode())
    kept += " " * (end - start - len(kept.encode()))
    source[start:end] = kept.encode()
