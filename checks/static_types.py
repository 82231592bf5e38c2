"""mypy in strict mode over all Python of the project, tests too."""

from pathlib import Path

from checks.project import program, report, run


def problems(root: Path) -> list[str]:
    return run([program("mypy"), "--no-error-summary"], root)


if __name__ == "__main__":
    report(problems)
