"""The events of HTTP APIs in payload format 2.0, as API Gateway sends them, for integrations and authorizers.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

FORMAT = "2.0"


def complete(event: dict[str, Any], stage_variables: Mapping[str, str]) -> None:
    """What MiniStack leaves out or leaves in: cookies are apart, absent members are absent, a stage is in the path."""
    if event.get("version") != FORMAT:
        return
    headers, context = event["headers"], event["requestContext"]
    cookie = headers.pop("cookie", None)
    if cookie:
        event["cookies"] = [each.strip() for each in cookie.split(";") if each.strip()]
    event.pop("stageVariables", None)
    if stage_variables:
        event["stageVariables"] = dict(stage_variables)
    for name in ("pathParameters", "queryStringParameters", "identitySource"):
        if not event.get(name):
            event.pop(name, None)
    stage = context["stage"]
    if stage != "$default":
        event["rawPath"] = context["http"]["path"] = f"/{stage}{event['rawPath']}"
    context["domainPrefix"] = context["domainName"].partition(".")[0]
    now = time.time()
    context["time"] = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now))
    context["timeEpoch"] = int(now * 1000)
