"""ruff: lint rules and formatting, as configured in pyproject.toml."""

from pathlib import Path

from checks.project import program, report, run


def problems(root: Path) -> list[str]:
    ruff = program("ruff")
    return run([ruff, "check", "--quiet", "."], root) + run([ruff, "format", "--check", "."], root)


if __name__ == "__main__":
    report(problems)
