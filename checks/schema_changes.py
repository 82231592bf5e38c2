"""Changes of schema.graphql that break stored operations or the clients that hold them.

`python -m checks.schema_changes` compares the schema with each one of `client/released`: what clients in the field were
generated from, the schema and their operations. A change that none of those operations can notice is a warning.

    python -m checks.schema_changes --against FILE    with another schema, for the operations of client/operations
    python -m checks.schema_changes --release         keep the schema and the operations as those of this version
"""

import argparse
import re
import shutil
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from graphql import (
    BreakingChange,
    BreakingChangeType,
    DangerousChangeType,
    DirectiveNode,
    DocumentNode,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    find_breaking_changes,
    find_dangerous_changes,
    validate,
)
from graphql.utilities import value_from_ast_untyped

from checks.operation_uses import Place, Uses, enclosing, place, read, uses
from checks.project import NOTE, ROOT
from checks.schema import MODE_DIRECTIVES, load

SCHEMA = Path("schema.graphql")
OPERATIONS = Path("client", "operations")
RELEASED = Path("client", "released")

# The mode of a type that names none: the first of stacks/api.yaml.
DEFAULT_MODE = "aws_api_key"

# `Field Message.text was removed.`, `A required argument Query.messages(before:) was added.`
_COORDINATE = re.compile(
    r"^(?:Field |Argument |Enum value |A required (?:argument|field) )?(\w+)(?:\.(\w+))?(?:\((\w+):\))?"
)

# Whether these break an operation depends on what it gives for the argument, which validation says exactly.
_OF_ARGUMENTS = frozenset(
    {BreakingChangeType.REQUIRED_ARG_ADDED, BreakingChangeType.ARG_REMOVED, BreakingChangeType.ARG_CHANGED_KIND}
)
# What an omitted value means became another; no error tells.
_OF_DEFAULTS = frozenset(
    {DangerousChangeType.ARG_DEFAULT_VALUE_CHANGE, DangerousChangeType.INPUT_FIELD_DEFAULT_VALUE_CHANGE}
)


@dataclass(frozen=True)
class Finding:
    """A change, and the operations that it breaks (none: a warning)."""

    text: str
    breaks: tuple[Place, ...] = ()

    def __str__(self) -> str:
        if not self.breaks:
            return f"warning: {self.text} No stored operation breaks, other clients may."
        return "\n".join([f"breaks: {self.text}", *(f"    {each}" for each in self.breaks)])


def findings(old: GraphQLSchema, new: GraphQLSchema, document: DocumentNode) -> list[Finding]:
    """What a change of the schema does to operations that were written for the old one."""
    used = uses(document, old)
    invalid = _invalid(document, new)
    found = [_judged(change, used, set(invalid)) for change in find_breaking_changes(old, new)]
    found += _narrowed(old, new, used)
    found += _other_defaults(old, new)
    named = {each for finding in found for each in finding.breaks}
    found += [Finding(text, (where,)) for where, text in invalid.items() if where not in named]
    return sorted(found, key=lambda each: (not each.breaks, each.text))


def _invalid(document: DocumentNode, new: GraphQLSchema) -> dict[Place, str]:
    """Where operations do not fit the new schema, and why."""
    problems: dict[Place, str] = {}
    for error in validate(new, document):
        for node in (error.nodes or ())[:1]:
            problems.setdefault(place(node, enclosing(document, node)), error.message)
    return problems


def _judged(change: BreakingChange, used: Uses, invalid: set[Place]) -> Finding:
    match = _COORDINATE.match(change.description)
    assert match is not None, change.description
    type_, member, argument = match.groups()
    coordinate = f"{type_}.{member}" if member else type_
    if change.type is BreakingChangeType.VALUE_REMOVED_FROM_ENUM:
        # To receive fewer values hurts nobody; a client that sends one is refused.
        places = used.sent.get(coordinate, frozenset())
    elif change.type is BreakingChangeType.REQUIRED_INPUT_FIELD_ADDED:
        places = used.sent.get(type_, frozenset())
    elif change.type in _OF_ARGUMENTS:
        at = used.of(coordinate) | used.of(f"{coordinate}({argument}:)")
        breaking = {(each.file, each.definition) for each in invalid}
        places = frozenset(each for each in at if (each.file, each.definition) in breaking)
    elif change.type is BreakingChangeType.TYPE_REMOVED_FROM_UNION:
        # To receive fewer types hurts nobody; an operation that asks for the one that left does not validate.
        asking = {(each.file, each.definition) for each in used.of(type_)}
        places = frozenset(each for each in invalid if (each.file, each.definition) in asking)
    else:
        places = used.of(coordinate)
    return Finding(change.description, tuple(sorted(places)))


def _other_defaults(old: GraphQLSchema, new: GraphQLSchema) -> Iterator[Finding]:
    for change in find_dangerous_changes(old, new):
        if change.type in _OF_DEFAULTS:
            yield Finding(f"{change.description} Who omits it gets something else.")


def _narrowed(old: GraphQLSchema, new: GraphQLSchema, used: Uses) -> Iterator[Finding]:
    """Fields that callers of some mode or group may not see any more; GraphQL knows nothing of AppSync's directives."""
    for name, before in old.type_map.items():
        after = new.type_map.get(name)
        if not isinstance(before, _WITH_FIELDS) or not isinstance(after, _WITH_FIELDS) or name.startswith("__"):
            continue
        for field in before.fields.keys() & after.fields.keys():
            lost = _lost(_callers(before, field), _callers(after, field))
            if lost:
                places = tuple(sorted(used.of(f"{name}.{field}")))
                yield Finding(f"Field {name}.{field} is closed to {', '.join(lost)}.", places)


_WITH_FIELDS = (GraphQLObjectType, GraphQLInterfaceType)
Callers = dict[str, frozenset[str] | None]


def _callers(type_: GraphQLObjectType | GraphQLInterfaceType, field: str) -> Callers:
    """The directives of the modes that may see a field, each with the groups that it is limited to."""
    modes = set(MODE_DIRECTIVES.values()) | {"aws_auth"}
    for node in (type_.fields[field].ast_node, type_.ast_node):
        found = {each.name.value: _groups(each) for each in (node.directives if node else None) or ()}
        given = {name: groups for name, groups in found.items() if name in modes}
        if given:
            return given
    return {DEFAULT_MODE: None}


def _groups(directive: DirectiveNode) -> frozenset[str] | None:
    for argument in directive.arguments or ():
        if argument.name.value == "cognito_groups":
            return frozenset(value_from_ast_untyped(argument.value))
    return None


def _lost(before: Callers, after: Callers) -> list[str]:
    lost = []
    for mode, groups in sorted(before.items()):
        if mode not in after:
            lost.append(f"@{mode}")
        elif (now := after[mode]) is not None:
            gone = groups - now if groups is not None else {"all but " + ", ".join(sorted(now))}
            lost += [f"@{mode} of {group}" for group in sorted(gone)]
    return lost


def releases(root: Path) -> list[Path]:
    """The folders of the released schemas, one for each version that clients in the field still have."""
    return sorted(path for path in (root / RELEASED).glob("*") if (path / SCHEMA).is_file())


def of_release(root: Path, folder: Path) -> list[Finding]:
    """What the present schema does to the operations of a release."""
    old, new = (load(path.read_text()) for path in (folder / SCHEMA, root / SCHEMA))
    return findings(old, new, read(folder / "operations", root))


def release(root: Path) -> str:
    """Keep the schema and the operations as those of the present version; what happened, in a sentence."""
    version = tomllib.loads((root / "pyproject.toml").read_text())["project"]["version"]
    folder = root / RELEASED / str(version)
    if (folder / SCHEMA).is_file():
        broken = [each for each in of_release(root, folder) if each.breaks]
        if broken:
            return f"{version} is released already, and its clients would break: raise the version first"
        shutil.rmtree(folder)
    shutil.copytree(root / OPERATIONS, folder / "operations")
    shutil.copyfile(root / SCHEMA, folder / SCHEMA)
    return f"kept the schema and the operations of {version}"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m checks.schema_changes", description=__doc__.splitlines()[0])
    parser.add_argument("--against", type=Path, metavar="FILE", help="the schema as it was")
    parser.add_argument("--release", action="store_true", help="keep what is now as this version's")
    given = parser.parse_args(arguments)
    if given.release:
        print(release(ROOT))
        return 0
    if given.against:
        document = read(ROOT / OPERATIONS, ROOT)
        found = findings(load(given.against.read_text()), load((ROOT / SCHEMA).read_text()), document)
    else:
        found = list(dict.fromkeys(each for folder in releases(ROOT) for each in of_release(ROOT, folder)))
    print(*found, sep="\n")
    return 1 if any(each.breaks for each in found) else NOTE if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
