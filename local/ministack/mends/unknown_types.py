"""CloudFormation resource types that MiniStack does not know."""

from __future__ import annotations


def is_recorded_only(resource_type: str) -> bool:
    """Whether resources of this type are only recorded: they get an id, and nothing behind it."""
    return resource_type in _recorded_only


_recorded_only: set[str] = set()
