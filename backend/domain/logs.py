"""How every function logs: Powertools' structured lines, redacted, one line each whatever is in them."""

from __future__ import annotations

import json
import logging
import re
from typing import Any, NoReturn

from aws_lambda_powertools import Logger
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

from domain.redaction import redacted

# The loggers of the domain's modules are below this one.
_DOMAIN = "headwater"

# What JSON leaves as it is although terminals and log viewers obey it: C1 controls, line separators, directions of
# writing. And halves of surrogate pairs, which no stream can encode.
_OBEYED = re.compile("[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")


class OneLine(LambdaPowertoolsFormatter):
    """A record as a line of JSON that can be written to any terminal."""

    def __init__(self) -> None:
        # A text that happens to be JSON stays a text: whoever sent it does not shape the log.
        super().__init__(json_deserializer=_refuse)

    def serialize(self, log: Any) -> str:
        """The line."""
        line = json.dumps(redacted(log), separators=(",", ":"), ensure_ascii=False)
        return _OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", line)


def function_logger() -> Logger:
    """The logger of a function, by its POWERTOOLS_SERVICE_NAME. The domain's own loggers write as it does."""
    logger = Logger(logger_formatter=OneLine())
    domain = logging.getLogger(_DOMAIN)
    domain.handlers = [logger.registered_handler]
    domain.setLevel(logger.log_level)
    # Lambda's own handler is the root's, and would write the same again as it is.
    domain.propagate = False
    return logger


def _refuse(text: object) -> NoReturn:
    del text
    raise ValueError
