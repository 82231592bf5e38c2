"""What a mend promises, tested twice: it holds with the mend, and does not hold without.

When a test reports XPASS for stock MiniStack, the mend is no longer needed: delete it.
"""

from __future__ import annotations

import pytest

_STOCK = pytest.param("stock", marks=pytest.mark.xfail(strict=True, reason="unmended MiniStack has the symptom"))

contract = pytest.mark.parametrize("server", ["mended", _STOCK], indirect=True)
"""Marks a test that takes `server`; it runs against the mended server and must fail against the stock one."""

own_server = pytest.mark.parametrize(
    "is_mended",
    [True, pytest.param(False, marks=pytest.mark.xfail(strict=True, reason="unmended MiniStack has the symptom"))],
    ids=["mended", "stock"],
)
"""The same for a test that starts servers of its own, by `is_mended`."""
