"""All pages of a query, for tests that compare servers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def pages(client: Any, request: Mapping[str, Any]) -> list[Any]:
    """All pages of a query, without what differs from call to call; or the error."""
    found: list[Any] = []
    request = dict(request)
    while True:
        try:
            page = client.query(**request)
        except client.exceptions.ClientError as error:
            return [*found, str(error)]
        page.pop("ResponseMetadata")
        found.append(page)
        if "LastEvaluatedKey" not in page:
            return found
        request["ExclusiveStartKey"] = page["LastEvaluatedKey"]
