"""mypy in strict mode over all Python of the project, tests too."""

from pathlib import Path

from checks.project import program, report, run


def problems(root: Path) -> list[str]:
    found = run([program("mypy"), "--no-error-summary"], root)
    # One wrong call of a boto3 client lists hundreds of overloads.
    return [line for line in found if ": note:     def " not in line]


if __name__ == "__main__":
    report(problems)
