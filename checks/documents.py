"""Documents under test: links lead somewhere, code blocks are valid, commands exist.

Blocks tagged `json`, `yaml`, `python` and `toml` must parse; `graphql` must parse and, when it is an operation, hold
against `schema.graphql`. A block that is meant as a sketch is tagged `text` or not at all.
"""

import ast
import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml
from graphql import ExecutableDefinitionNode, GraphQLSyntaxError, parse, validate

from checks.project import committed_files, report
from checks.schema import load
from checks.symbols import make_targets

_FENCE = re.compile(r"^([ \t]*)```([\w-]*)[^\n]*\n(.*?)^[ \t]*```[ \t]*$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6}\s+(.*)$", re.MULTILINE)
_MAKE = re.compile(r"\bmake ([a-z][\w-]*)")
_MODULE = re.compile(r"python -m ((?:local|checks|benchmarks|tools)(?:\.\w+)*)")
_CODE = re.compile(r"`([^`\n]+)`")


@dataclass(frozen=True)
class Block:
    """A fenced code block: its language tag, its text without the fence's indent, and the line it begins on."""

    language: str
    text: str
    line: int


def blocks(text: str) -> Iterator[Block]:
    for match in _FENCE.finditer(text):
        indent = len(match[1])
        content = "".join(line[indent:] for line in match[3].splitlines(keepends=True))
        yield Block(match[2], content, text.count("\n", 0, match.start()) + 2)


def without_blocks(text: str) -> str:
    """The prose: fenced blocks blanked out, so that line numbers stay."""
    return _FENCE.sub(lambda match: "\n" * match[0].count("\n"), text)


def anchors(text: str) -> set[str]:
    """The heading anchors of a document, as GitHub makes them."""
    headings = (re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", each) for each in _HEADING.findall(without_blocks(text)))
    return {re.sub(r"[^\w\- ]", "", each.strip().lower()).replace(" ", "-") for each in headings}


def broken_links(path: Path, text: str, root: Path) -> Iterator[tuple[int, str]]:
    """Relative links that lead to no file of the project, or to no heading of it."""
    prose = without_blocks(text)
    for match in _LINK.finditer(prose):
        target = match[1] or match[2]
        line = prose.count("\n", 0, match.start()) + 1
        if re.match(r"[a-z][a-z0-9+.-]*:", target):
            continue
        name, _, anchor = target.partition("#")
        found = (path.parent / name).resolve() if name else path
        if not found.is_relative_to(root):
            yield line, f"the link leads out of the project: {target}"
        elif not found.exists():
            yield line, f"the link leads nowhere: {target}"
        elif anchor and found.suffix == ".md" and anchor not in anchors(found.read_text()):
            yield line, f"no such heading: {target}"


def invalid(block: Block, root: Path) -> str | None:
    """Why a block is not what its tag says, or None."""
    try:
        if block.language == "json":
            json.loads(block.text)
        elif block.language == "toml":
            tomllib.loads(block.text)
        elif block.language in {"yaml", "yml"}:
            list(yaml.compose_all(block.text, Loader=yaml.SafeLoader))
        elif block.language in {"python", "py"}:
            ast.parse(block.text)
        elif block.language == "graphql":
            return invalid_graphql(block.text, root)
    except (ValueError, SyntaxError, yaml.YAMLError, GraphQLSyntaxError) as error:
        return str(error).replace("\n", " ")
    return None


def invalid_graphql(text: str, root: Path) -> str | None:
    """Why a GraphQL block does not hold against the project's schema. Definitions of types need only parse."""
    document = parse(text)
    if not all(isinstance(each, ExecutableDefinitionNode) for each in document.definitions):
        return None
    schema = root / "schema.graphql"
    errors = validate(load(schema.read_text()), document) if schema.is_file() else []
    return "; ".join(error.message for error in errors) or None


def unknown_commands(text: str, root: Path) -> Iterator[tuple[int, str]]:
    """`make` targets and `python -m` modules that a document tells the reader to run, but that do not exist."""
    makefile = root / "Makefile"
    targets = make_targets(makefile.read_text()) if makefile.is_file() else set()
    code = [(block.line, block.text) for block in blocks(text)]
    prose = without_blocks(text)
    code += [(prose.count("\n", 0, match.start()) + 1, match[1]) for match in _CODE.finditer(prose)]
    for line, fragment in code:
        for target in _MAKE.findall(fragment):
            if target not in targets:
                yield line, f"no such make target: {target}"
        for module in _MODULE.findall(fragment):
            place = root / module.replace(".", "/")
            if not place.with_suffix(".py").is_file() and not (place / "__main__.py").is_file():
                yield line, f"no such module to run: {module}"


def problems_in(path: Path, root: Path) -> list[str]:
    text = path.read_text()
    name = path.relative_to(root).as_posix()
    found = [f"{name}:{line}: {reason}" for line, reason in broken_links(path, text, root)]
    for block in blocks(text):
        reason = invalid(block, root)
        if reason:
            found.append(f"{name}:{block.line}: not valid {block.language}: {reason}")
    found += [f"{name}:{line}: {reason}" for line, reason in unknown_commands(text, root)]
    return found


def problems(root: Path) -> list[str]:
    documents = [path for path in committed_files(root) if path.suffix == ".md"]
    return [problem for path in documents for problem in problems_in(path, root)]


if __name__ == "__main__":
    report(problems)
