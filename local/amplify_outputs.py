"""`amplify_outputs.json`: what Amplify Gen 2 applications are configured with, `Amplify.configure(outputs)`.

The members are those of `aws-amplify`'s `AmplifyOutputs`. It has none for the endpoint of a user pool, which Amplify
takes as `userPoolEndpoint` of its own configuration only; `custom.user_pool_endpoint` has it for applications to set.
Flutter's reads `auth.user_pool_endpoint` (auth_outputs.dart), which the libraries of the other languages ignore.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local.appsync.definition import ApiDefinition
from local.user_pools import UserPool

FILE_NAME = "amplify_outputs.json"


def write(
    state: Path, api: ApiDefinition, *, url: str, api_key: str | None, auth: Mapping[str, Any] | None = None
) -> None:
    """Write the file for an API under `state`. Readers see the whole file or none.

    `url` is the HTTPS one: Amplify opens `wss://` on the same port whatever the scheme says. `auth` is what
    `authentication` says. The file stays when the instance stops, because builds of applications import it.
    """
    file = state / FILE_NAME
    unfinished = file.with_suffix(".tmp")
    unfinished.write_text(json.dumps({**content(api, url=url, api_key=api_key), **(auth or {})}, indent=2) + "\n")
    unfinished.replace(file)


def content(api: ApiDefinition, *, url: str, api_key: str | None) -> dict[str, Any]:
    """The document without its users; `authorization_types` are the modes besides the default one."""
    default, *others = (provider.mode.value for provider in api.providers)
    data: dict[str, Any] = {"url": url, "aws_region": api.region}
    if api_key is not None:
        data["api_key"] = api_key
    data["default_authorization_type"] = default
    data["authorization_types"] = others
    return {"version": "1.4", "data": data}


def authentication(pool: UserPool | None, *, region: str, endpoint: str) -> dict[str, Any]:
    """The members `auth` and `custom`; none without a pool. `endpoint` is where the local Cognito answers."""
    if pool is None:
        return {}
    auth: dict[str, Any] = {"aws_region": region, "user_pool_id": pool.id, "user_pool_client_id": pool.client_id}
    auth["user_pool_endpoint"] = endpoint
    policy = (pool.properties.get("Policies") or {}).get("PasswordPolicy") or {}
    auth["password_policy"] = {
        "min_length": int(policy.get("MinimumLength", 8)),
        **{
            f"require_{name.lower()}": str(policy.get(f"Require{name}", True)).lower() == "true"
            for name in ("Lowercase", "Uppercase", "Numbers", "Symbols")
        },
    }
    auth["username_attributes"] = list(pool.properties.get("UsernameAttributes") or ())
    auth["user_verification_types"] = list(pool.properties.get("AutoVerifiedAttributes") or ())
    auth["standard_required_attributes"] = [
        attribute["Name"]
        for attribute in pool.properties.get("Schema") or ()
        if str(attribute.get("Required", False)).lower() == "true"
    ]
    return {"auth": auth, "custom": {"user_pool_endpoint": endpoint}}
