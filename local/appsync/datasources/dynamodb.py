"""The DynamoDB data source (reference sheet, section 4.6): operations on one item, Query and Scan.

Batches and transactions are in `dynamodb_batches`. Requests go through boto3 in threads; the event loop stays free.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from local.appsync.datasources import dynamodb_batches
from local.appsync.datasources.dynamodb_errors import failure, is_conditional_check_failure
from local.appsync.datasources.dynamodb_requests import Arguments, add_expression, add_projection, required
from local.appsync.datasources.dynamodb_values import Item, to_plain_item, to_wire_item
from local.appsync.datasources.interface import Client, rejected
from local.appsync.datasources.page_tokens import PageTokens
from local.appsync.datasources.threads import in_thread
from local.errors import NotEmulated

if TYPE_CHECKING:
    from local.appsync.context import ResolverContext

Send = Callable[[str, Arguments], Awaitable[dict[str, Any]]]
"""Calls a method of the boto3 client; raises what boto3 raises."""


class DynamoDBDataSource:
    """Carries out requests on a table (batches and transactions name their tables themselves)."""

    def __init__(self, table_name: str, *, client: Client, tokens: PageTokens) -> None:
        self.table_name = table_name
        self._client = client
        self._tokens = tokens
        self._operations = {
            "GetItem": self._get,
            "PutItem": self._put,
            "UpdateItem": self._update,
            "DeleteItem": self._delete,
            "Query": self._query,
            "Scan": self._scan,
        }

    async def call(self, request: Any, context: ResolverContext) -> Any:
        """Raises DataSourceError; see `interface`."""
        operation = required(request if isinstance(request, dict) else {}, "operation")
        if operation == "Sync":
            raise NotEmulated("the DynamoDB operation Sync", "it belongs to versioned data sources")
        try:
            if operation in self._operations:
                return await self._operations[operation](request, context)
            if operation in dynamodb_batches.OPERATIONS:
                return await dynamodb_batches.OPERATIONS[operation](self._send, request)
        except (ClientError, BotoCoreError) as error:
            raise failure(error) from error
        raise rejected(f"Unsupported operation '{operation}'.")

    async def _send(self, method: str, arguments: Arguments) -> dict[str, Any]:
        answer: dict[str, Any] = await in_thread(lambda: getattr(self._client("dynamodb"), method)(**arguments))
        return answer

    async def _get(self, request: dict[str, Any], _context: ResolverContext) -> Any:
        arguments = self._arguments(request)
        if request.get("consistentRead"):
            arguments["ConsistentRead"] = True
        add_projection(arguments, request)
        return to_plain_item((await self._send("get_item", arguments)).get("Item"))

    async def _put(self, request: dict[str, Any], _context: ResolverContext) -> Any:
        arguments = self._arguments(request)
        item = arguments.pop("Key") | to_wire_item(request.get("attributeValues") or {})
        arguments["Item"] = item
        condition = _add_condition(arguments, request)
        try:
            await self._send("put_item", arguments)
        except ClientError as error:
            return await self._condition_failed(error, request, condition, written=item)
        return to_plain_item(item)

    async def _update(self, request: dict[str, Any], _context: ResolverContext) -> Any:
        arguments = self._arguments(request)
        add_expression(arguments, "UpdateExpression", required(request, "update"), "$[update]")
        arguments["ReturnValues"] = "ALL_NEW"
        condition = _add_condition(arguments, request)
        try:
            answer = await self._send("update_item", arguments)
        except ClientError as error:
            return await self._condition_failed(error, request, condition)
        return to_plain_item(answer.get("Attributes"))

    async def _delete(self, request: dict[str, Any], _context: ResolverContext) -> Any:
        arguments = self._arguments(request)
        arguments["ReturnValues"] = "ALL_OLD"
        condition = _add_condition(arguments, request)
        try:
            answer = await self._send("delete_item", arguments)
        except ClientError as error:
            return await self._condition_failed(error, request, condition, deleted=True)
        return to_plain_item(answer.get("Attributes") or None)

    async def _condition_failed(
        self,
        error: ClientError,
        request: dict[str, Any],
        condition: dict[str, Any] | None,
        *,
        written: Item | None = None,
        deleted: bool = False,
    ) -> Any:
        """AppSync reads the item again: a write that is already done, by an earlier attempt, counts as a success."""
        if not is_conditional_check_failure(error) or condition is None:
            raise error
        key = {"TableName": self.table_name, "Key": to_wire_item(request["key"])}
        consistent = condition.get("consistentRead") is not False
        item: Item | None = (await self._send("get_item", {**key, "ConsistentRead": consistent})).get("Item")
        current = to_plain_item(item)
        if written is not None and item is not None:
            ignored = set(condition.get("equalsIgnore") or ())
            wanted = to_plain_item(written) or {}
            found = current or {}
            if all(wanted.get(name) == found.get(name) for name in (wanted.keys() | found.keys()) - ignored):
                return current
        if deleted and item is None:
            return None
        raise failure(error, current) from error

    async def _query(self, request: dict[str, Any], context: ResolverContext) -> Any:
        arguments: Arguments = {"TableName": self.table_name}
        query = add_expression(arguments, "KeyConditionExpression", required(request, "query"), "$[query]")
        forward = request.get("scanIndexForward")
        if forward is not None:
            arguments["ScanIndexForward"] = forward
        values = query.get("expressionValues") or {}
        purpose = ["Query", query["expression"], query.get("expressionNames") or {}, values, forward is not False]
        return await self._page("query", arguments, request, context, purpose)

    async def _scan(self, request: dict[str, Any], context: ResolverContext) -> Any:
        arguments: Arguments = {"TableName": self.table_name}
        segment, total = request.get("segment"), request.get("totalSegments")
        if total is not None:
            arguments |= {"TotalSegments": _integer(total), "Segment": _integer(segment or 0)}
        return await self._page("scan", arguments, request, context, ["Scan", segment, total])

    async def _page(
        self, method: str, arguments: Arguments, request: dict[str, Any], context: ResolverContext, purpose: list[Any]
    ) -> dict[str, Any]:
        info = context.info
        index = request.get("index")
        purpose = [self.table_name, index, info.parent_type_name, info.field_name, *purpose]
        if index is not None:
            arguments["IndexName"] = index
        if request.get("limit") is not None:
            arguments["Limit"] = _integer(request["limit"])
        if request.get("consistentRead"):
            arguments["ConsistentRead"] = True
        if request.get("select") is not None:
            arguments["Select"] = request["select"]
        if request.get("filter") is not None:
            add_expression(arguments, "FilterExpression", request["filter"], "$[filter]")
        add_projection(arguments, request)
        if request.get("nextToken") is not None:
            arguments["ExclusiveStartKey"] = self._tokens.open(request["nextToken"], purpose)
        answer = await self._send(method, arguments)
        last = answer.get("LastEvaluatedKey")
        return {
            "items": [to_plain_item(item) for item in answer["Items"]],
            "nextToken": self._tokens.seal(last, purpose) if last else None,
            "scannedCount": answer.get("ScannedCount", len(answer["Items"])),
        }

    def _arguments(self, request: dict[str, Any]) -> Arguments:
        return {"TableName": self.table_name, "Key": to_wire_item(required(request, "key"))}


def _add_condition(arguments: Arguments, request: dict[str, Any]) -> dict[str, Any] | None:
    if request.get("condition") is None:
        return None
    condition = add_expression(arguments, "ConditionExpression", request["condition"], "$[condition]")
    handler = condition.get("conditionalCheckFailedHandler") or {}
    if handler.get("strategy", "Reject") != "Reject":
        raise NotEmulated("the conditionalCheckFailedHandler strategy Custom", "conditions that fail are rejected")
    return condition


def _integer(value: Any) -> int:
    """A limit or segment; 0 and less are for DynamoDB to refuse."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
        raise rejected(f"Unable to convert {value} to Integer.")
    return int(value)
