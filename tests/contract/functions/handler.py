"""The function of the contract's fixture: answers its event, or does what `do` says."""

import json
from typing import Any


class CustomException(Exception):
    """An exception whose class name must arrive as the error's type."""


class UnauthorizedException(Exception):
    """AppSync masks the message of this class for direct resolvers."""


def handler(event: Any, _context: object) -> Any:
    """Direct resolvers send the context, handlers their payload, batches a list of either."""
    return batch(event) if isinstance(event, list) else single(event)


def single(event: dict[str, Any]) -> Any:
    """One field."""
    do = event.get("do") or (event.get("arguments") or {}).get("do")
    if do == "raise":
        raise CustomException("It went wrong.")
    if do == "unauthorized":
        raise UnauthorizedException("the secret reason")
    if do == "null":
        return None
    if do == "text":
        return '{"a": 1}'
    if do == "info":
        return {"name": json.dumps(event["info"])}
    if do == "item":
        return {"id": "1", "name": "one", "unknown": [1]}
    if do == "value":
        return event["arguments"]["value"]
    return event


def batch(events: list[dict[str, Any]]) -> Any:
    """A batch: what to do stands in the items' names or in the payloads."""
    direct = "source" in events[0]
    wishes = [event["source"]["name"] if direct else event["do"] for event in events]
    if "raise" in wishes:
        raise CustomException("The batch went wrong.")
    if "short" in wishes:
        return []
    if "object" in wishes:
        return {"not": "a list"}
    return [element(wish, len(events), direct) for wish in wishes]


def element(wish: str | None, size: int, direct: bool) -> Any:
    """The answer for one item."""
    if wish == "null":
        return None
    if wish == "bare":
        return "bare"
    if wish == "error":
        return {"data": {"left": 1}, "errorMessage": "This item failed.", "errorType": "ItemError"}
    return {"data": {"size": size}} if direct else {"size": size}
