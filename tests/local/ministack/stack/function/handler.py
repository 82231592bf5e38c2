"""The function of the deployment test."""

from __future__ import annotations

from typing import Any


def handle(event: Any, context: Any) -> Any:
    """Answer with what came."""
    return {"event": event}
