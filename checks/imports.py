"""The dependency rule: arrows point one way, and importing a module asks nothing of the world.

    resolvers, streams -> domain
    local, client, checks -> nothing else of ours
    tools -> domain, of which they generate pages
    tests/contract, tests/event_sources -> nothing of ours

boto3 stays in the few modules that are AWS's edge, and deployed code reads the environment in functions only.
Read from the syntax trees, so that no module has to be importable.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from checks.project import committed_files, report

# Part of the project -> the parts that it may import. Itself is always allowed. A part that is not named here
# (benchmarks, tests) may import all of them; nothing may import those.
ALLOWED: dict[str, frozenset[str]] = {
    "backend": frozenset(),
    "resolvers": frozenset({"backend"}),
    "streams": frozenset({"backend"}),
    "local": frozenset(),
    "client": frozenset(),
    "checks": frozenset(),
    "tools": frozenset({"backend"}),
    "tests/contract": frozenset(),
    "tests/event_sources": frozenset(),
}

# Folders whose content is imported under its own name: `from domain import chat`, `from headwater import connect`.
IMPORT_ROOTS = {"backend": "backend", "client": "client"}

# Never imported by name, not even by a neighbour: each function's folder is deployed alone.
DEPLOYED_ALONE = frozenset({"resolvers", "streams"})

# Modules that run on AWS, or are loaded there.
DEPLOYED = ("backend/", "resolvers/", "streams/")

# The edge to AWS in deployed code, each with the reason why it may import boto3 or botocore.
AWS_EDGE: dict[str, str] = {
    "backend/domain/table.py": "the only DynamoDB code",
    "backend/domain/publishing.py": "signs the mutations that it posts to AppSync",
    "backend/domain/bucket.py": "the only S3 code",
    "backend/domain/queue.py": "the only SQS code",
    "backend/domain/event_bus.py": "the only EventBridge code",
    "backend/domain/pool.py": "the only Cognito code",
    "backend/domain/parameters.py": "the only code of the Parameter Store and of Secrets Manager",
}
AWS_LIBRARIES = frozenset({"boto3", "botocore", "aiobotocore", "aioboto3"})


@dataclass(frozen=True)
class Import:
    """One imported module, absolute, with the line of the statement."""

    module: str
    line: int


def part_of(path: str) -> str:
    """The part of the project that a file belongs to: its first folder, or a suite that could run against AWS."""
    folders = path.split("/")
    suite = "/".join(folders[:2])
    return suite if suite in ALLOWED and len(folders) > 2 else folders[0]


def own_names(files: list[str]) -> dict[str, str]:
    """Top-level import name -> part, for everything importable in the project (`domain` -> `backend`)."""
    names = {part_of(path): part_of(path) for path in files if "/" in path}
    names["tests"] = "tests"
    for path in files:
        folder, _, rest = path.partition("/")
        if folder in IMPORT_ROOTS and rest:
            names[rest.split("/", 1)[0].removesuffix(".py")] = folder
    return names


def imports(tree: ast.AST, path: str) -> Iterator[Import]:
    """Every import in the file, also inside functions and under TYPE_CHECKING, relative ones made absolute."""
    package = path.split("/")[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                # `from . import x` in local/appsync/engine.py is local.appsync
                above = package[: len(package) - node.level + 1]
                if path.split("/", 1)[0] in IMPORT_ROOTS:
                    above = above[1:]
                yield Import(".".join([*above, *([node.module] if node.module else [])]), node.lineno)
            elif node.module:
                yield Import(node.module, node.lineno)


def run_at_import(tree: ast.Module) -> Iterator[ast.AST]:
    """The nodes that run when the module is imported: all but the bodies of functions."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            arguments = node.args
            waiting += [*node.decorator_list, *arguments.defaults, *(d for d in arguments.kw_defaults if d)]
        elif isinstance(node, ast.If) and ast.unparse(node.test) == "__name__ == '__main__'":
            continue
        elif not isinstance(node, ast.Lambda):
            waiting += ast.iter_child_nodes(node)


def environment_reads(tree: ast.Module) -> Iterator[int]:
    """Lines that read the process environment while the module is imported."""
    for node in run_at_import(tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node) in {"os.environ", "os.environb", "os.getenv"}:
            yield node.lineno
        if isinstance(node, ast.Name) and node.id in {"getenv", "environ"}:
            yield node.lineno
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"boto3.client", "boto3.resource"}:
            yield node.lineno  # reads region and credentials


def problems_in(path: str, source: str, names: dict[str, str]) -> list[str]:
    """What one file (its path relative to the root, with forward slashes) does against the rule."""
    tree = ast.parse(source, path)
    part = part_of(path)
    found = []
    for each in imports(tree, path):
        top = each.module.split(".", 1)[0]
        target = names.get(top)
        if top in AWS_LIBRARIES and path.startswith(DEPLOYED) and path not in AWS_EDGE:
            found.append(
                f"{path}:{each.line}: imports {each.module}; AWS is called only from {', '.join(AWS_EDGE)} "
                "(AWS_EDGE in checks/imports.py)"
            )
        if target is None:
            continue
        if target in DEPLOYED_ALONE and part in ALLOWED:
            found.append(f"{path}:{each.line}: imports {each.module}; a function's folder is deployed alone")
        elif part in ALLOWED and target != part and target not in ALLOWED[part]:
            # tests/contract may import its own modules, whose top-level name is `tests`
            if "/" in part and f"{each.module}.".startswith(part.replace("/", ".") + "."):
                continue
            allowed = ", ".join(sorted(ALLOWED[part])) or "nothing of ours"
            found.append(f"{path}:{each.line}: imports {each.module}; {part} may import {allowed}")
    if path.startswith(DEPLOYED):
        found += [
            f"{path}:{line}: reads the environment at import; move it into a function"
            for line in sorted(set(environment_reads(tree)))
        ]
    return found


def problems(root: Path) -> list[str]:
    files = [path.relative_to(root).as_posix() for path in committed_files(root) if path.suffix == ".py"]
    names = own_names(files)
    found = [problem for path in files for problem in problems_in(path, (root / path).read_text(), names)]
    found += [
        f"{path} is in AWS_EDGE of checks/imports.py, but does not exist" for path in AWS_EDGE if path not in files
    ]
    return found


if __name__ == "__main__":
    report(problems)
