"""The Lambda data source: Invoke, BatchInvoke and direct resolvers (reference sheet, section 3)."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import orjson
from botocore.exceptions import BotoCoreError, ClientError

from local.appsync.datasources.interface import Client, DataSourceError, Denial, Invoke, never_denied, rejected
from local.appsync.datasources.threads import in_thread
from local.functions import FunctionsError

if TYPE_CHECKING:
    from local.appsync.context import ResolverContext

TIMEOUT_SECONDS = 30.0  # AppSync waits no longer for a data source
_DIRECT_MEMBERS = frozenset({"data", "errorMessage", "errorType"})


class LambdaDataSource:
    """Invokes one function. Synchronous calls go to the function workers, `Event` calls through Lambda's own queue."""

    def __init__(
        self,
        function_arn: str,
        *,
        invoke: Invoke,
        client: Client,
        denial: Denial = never_denied,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        self.function_arn = function_arn
        self._denial = denial
        self._invoke = invoke
        self._client = client
        self._timeout_seconds = timeout_seconds

    async def call(self, request: Any, context: ResolverContext) -> Any:  # noqa: ARG002 - the protocol's
        """The function gets exactly `payload`. A `BatchInvoke` that is not batched is a batch of one."""
        operation = _operation(request)
        payload = request.get("payload")
        if request.get("invocationType", "RequestResponse") == "Event":
            await self._queue(payload)
            return None
        if operation == "BatchInvoke":
            return _raise_error(_answers(await self._call([payload]), 1)[0])
        return await self._call(payload)

    async def call_batch(self, requests: Sequence[Any], contexts: Sequence[ResolverContext]) -> list[Any]:  # noqa: ARG002
        """One invocation with the list of payloads; the answer is a list of the same length."""
        try:
            for request in requests:
                _operation(request)
            payloads = [request.get("payload") for request in requests]
            if any(request.get("invocationType") == "Event" for request in requests):
                await self._queue(payloads)
                return [None] * len(requests)
            return _answers(await self._call(payloads), len(requests))
        except DataSourceError as error:
            return [error] * len(requests)

    async def call_direct(self, context: ResolverContext) -> Any:
        """The function gets the context; an exception's class name is the error's type."""
        return await self._call(context.to_json(), direct=True)

    async def call_direct_batch(self, contexts: Sequence[ResolverContext]) -> list[Any]:
        """One invocation with the list of contexts; elements are values or `{data, errorMessage, errorType}`."""
        try:
            answer = await self._call([context.to_json() for context in contexts], direct=True)
            return [_direct_element(element) for element in _answers(answer, len(contexts))]
        except DataSourceError as error:
            return [error] * len(contexts)

    async def _call(self, payload: Any, *, direct: bool = False) -> Any:
        denied = await self._denial("lambda:InvokeFunction", self.function_arn)
        if denied is not None:
            raise _not_authorized(denied, str(uuid.uuid4()))
        try:
            async with asyncio.timeout(self._timeout_seconds):
                invocation = await self._invoke(
                    self.function_arn, orjson.dumps(payload, option=orjson.OPT_NON_STR_KEYS)
                )
        except TimeoutError:
            raise DataSourceError("Execution timed out.", "Lambda:ExecutionTimeoutException") from None
        except FunctionsError as error:
            raise DataSourceError(str(error), f"Lambda:{error.code}") from error
        answer = _parse(invocation.payload)
        if invocation.function_error is None:
            return answer
        details = answer if isinstance(answer, dict) else {}
        type_ = details.get("errorType") if direct else None
        raise DataSourceError(
            str(details.get("errorMessage")), str(type_) if type_ else f"Lambda:{invocation.function_error}"
        )

    async def _queue(self, payload: Any) -> None:
        """Hands an event to Lambda's queue, which retries and knows dead-letter queues and destinations."""
        arguments = {"FunctionName": self.function_arn, "InvocationType": "Event", "Payload": orjson.dumps(payload)}
        try:
            await in_thread(lambda: self._client("lambda").invoke(**arguments))
        except ClientError as error:
            details = error.response["Error"]
            if details["Code"] == "AccessDeniedException":
                request_id = error.response["ResponseMetadata"].get("RequestId", "null")
                raise _not_authorized(details["Message"], request_id) from error
            raise DataSourceError(details["Message"], f"Lambda:{details['Code']}") from error
        except BotoCoreError as error:
            raise DataSourceError(str(error), "Lambda:SdkClientException") from error


def _not_authorized(message: str, request_id: str) -> DataSourceError:
    """A denial, as DynamoDB's look on AWS (terraform-aws-appsync 7): the SDK's general class, and its text around it.

    No source shows one of Lambda's since AppSync uses version 2 of the Java SDK.
    """
    return DataSourceError(
        f"{message} (Service: Lambda, Status Code: 403, Request ID: {request_id})", "Lambda:LambdaException"
    )


def _operation(request: Any) -> str:
    operation = request.get("operation") if isinstance(request, dict) else None
    if operation is None:
        raise rejected("Value for field '$[operation]' not found.")
    if operation not in ("Invoke", "BatchInvoke"):
        raise rejected(f"Unsupported operation '{operation}'.")
    if request.get("invocationType", "RequestResponse") not in ("RequestResponse", "Event"):
        raise rejected(f"Unsupported invocationType '{request['invocationType']}'.")
    return str(operation)


def _answers(answer: Any, count: int) -> list[Any]:
    if isinstance(answer, list) and len(answer) == count:
        return answer
    got = f"a list of {len(answer)}" if isinstance(answer, list) else "no list"
    raise DataSourceError(
        f"The response of a batch invocation is a list with one element for each of its {count} items, not {got}.",
        "Lambda:IllegalArgument",
    )


def _direct_element(element: Any) -> Any:
    """The Developer Guide has `{data, errorMessage, errorType}`; on AWS bare values were seen to work too."""
    if not isinstance(element, dict) or not element or not element.keys() <= _DIRECT_MEMBERS:
        return element
    if element.get("errorMessage") is not None:
        return DataSourceError(
            str(element["errorMessage"]), str(element.get("errorType") or "Lambda:Unhandled"), element.get("data")
        )
    return element.get("data")


def _raise_error(result: Any) -> Any:
    if isinstance(result, DataSourceError):
        raise result
    return result


def _parse(payload: bytes) -> Any:
    try:
        return orjson.loads(payload) if payload else None
    except orjson.JSONDecodeError as error:
        raise DataSourceError(f"The function's response is not JSON: {error}", "Lambda:Unhandled") from error
