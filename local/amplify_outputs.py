"""`amplify_outputs.json`: what Amplify Gen 2 applications are configured with, `Amplify.configure(outputs)`.

The members are those of `aws-amplify`'s `AmplifyOutputsDataProperties`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from local.appsync.definition import ApiDefinition

FILE_NAME = "amplify_outputs.json"


def write(state: Path, api: ApiDefinition, *, url: str, api_key: str | None) -> None:
    """Write the file for an API under `state`. Readers see the whole file or none.

    `url` is the HTTPS one: Amplify opens `wss://` on the same port whatever the scheme says. The file stays when the
    instance stops, because builds of applications import it.
    """
    file = state / FILE_NAME
    unfinished = file.with_suffix(".tmp")
    unfinished.write_text(json.dumps(content(api, url=url, api_key=api_key), indent=2) + "\n")
    unfinished.replace(file)


def content(api: ApiDefinition, *, url: str, api_key: str | None) -> dict[str, Any]:
    """The document; `authorization_types` are the modes besides the default one."""
    default, *others = (provider.mode.value for provider in api.providers)
    data: dict[str, Any] = {"url": url, "aws_region": api.region}
    if api_key is not None:
        data["api_key"] = api_key
    data["default_authorization_type"] = default
    data["authorization_types"] = others
    return {"version": "1.4", "data": data}
