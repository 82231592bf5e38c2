"""What becomes of an operation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Result:
    """A finished operation. `body` is the JSON text of the response, `headers` those set by resolvers.

    From `subscribe` a Result means that nothing was registered; its `errors` are in the shape of the frame `error`.
    """

    body: bytes
    data: Any
    errors: list[dict[str, Any]] = field(default_factory=list)
    headers: Mapping[str, str] = field(default_factory=dict)
