"""The EventBridge data source: PutEvents on one bus.

https://docs.aws.amazon.com/appsync/latest/devguide/resolver-reference-eventbridge-js.html
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from local.appsync.datasources.interface import Client, DataSourceError, rejected
from local.appsync.datasources.threads import in_thread
from local.appsync.encoding import encode

if TYPE_CHECKING:
    from local.appsync.context import ResolverContext

MAX_EVENTS = 10  # EventBridge's limit of one PutEvents

_MEMBERS = frozenset({"source", "detail", "detailType", "resources", "time"})
# Exceptions of PutEvents that the Java SDK has a class for; everything else is an EventBridgeException.
_CLASSES = frozenset({"InternalException"})


class EventBridgeDataSource:
    """Puts events on a bus."""

    def __init__(self, bus_arn: str, *, client: Client) -> None:
        self.bus_arn = bus_arn
        self._client = client

    async def call(self, request: Any, context: ResolverContext) -> Any:  # noqa: ARG002 - the protocol's
        """`{Entries, FailedEntryCount}`: single entries that were refused are no error. Raises DataSourceError."""
        given = request if isinstance(request, dict) else {}
        operation = _required(given, "operation", "$")
        if operation != "PutEvents":
            raise rejected(f"Unsupported operation '{operation}'.")
        events = _required(given, "events", "$")
        if not isinstance(events, list):
            raise rejected("Value for field '$[events]' is no list.")
        entries = [self._entry(event, f"$[events][{index}]") for index, event in enumerate(events)]
        if not 1 <= len(entries) <= MAX_EVENTS:
            raise _wrong_number(len(entries))
        try:
            answer = await in_thread(lambda: self._client("events").put_events(Entries=entries))
        except ClientError as error:
            raise _failure(error) from error
        except BotoCoreError as error:
            raise DataSourceError(
                f"Unable to execute HTTP request: {error}", "EventBridge:SdkClientException"
            ) from error
        return {"Entries": answer["Entries"], "FailedEntryCount": answer["FailedEntryCount"]}

    def _entry(self, event: Any, path: str) -> dict[str, Any]:
        if not isinstance(event, dict):
            raise rejected(f"Value for field '{path}' is no object.")
        for name in event:
            if name not in _MEMBERS:
                # Recorded: amplify-category-api #3194.
                raise rejected(f"Unsupported element '{path}[{name}]' inside an event.")
        detail = _required(event, "detail", path)
        if not isinstance(detail, dict):
            raise rejected(f"Value for field '{path}[detail]' is no object.")
        entry: dict[str, Any] = {
            "EventBusName": self.bus_arn,
            "Source": _string(_required(event, "source", path), f"{path}[source]"),
            "DetailType": _string(_required(event, "detailType", path), f"{path}[detailType]"),
            "Detail": encode(detail).decode(),
        }
        if event.get("resources") is not None:
            if not isinstance(event["resources"], list):
                raise rejected(f"Value for field '{path}[resources]' is no list.")
            entry["Resources"] = [_string(each, f"{path}[resources]") for each in event["resources"]]
        if event.get("time") is not None:
            entry["Time"] = _time(event["time"], f"{path}[time]")
        return entry


def _required(given: dict[str, Any], name: str, path: str) -> Any:
    value = given.get(name)
    if value is None:
        raise rejected(f"Value for field '{path}[{name}]' not found.")
    return value


def _string(value: Any, path: str) -> str:
    if not isinstance(value, str):
        raise rejected(f"Value for field '{path}' is no string.")
    return value


def _time(value: Any, path: str) -> datetime:
    """An RFC 3339 timestamp, which has a date, a time and an offset."""
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) and "T" in value.upper() else None
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise rejected(f"Value for field '{path}' is no RFC 3339 timestamp.")
    return found


def _wrong_number(count: int) -> DataSourceError:
    """What EventBridge says; here because boto3 and MiniStack each check one of the two bounds."""
    bound = "greater than or equal to 1" if count == 0 else f"less than or equal to {MAX_EVENTS}"
    return DataSourceError(
        f"1 validation error detected: Value '{count}' at 'entries' failed to satisfy constraint: "
        f"Member must have length {bound}",
        "EventBridge:EventBridgeException",
    )


def _failure(error: ClientError) -> DataSourceError:
    details = error.response["Error"]
    metadata = error.response.get("ResponseMetadata", {})
    kind = details["Code"] if details["Code"] in _CLASSES else "EventBridgeException"
    return DataSourceError(
        f"{details['Message']} (Service: EventBridge, Status Code: {metadata.get('HTTPStatusCode', 400)}, "
        f"Request ID: {metadata.get('RequestId', 'null')})",
        f"EventBridge:{kind}",
    )
