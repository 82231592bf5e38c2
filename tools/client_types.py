"""Write the Python types of the clients' stored operations: `client/headwater/generated`, by ariadne-codegen.

    python -m tools.client_types            write the package
    python -m tools.client_types --check    only say whether it is current

From `client/operations/*.graphql` and `schema.graphql` come pydantic models of every operation's answer and of every
fragment, the enums and inputs that these use, and the operations' texts (`documents.py`). What the models rest on is
`client/headwater/wire.py`. The TypeScript types come from the same operations: `client/web/codegen.mjs`.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tempfile
import textwrap
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

from ariadne_codegen.client_generators.package import get_package_generator
from ariadne_codegen.client_generators.result_types import ResultTypesGenerator
from ariadne_codegen.client_generators.scalars import ScalarData
from ariadne_codegen.plugins.base import Plugin
from ariadne_codegen.plugins.manager import PluginManager
from ariadne_codegen.settings import CommentsStrategy, ModelsOnlySettings
from graphql import (
    DefinitionNode,
    DocumentNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLEnumType,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLSchema,
    Node,
    OperationDefinitionNode,
    Source,
    Visitor,
    parse,
    print_ast,
    validate,
    visit,
)

from tools.publish_documents import load

ROOT = Path(__file__).resolve().parent.parent
SCHEMA = ROOT / "schema.graphql"
OPERATIONS = ROOT / "client" / "operations"
OUTPUT = ROOT / "client" / "headwater" / "generated"

COMMAND = "python -m tools.client_types"

# The scalars that become something else than text, besides AWSJSON: types of `headwater.wire`.
MAPPED_SCALARS = ("AWSDate", "AWSDateTime", "AWSTime", "AWSTimestamp")
TEXT_SCALARS = ("AWSEmail", "AWSIPAddress", "AWSPhone", "AWSURL")

# The generator's style, brought to the project's.
_RUFF_RULES = "F401,I,UP"


class InvalidOperations(Exception):
    """The operations cannot become types. `problems` names each, with its file and line where it has one."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class _Style(Plugin):
    """Where ariadne-codegen's own choices are not this project's."""

    def generate_enum(self, class_def: ast.ClassDef, enum_type: GraphQLEnumType) -> ast.ClassDef:
        class_def.bases = [ast.Name(id="OpenEnum")]
        class_def.body[:0] = _docstring(enum_type.description)
        return class_def

    def generate_enums_module(self, module: ast.Module) -> ast.Module:
        module.body[0] = ast.ImportFrom(module="headwater.wire", names=[ast.alias("OpenEnum")], level=0)
        return module

    def generate_input_class(self, class_def: ast.ClassDef, input_type: GraphQLInputObjectType) -> ast.ClassDef:
        # Their fields' descriptions are strings between the fields, which nothing reads at run time.
        class_def.body = [each for each in class_def.body if not isinstance(each, ast.Expr)]
        class_def.body[:0] = _docstring(input_type.description)
        return class_def

    def generate_fragments_module(
        self, module: ast.Module, fragments_definitions: dict[str, FragmentDefinitionNode]
    ) -> ast.Module:
        """A fragment inside a fragment is that fragment's class, not a subclass of it: items are equal wherever they
        came from."""
        same = {
            each.name: each.bases[0].id
            for each in module.body
            if isinstance(each, ast.ClassDef) and _is_bare(each) and isinstance(each.bases[0], ast.Name)
        }
        module.body = [each for each in module.body if not (isinstance(each, ast.ClassDef) and each.name in same)]
        for node in ast.walk(module):
            if isinstance(node, ast.Name):  # a class that is defined further down is named in quotes
                node.id = same.get(node.id.strip("\"'"), node.id)
            if isinstance(node, ast.ClassDef) and node.name in fragments_definitions:
                on = fragments_definitions[node.name].type_condition.name.value
                described = self.schema.type_map[on].description
                node.body[:0] = _docstring(described)
        return module

    def copy_code(self, copied_code: str) -> str:  # noqa: ARG002 - the plugin's signature
        # The only file that is copied is the base of all models.
        return 'from headwater.wire import Model as BaseModel\n\n__all__ = ["BaseModel"]\n'


def _is_bare(class_def: ast.ClassDef) -> bool:
    return len(class_def.bases) == 1 and len(class_def.body) == 1 and isinstance(class_def.body[0], ast.Pass)


def _docstring(text: str | None) -> list[ast.stmt]:
    return [ast.Expr(ast.Constant(textwrap.fill(text, 100)))] if text else []


def _keep(self: ResultTypesGenerator, node: Node) -> Node:  # noqa: ARG001 - it becomes a method
    """ariadne-codegen 0.19 takes its own `@mixin` out of a copy by assignment, which graphql-core 3.3's frozen nodes
    refuse. No operation here has that directive, so that there is nothing to take out."""
    return node


ResultTypesGenerator._get_node_without_mixin_directive = _keep  # type: ignore[method-assign]


def definitions_of(folder: Path, schema: GraphQLSchema) -> list[DefinitionNode]:
    """The operations and fragments of all files, by file and then as written.

    Raises:
        InvalidOperations: they do not parse, do not fit the schema, or two have one name.
    """
    found: list[DefinitionNode] = []
    problems: list[str] = []
    for path in sorted(folder.glob("*.graphql")):
        try:
            found += parse(Source(path.read_text(), path.name)).definitions
        except GraphQLError as error:
            problems.append(_located(error))
    if not problems:
        problems = [_located(error) for error in validate(schema, DocumentNode(definitions=tuple(found)))]
    names = Counter(_name(each) for each in found)
    problems += [f"{name}: the name of two definitions" for name, count in names.items() if count > 1]
    if problems:
        raise InvalidOperations(problems)
    return found


def _located(error: GraphQLError) -> str:
    node = error.nodes[0] if error.nodes else None
    source = error.source or (node.loc.source if node and node.loc else None)
    line = error.locations[0].line if error.locations else 0
    return f"{source.name if source else '?'}:{line}: {error.message}"


def _name(definition: DefinitionNode) -> str:
    name = getattr(definition, "name", None)
    return name.value if name else ""


def package(schema_text: str, folder: Path) -> dict[str, str]:
    """The files of the generated package: name -> text.

    Raises:
        InvalidOperations: the operations do not fit the schema.
    """
    schema = load(schema_text)
    definitions = definitions_of(folder, schema)
    fragments = {each.name.value: each for each in definitions if isinstance(each, FragmentDefinitionNode)}
    operations = [each for each in definitions if isinstance(each, OperationDefinitionNode)]
    with tempfile.TemporaryDirectory() as scratch:
        generated = Path(scratch) / "generated"
        settings = _settings(Path(scratch))
        plugins = PluginManager(schema, {}, [_Style])
        generator = get_package_generator(schema, list(fragments.values()), settings, plugins)
        for each in operations:
            # Without variables graphql-core 3.3 says None where ariadne-codegen expects an empty tuple.
            generator.add_operation(replace(each, variable_definitions=each.variable_definitions or ()))
        generator.generate()
        (generated / "documents.py").write_text(documents(operations, fragments))
        (generated / "__init__.py").write_text(init({path.stem: path.read_text() for path in generated.glob("*.py")}))
        for path in generated.iterdir():
            header = f"# Generated from client/operations by `{COMMAND}`; do not edit.\n\n"
            future = "from __future__ import annotations\n\n" if path.stem not in ("__init__", "documents") else ""
            path.write_text(header + future + path.read_text())
        _restyle(generated)
        return {path.name: path.read_text() for path in sorted(generated.glob("*.py"))}


def _settings(folder: Path) -> ModelsOnlySettings:
    return ModelsOnlySettings(
        schema_path=str(SCHEMA),
        target_package_path=str(folder),
        target_package_name="generated",
        include_comments=CommentsStrategy.NONE,
        include_all_inputs=False,
        include_all_enums=True,
        include_typename=False,
        default_optional_fields_to_none=True,
        use_alias_generator=True,
        defer_model_build=True,
        scalars={
            **{name: ScalarData(type_=f"headwater.wire.{name}", graphql_name=name) for name in MAPPED_SCALARS},
            "AWSJSON": ScalarData("headwater.wire.AWSJSON", parse="headwater.wire.parse_json", graphql_name="AWSJSON"),
            **{name: ScalarData(type_="str", graphql_name=name) for name in TEXT_SCALARS},
        },
    )


def _restyle(folder: Path) -> None:
    ruff = str(Path(sys.executable).parent / "ruff")
    configured = ["--config", str(ROOT / "pyproject.toml"), "--no-cache", "--quiet"]
    # Named, not found: a module that is yet to be written would else be sorted as somebody else's.
    known = 'lint.isort.known-first-party=["headwater"]'
    fixing = ["--fix-only", "--select", _RUFF_RULES, "--config", known]
    subprocess.run([ruff, "check", *fixing, *configured, str(folder)], check=True)
    subprocess.run([ruff, "format", *configured, str(folder)], check=True)


def documents(operations: list[OperationDefinitionNode], fragments: dict[str, FragmentDefinitionNode]) -> str:
    """The operations' texts, each with the fragments that it needs, as constants."""
    parts = ['"""The stored operations, as they are sent."""\n']
    for operation in sorted(operations, key=_name):
        needed = sorted(_fragments(operation, fragments))
        text = "\n\n".join(print_ast(each) for each in (operation, *(fragments[name] for name in needed)))
        parts.append(f'{constant(_name(operation))} = """\\\n{text}\n"""\n')
    return "\n".join(parts)


def constant(name: str) -> str:
    """`MessageChanges` -> `MESSAGE_CHANGES`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).upper()


def _fragments(node: Node, fragments: dict[str, FragmentDefinitionNode]) -> set[str]:
    """The names of the fragments that a definition needs, also through others."""
    found: set[str] = set()

    class Spreads(Visitor):
        def enter_fragment_spread(self, spread: FragmentSpreadNode, *_: Any) -> None:
            found.add(spread.name.value)

    visit(node, Spreads())
    return found.union(*(_fragments(fragments[name], fragments) for name in found))


def init(modules: dict[str, str]) -> str:
    """The package's own module: fragments, enums, inputs and operations by name, imported when first asked for."""
    homes: dict[str, str] = {}
    for module, text in sorted(modules.items()):
        if module in ("__init__", "base_model", "documents"):
            continue
        classes = _classes(text)
        for name in classes if module in ("enums", "fragments", "input_types") else classes[:1]:
            if name in homes:
                raise InvalidOperations([f"{name}: a class of {homes[name]}.py and of {module}.py; rename one"])
            homes[name] = module
    imports = "".join(f"    from headwater.generated.{homes[name]} import {name} as {name}\n" for name in sorted(homes))
    table = "".join(f'    "{name}": "{homes[name]}",\n' for name in sorted(homes))
    return f'''"""The types of the stored operations. A module is imported when one of its names is first asked for."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
{imports}
_HOMES = {{
{table}}}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {{__name__!r}} has no attribute {{name!r}}")
    value: object = getattr(import_module(f"{{__name__}}.{{_HOMES[name]}}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(_HOMES)
'''


def _classes(text: str) -> list[str]:
    return [each.name for each in ast.parse(text).body if isinstance(each, ast.ClassDef)]


def differences(folder: Path, files: dict[str, str]) -> list[str]:
    """What is not current in a folder."""
    present = {path.name for path in folder.glob("*.py")}
    stale = [name for name in sorted(files) if name in present and (folder / name).read_text() != files[name]]
    missing = [f"{name} is missing" for name in sorted(files.keys() - present)]
    surplus = [f"{name} has no operation any more" for name in sorted(present - files.keys())]
    return [*(f"{name} is not current" for name in stale), *missing, *surplus]


def main(arguments: list[str]) -> int:
    """Write or check the package; the result is the exit status."""
    try:
        files = package(SCHEMA.read_text(), OPERATIONS)
    except InvalidOperations as error:
        print("\n".join(f"{OPERATIONS.relative_to(ROOT)}: {problem}" for problem in error.problems))
        return 1
    if "--check" in arguments:
        found = differences(OUTPUT, files)
        print("\n".join(f"{OUTPUT.relative_to(ROOT)}/{problem}: run `make types`" for problem in found))
        return 1 if found else 0
    OUTPUT.mkdir(parents=True, exist_ok=True)
    for path in OUTPUT.glob("*.py"):
        if path.name not in files:
            path.unlink()
    for name, text in files.items():
        (OUTPUT / name).write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
