"""Where a case comes from: a documented fact that counts in the score, or a choice where nothing is documented.

Sections and sources are those of the AppSync data plane's fact sheet: DG (Developer Guide), oh81 (graphql-over-http
issue 81, AppSync's own account of its HTTP behaviour), obs (traces in public issues, with the number where there is
one), types (typings of `@aws-appsync/utils`), evaluate (recorded results of AWS's EvaluateCode), clients (what
unmodified clients were seen to need), GraphQL (its specification), sheet (stated there without one single source).
"""

from __future__ import annotations

import pytest

FACT = "fact"
CHOICE = "choice"


def fact(section: str, source: str) -> pytest.MarkDecorator:
    """A documented fact: the sheet's section and where it comes from."""
    return pytest.mark.fact(section, source)


def choice(section: str, reason: str) -> pytest.MarkDecorator:
    """Nothing documents it: what was chosen and why. Does not count in the score."""
    return pytest.mark.choice(section, reason)
