"""The access logs of HTTP APIs: a line for each request in the format that the stage has, and the file it goes to.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging-variables.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

ROTATE_BYTES = 5_000_000
NOTHING = "-"
"""What stands for a variable that has no value for a request."""

_VARIABLE = re.compile(r"\$context\.([A-Za-z0-9_.-]+)")


def line(layout: str, values: Mapping[str, object]) -> str:
    """A line by a stage's format. What clients wrote stays within JSON's quotes, if the format has it in such."""

    def shown(found: re.Match[str]) -> str:
        value = values.get(found[1])
        return NOTHING if value is None or value == "" else json.dumps(str(value))[1:-1]

    return _VARIABLE.sub(shown, layout)


def path_of(destination_arn: str, logs: Path) -> Path | None:
    """The file of the log group that a stage's lines go to; None for another destination, such as Firehose."""
    _, found, name = destination_arn.partition(":log-group:")
    name = name.partition(":")[0].strip("/").replace("/", "-")
    return logs / f"{name}.log" if found and name else None


def append(path: Path, text: str) -> None:
    """Write a line. Beyond `ROTATE_BYTES` the file becomes `<name>.log.1`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(text + "\n")
        large = file.tell() > ROTATE_BYTES
    if large:
        path.replace(path.with_suffix(".log.1"))
