"""The environment holds what requirements.lock names, in those versions, and nothing else.

A package installed by hand makes every check and test pass here and fail on a fresh machine.
"""

import re
import sys
from importlib.metadata import distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from checks.generate import applies
from checks.project import report

# What sets the environment up: the virtual environment's own, and the project.
_SET_UP_BY = frozenset({"pip", "setuptools", "wheel", "uv", "headwater"})


def pinned(lock: str) -> dict[str, str]:
    """The versions that a lock file asks of this interpreter and platform, by normalised name."""
    versions: dict[str, str] = {}
    for line in lock.splitlines():
        if line and not line.startswith(("#", " ", "-")):
            requirement = Requirement(re.sub(r"\s+#.*", "", line))
            if applies(requirement):
                versions[canonicalize_name(requirement.name)] = str(requirement.specifier).removeprefix("==")
    return versions


def differences(wanted: dict[str, str], installed: dict[str, str]) -> list[str]:
    """A line for each package that is installed and not wanted, wanted and not installed, or of another version."""
    found = []
    for name in sorted((wanted.keys() | installed.keys()) - _SET_UP_BY):
        if name not in wanted:
            found.append(f"{name} is installed, but not in requirements.lock: add it to pyproject.toml or uninstall it")
        elif name not in installed:
            found.append(f"{name}=={wanted[name]} is not installed: run `make install`")
        elif installed[name] != wanted[name]:
            found.append(f"{name} is installed as {installed[name]}, requirements.lock names {wanted[name]}")
    return found


def problems(root: Path) -> list[str]:
    if sys.prefix == sys.base_prefix:
        return ["this is not the project's virtual environment: run `make check`"]
    installed: dict[str, str] = {
        canonicalize_name(package.metadata["Name"]): package.version for package in distributions()
    }
    return differences(pinned((root / "requirements.lock").read_text()), installed)


if __name__ == "__main__":
    report(problems)
