"""Which stacks belong together."""

from __future__ import annotations

from collections.abc import Sequence

from local.cloud import Stack


def below(stacks: Sequence[Stack], name: str) -> list[Stack]:
    """A stack and those nested in it, parents first."""
    found = [stack for stack in stacks if stack.name == name]
    for parent in found:
        found += [stack for stack in stacks if stack.parent == parent.name]
    return found
