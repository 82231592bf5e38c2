"""How the legacy system can tell that a request came through the strangler: an HMAC under a secret that both know.

    x-headwater-signature: t=1764000000,v1=<hex>

The signed text has these lines, joined by line feeds: `v1`, the time, the method, path and query as in the request
line, each header of ours as `name:value` in the order of names, and the body's SHA-256 in hexadecimal.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

HEADER = "x-headwater-signature"


def signed(secret: bytes, at: int, method: str, target: str, identity: Mapping[str, str], body: bytes) -> str:
    """The header's value.

    Args:
        secret: what both know.
        at: epoch seconds.
        method: in capitals.
        target: path and query as in the request line.
        identity: the headers of ours, by names in lower case.
        body: its bytes.
    """
    lines = ["v1", str(at), method, target]
    lines += [f"{name}:{identity[name]}" for name in sorted(identity)]
    lines.append(hashlib.sha256(body).hexdigest())
    digest = hmac.new(secret, "\n".join(lines).encode(), hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"
