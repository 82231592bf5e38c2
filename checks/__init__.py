"""What must be true of the repository at every commit: one module per check.

`python -m checks` runs all of them, `python -m checks.NAME` one. Every module has `problems(root) -> list[str]`,
each string naming a file, a line where there is one, and what to do.
"""
