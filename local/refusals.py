"""`logs/refusals.log` in the state directory: a line of JSON for every request and connect that was refused.

On AWS nobody tells why a token was not taken. Here the log does: the client's answer stays AppSync's. A line holds
neither credentials nor what was signed, and whatever a client wrote stands in JSON's quotes on that one line.
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path

NAME = "headwater.refusals"
LARGEST_BYTES = 1_000_000
"""Of the file; one older file is kept beside it."""
LONGEST_REASON = 300
"""In characters."""


class JsonLine(logging.Formatter):
    """One line per record: `at`, then what the record's `about` holds."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        return json.dumps({"at": at, **getattr(record, "about", {"reason": record.getMessage()})})


def told(reason: str) -> str:
    """A reason as the log has it: its first line, since what follows in AWS's texts quotes headers and signatures."""
    return reason.partition("\n")[0][:LONGEST_REASON]


def log_to(state: Path) -> logging.Handler:
    """Write refusals below a state directory from now on; returns what `close` takes."""
    folder = state / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    handler = RotatingFileHandler(
        folder / "refusals.log", maxBytes=LARGEST_BYTES, backupCount=1, delay=True, encoding="utf-8"
    )
    handler.setFormatter(JsonLine())
    logger = logging.getLogger(NAME)
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    return handler


def close(handler: logging.Handler) -> None:
    """Write no more."""
    logging.getLogger(NAME).removeHandler(handler)
    handler.close()
