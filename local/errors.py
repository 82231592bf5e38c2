"""Errors that every part of `local` shares."""

from __future__ import annotations


class NotEmulated(Exception):
    """Something that AWS has and `local` does not: refused with the reason instead of approximated."""

    def __init__(self, feature: str, reason: str) -> None:
        super().__init__(f"{feature} is not emulated: {reason}")
        self.feature = feature
        self.reason = reason
