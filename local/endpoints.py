"""Where requests to AWS's hosts go on this machine: nothing that is meant for AWS leaves it."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from local.appsync.datasources.http import Address

_APPSYNC = re.compile(r"([a-z0-9]{26})\.appsync-api\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?")
_AWS_DOMAINS = (".amazonaws.com", ".amazonaws.com.cn", ".on.aws")


def local_address(endpoint: str, *, aws: str, data_plane: str) -> Address:
    """The address of an HTTP endpoint. `aws` is the local cloud's URL, `data_plane` that of the local AppSync.

    The local cloud tells services apart by the Host header, so AWS's name stays there, and in signatures. The local
    AppSync has every API under its id.
    """
    parts = urlsplit(endpoint)
    host = (parts.hostname or "").lower().rstrip(".")
    api = _APPSYNC.fullmatch(host)
    if api:
        return Address(f"{data_plane}/{api[1]}{parts.path}")
    if host.endswith(_AWS_DOMAINS):
        return Address(aws + parts.path, host)
    return Address(endpoint)
