"""The Lambda data source, with an `invoke` that answers as the function workers do."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from local.appsync.datasources import DataSourceError
from local.appsync.datasources.aws_lambda import LambdaDataSource
from local.functions import TooManyRequests
from tests.local.appsync.datasources.contexts import context

ARN = "arn:aws:lambda:us-east-1:000000000000:function:f"


@dataclass(frozen=True)
class Answer:
    payload: bytes
    function_error: str | None = None


def returned(value: Any) -> Answer:
    return Answer(json.dumps(value).encode())


def raised(error_type: str, message: str) -> Answer:
    details = {"errorType": error_type, "errorMessage": message, "stackTrace": ["secret"], "requestId": "r"}
    return Answer(json.dumps(details).encode(), "Unhandled")


class Worker:
    """Records the events it gets and answers as told."""

    def __init__(self, answer: Answer | Callable[[Any], Answer]) -> None:
        self.answer = answer
        self.events: list[Any] = []

    async def invoke(self, arn: str, event: bytes) -> Answer:
        assert arn == ARN
        self.events.append(json.loads(event))
        return self.answer(self.events[-1]) if callable(self.answer) else self.answer


class Queue:
    """boto3's Lambda client as far as `Event` invocations need it."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []

    def invoke(self, **arguments: Any) -> dict[str, Any]:
        self.calls.append(arguments)
        return {"StatusCode": 202}


def source(worker: Worker, queue: Queue | None = None, timeout_seconds: float = 30) -> LambdaDataSource:
    return LambdaDataSource(ARN, invoke=worker.invoke, client=lambda _: queue, timeout_seconds=timeout_seconds)


async def failure(worker: Worker, request: Any) -> DataSourceError:
    with pytest.raises(DataSourceError) as error:
        await source(worker).call(request, context())
    return error.value


async def test_the_function_gets_exactly_the_payload() -> None:
    worker = Worker(returned({"a": 1}))
    assert await source(worker).call({"operation": "Invoke", "payload": {"x": [1, None]}}, context()) == {"a": 1}
    assert worker.events == [{"x": [1, None]}]


async def test_without_a_payload_the_event_is_null() -> None:
    worker = Worker(returned("text"))
    assert await source(worker).call({"operation": "Invoke"}, context()) == "text"
    assert worker.events == [None]


async def test_an_exception_is_lambda_unhandled_with_its_message_only() -> None:
    error = await failure(Worker(raised("CustomException", "went wrong")), {"operation": "Invoke", "payload": 1})
    assert (error.message, error.type, error.data) == ("went wrong", "Lambda:Unhandled", None)
    assert error.to_json() == {"message": "went wrong", "type": "Lambda:Unhandled"}


async def test_a_timeout_of_the_function_is_unhandled_too() -> None:
    error = await failure(
        Worker(raised("Sandbox.Timedout", "Task timed out after 3.00 seconds")), {"operation": "Invoke"}
    )
    assert (error.message, error.type) == ("Task timed out after 3.00 seconds", "Lambda:Unhandled")


async def test_appsync_does_not_wait_forever() -> None:
    async def never(_arn: str, _event: bytes) -> Answer:
        await asyncio.Event().wait()
        raise AssertionError

    waiting = LambdaDataSource(ARN, invoke=never, client=lambda _: None, timeout_seconds=0.05)
    with pytest.raises(DataSourceError) as error:
        await waiting.call({"operation": "Invoke"}, context())
    assert (error.value.message, error.value.type) == ("Execution timed out.", "Lambda:ExecutionTimeoutException")


async def test_throttling_has_a_type_of_its_own() -> None:
    def throttle(_event: Any) -> Answer:
        raise TooManyRequests("Rate Exceeded.", "ReservedFunctionConcurrentInvocationLimitExceeded")

    error = await failure(Worker(throttle), {"operation": "Invoke"})
    assert (error.message, error.type) == ("Rate Exceeded.", "Lambda:TooManyRequestsException")


@pytest.mark.parametrize(
    ("request_object", "message"),
    [
        ({}, "Value for field '$[operation]' not found."),
        (None, "Value for field '$[operation]' not found."),
        ([], "Value for field '$[operation]' not found."),
        ({"operation": "invoke"}, "Unsupported operation 'invoke'."),
        ({"operation": "Invoke", "invocationType": "Later"}, "Unsupported invocationType 'Later'."),
    ],
)
async def test_a_request_that_is_none_is_rejected(request_object: Any, message: str) -> None:
    worker = Worker(returned(1))
    error = await failure(worker, request_object)
    assert (error.message, error.type, error.request_rejected) == (message, "MappingTemplate", True)
    assert worker.events == []


async def test_an_event_goes_to_the_queue_and_the_result_is_null() -> None:
    worker, queue = Worker(returned(1)), Queue()
    request = {"operation": "Invoke", "invocationType": "Event", "payload": {"a": 1}}
    assert await source(worker, queue).call(request, context()) is None
    assert queue.calls == [{"FunctionName": ARN, "InvocationType": "Event", "Payload": b'{"a":1}'}]
    assert worker.events == []


async def test_a_batch_is_one_invocation_with_the_list_of_payloads() -> None:
    worker = Worker(lambda event: returned([number * 2 for number in event]))
    requests = [{"operation": "BatchInvoke", "payload": number} for number in (1, 2, 3)]
    assert await source(worker).call_batch(requests, [context()] * 3) == [2, 4, 6]
    assert worker.events == [[1, 2, 3]]


async def test_a_batch_request_without_batching_is_a_batch_of_one() -> None:
    worker = Worker(returned(["a"]))
    assert await source(worker).call({"operation": "BatchInvoke", "payload": 1}, context()) == "a"
    assert worker.events == [[1]]


@pytest.mark.parametrize("value", [{"a": 1}, None, [1], [1, 2, 3]])
async def test_a_batch_answer_of_another_length_fails_every_item(value: Any) -> None:
    requests = [{"operation": "BatchInvoke", "payload": number} for number in (1, 2)]
    results = await source(Worker(returned(value))).call_batch(requests, [context()] * 2)
    assert [result.type for result in results] == ["Lambda:IllegalArgument"] * 2


async def test_an_exception_in_a_batch_fails_every_item() -> None:
    requests = [{"operation": "BatchInvoke", "payload": number} for number in (1, 2)]
    results = await source(Worker(raised("KeyError", "'a'"))).call_batch(requests, [context()] * 2)
    assert [(result.message, result.type) for result in results] == [("'a'", "Lambda:Unhandled")] * 2


async def test_a_direct_resolver_gets_the_context() -> None:
    worker = Worker(lambda event: returned(event["info"]["fieldName"]))
    given = context({"id": "1"})
    assert await source(worker).call_direct(given) == "items"
    assert worker.events == [given.to_json()]


async def test_a_direct_resolvers_error_has_the_name_of_the_exception() -> None:
    with pytest.raises(DataSourceError) as error:
        await source(Worker(raised("CustomException", "went wrong"))).call_direct(context())
    assert (error.value.message, error.value.type) == ("went wrong", "CustomException")


async def test_a_direct_batch_takes_objects_with_errors_and_bare_values() -> None:
    worker = Worker(
        returned(
            [
                {"data": {"id": 1}},
                {"errorMessage": "no", "errorType": "NotFound", "data": {"id": 2}},
                {"errorMessage": "no"},
                {"id": 4, "data": 1},
                "bare",
                None,
                {"data": None, "errorMessage": None},
            ]
        )
    )
    results = await source(worker).call_direct_batch([context()] * 7)
    assert [result for result in results if not isinstance(result, DataSourceError)] == [
        {"id": 1},
        {"id": 4, "data": 1},
        "bare",
        None,
        None,
    ]
    assert [(error.message, error.type, error.data) for error in results[1:3]] == [
        ("no", "NotFound", {"id": 2}),
        ("no", "Lambda:Unhandled", None),
    ]


async def test_a_payload_that_is_not_json_is_an_error() -> None:
    error = await failure(Worker(Answer(b"<html>")), {"operation": "Invoke"})
    assert error.type == "Lambda:Unhandled"
