"""The Lambda authorizer of the contract's fixture: the token says what to answer."""

import json
import os
import uuid
from typing import Any


def handler(event: dict[str, Any], _context: object) -> Any:
    """`allow` and its kind let the caller in; what was asked is in the resolver's context."""
    token = event["authorizationToken"]
    if token == "raise":
        raise RuntimeError("The authorizer failed.")
    if token == "empty":
        return {}
    if token == "deny":
        return {"isAuthorized": False}
    answer: dict[str, Any] = {
        "isAuthorized": True,
        "resolverContext": {"event": json.dumps(event), "number": 7, "call": str(uuid.uuid4())},
    }
    if token == "fields":
        region, context = os.environ["AWS_REGION"], event["requestContext"]
        api = f"arn:aws:appsync:{region}:{context['accountId']}:apis/{context['apiId']}"
        answer["deniedFields"] = ["Query.denied", f"{api}/types/Query/fields/deniedByArn"]
    if token.startswith("remember"):
        answer["ttlOverride"] = 60
    return answer
