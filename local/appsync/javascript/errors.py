"""What is wrong with resolver code before it runs."""

from __future__ import annotations


class CodeError(Exception):
    """Code that APPSYNC_JS would refuse. `line` and `column` start at 1; `rule` is a stable word for the limit."""

    def __init__(self, message: str, *, file: str, line: int, column: int, rule: str) -> None:
        super().__init__(f"{file}:{line}:{column}: {message} ({rule})")
        self.message = message
        self.file = file
        self.line = line
        self.column = column
        self.rule = rule
