"""The X-Ray trace of the running invocation."""

import re
from collections.abc import Mapping


def current_trace_id(environment: Mapping[str, str]) -> str | None:
    """The trace's id in the header that Lambda keeps in `_X_AMZN_TRACE_ID`; None when nothing is traced.

    https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader
    """
    found = re.search(r"Root=([\w-]+)", environment.get("_X_AMZN_TRACE_ID", ""))
    return found[1] if found else None
