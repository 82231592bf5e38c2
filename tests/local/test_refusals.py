"""The log of refused requests: one line each, whatever a client wrote."""

from __future__ import annotations

import json
import logging
from pathlib import Path

from local import refusals


def test_a_refusal_is_one_line_of_json(tmp_path: Path) -> None:
    handler = refusals.log_to(tmp_path)
    logging.getLogger(refusals.NAME).info("refused", extra={"about": {"reason": 'x\n{"at": "forged"}\x1b[31m'}})
    refusals.close(handler)
    logging.getLogger(refusals.NAME).info("refused", extra={"about": {"reason": "after the end"}})

    [line] = (tmp_path / "logs" / "refusals.log").read_text().splitlines()
    assert json.loads(line)["reason"] == 'x\n{"at": "forged"}\x1b[31m'
    assert "\x1b" not in line


def test_a_reason_is_told_without_what_was_signed() -> None:
    assert (
        refusals.told("It does not match.\n\nThe Canonical String\nx-amz-security-token:secret") == "It does not match."
    )
    assert len(refusals.told("x" * 1000)) == refusals.LONGEST_REASON
