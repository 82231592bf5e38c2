"""The errors that more than one part of `local` raises."""

from __future__ import annotations


class NotEmulated(Exception):
    """Headwater's local AppSync does not have a feature of AWS.

    It refuses instead of answering differently than AWS would; `docs/not-on-aws.md` lists what is missing.
    """

    def __init__(self, feature: str, reason: str) -> None:
        super().__init__(f"{feature} is not emulated: {reason}")
        self.feature = feature
        self.reason = reason
