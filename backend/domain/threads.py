"""Doing several things side by side as a parameter: with a pool's `map`, or with the built-in one in turn."""

from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

A = TypeVar("A")
R = TypeVar("R")


class Threads(Protocol):
    """Runs a function on several values side by side, as `Executor.map` does; the built-in `map` does it in turn."""

    def __call__(self, function: Callable[[A], R], values: Iterable[A], /) -> Iterable[R]: ...
