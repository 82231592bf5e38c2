"""ruff: lint rules and formatting, as configured in pyproject.toml."""

from pathlib import Path

from checks.project import program, report, run


def problems(root: Path) -> list[str]:
    ruff = program("ruff")
    lint = run([ruff, "check", "--quiet", "--output-format", "concise", "."], root)
    return lint + run([ruff, "format", "--check", "--output-format", "concise", "."], root)


if __name__ == "__main__":
    report(problems)
