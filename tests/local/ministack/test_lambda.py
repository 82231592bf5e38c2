"""Invocations go to Headwater's workers, whoever starts them; and nothing else runs functions."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import http.server
import json
import socketserver
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import unquote

import pytest
import websockets

from tests.local.ministack.servers import Server, running, wait_until


class Workers(http.server.BaseHTTPRequestHandler):
    """A server on the invocation socket which answers as the event says, and keeps what it was asked."""

    asked: ClassVar[list[tuple[str, Any, str | None]]] = []
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Answer one invocation."""
        event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append((unquote(self.path), event, self.headers["X-Amz-Request-Id"]))
        answer = event if isinstance(event, dict) else {}
        body = json.dumps(answer.get("answer", {"statusCode": 200})).encode()
        self.send_response(answer.get("status", 200))
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Amz-Log-Result", base64.b64encode(b"a line of the log").decode())
        if "error" in answer:
            self.send_header("X-Amz-Function-Error", answer["error"])
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        """There is no address on an AF_UNIX socket."""
        return "unix"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the overridden method
        """Say nothing."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A mended server, with workers behind its invocation socket, and a function `f`."""
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory())
        path = str(Path(directory) / "invoke")
        workers = stack.enter_context(socketserver.ThreadingUnixStreamServer(path, Workers))
        thread = threading.Thread(target=workers.serve_forever, args=(0.05,))
        thread.start()
        stack.callback(thread.join)
        stack.callback(workers.shutdown)
        found = stack.enter_context(
            running(tmp_path_factory.mktemp("lambda"), mended=True, environment={"HEADWATER_INVOKE": path})
        )
        found.create_function("f", "x = 1")
        yield found


def test_an_invocation_is_forwarded_with_its_event_and_its_log(server: Server) -> None:
    answer = server.client("lambda").invoke(
        FunctionName="f", Payload=json.dumps({"answer": {"ok": "ü"}}), LogType="Tail"
    )

    assert json.loads(answer["Payload"].read()) == {"ok": "ü"}
    assert "FunctionError" not in answer
    assert b"a line of the log" in base64.b64decode(answer["LogResult"])
    path, event, request_id = Workers.asked[-1]
    assert path == "/2015-03-31/functions/arn:aws:lambda:us-east-1:000000000000:function:f/invocations"
    assert event == {"answer": {"ok": "ü"}}
    assert request_id


def test_a_published_version_is_named_in_the_arn(server: Server) -> None:
    version = server.client("lambda").publish_version(FunctionName="f")["Version"]

    server.client("lambda").invoke(FunctionName="f", Qualifier=version, Payload=b"{}")

    assert Workers.asked[-1][0].endswith(f":function:f:{version}/invocations")


def test_the_type_and_the_stack_of_an_error_arrive(server: Server) -> None:
    error = {"errorType": "OrderTooBig", "errorMessage": "12", "stackTrace": ["line"], "requestId": "r"}

    answer = server.client("lambda").invoke(
        FunctionName="f", Payload=json.dumps({"answer": error, "error": "Unhandled"})
    )

    assert answer["FunctionError"] == "Unhandled"
    assert json.loads(answer["Payload"].read()) == error


def test_a_throttled_invocation_is_too_many_requests(server: Server) -> None:
    functions = server.client("lambda")

    with pytest.raises(functions.exceptions.TooManyRequestsException):
        functions.invoke(FunctionName="f", Payload=json.dumps({"status": 429}))


def test_logs_are_written_to_the_group_of_the_function(server: Server) -> None:
    server.client("lambda").invoke(FunctionName="f", Payload=b"{}")

    events = server.client("logs").filter_log_events(logGroupName="/aws/lambda/f")["events"]

    messages = [event["message"] for event in events]
    assert "a line of the log" in messages
    assert any(message.startswith("REPORT RequestId") for message in messages)


def test_a_state_machine_catches_an_error_by_its_type(server: Server) -> None:
    machines = server.client("stepfunctions")
    error = {"answer": {"errorType": "OrderTooBig", "errorMessage": "12"}, "error": "Unhandled"}
    definition = {
        "StartAt": "Call",
        "States": {
            "Call": {
                "Type": "Task",
                "Resource": "arn:aws:lambda:us-east-1:000000000000:function:f",
                "Catch": [{"ErrorEquals": ["OrderTooBig"], "Next": "Caught"}],
                "End": True,
            },
            "Caught": {"Type": "Pass", "Result": "caught", "End": True},
        },
    }
    machine = machines.create_state_machine(
        name="m", definition=json.dumps(definition), roleArn="arn:aws:iam::000000000000:role/role-of-f"
    )
    execution = machines.start_execution(stateMachineArn=machine["stateMachineArn"], input=json.dumps(error))

    def ended() -> Any:
        found = machines.describe_execution(executionArn=execution["executionArn"])
        return None if found["status"] == "RUNNING" else found

    assert json.loads(wait_until(ended, "the execution ends")["output"]) == "caught"


def test_without_workers_an_invocation_says_so(mended: Server) -> None:
    mended.create_function("workerless", "x = 1")

    answer = mended.client("lambda").invoke(FunctionName="workerless", Payload=b"{}")

    assert answer["FunctionError"] == "Unhandled"
    assert "HEADWATER_INVOKE is not set" in json.loads(answer["Payload"].read())["errorMessage"]


def test_stock_ministack_still_hides_the_type_of_an_error(stock: Server) -> None:
    """When this fails, `forward_invocations` is needed only for where the functions run."""
    source = "class OrderTooBig(Exception): pass\ndef handle(event, context): raise OrderTooBig('12')"
    stock.create_function("f", source)

    answer = stock.client("lambda").invoke(FunctionName="f", Payload=b"{}")

    assert json.loads(answer["Payload"].read())["errorType"] == "Runtime.HandlerError"


async def test_a_websocket_route_is_forwarded(server: Server) -> None:
    api = server.client("apigatewayv2")
    api_id = api.create_api(Name="ws", ProtocolType="WEBSOCKET", RouteSelectionExpression="$request.body.action")[
        "ApiId"
    ]
    uri = "arn:aws:lambda:us-east-1:000000000000:function:f"
    uri = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{uri}/invocations"
    integration = api.create_integration(ApiId=api_id, IntegrationType="AWS_PROXY", IntegrationUri=uri)
    for route in ("$connect", "$default"):
        target = f"integrations/{integration['IntegrationId']}"
        api.create_route(ApiId=api_id, RouteKey=route, Target=target)
    api.create_stage(ApiId=api_id, StageName="live")
    Workers.asked.clear()

    async with websockets.connect(f"ws://127.0.0.1:{server.port}/_aws/execute-api/{api_id}/live") as connection:
        await connection.send("hello")
        await asyncio.to_thread(wait_until, lambda: len(Workers.asked) >= 2, "both routes were invoked")

    assert [event["requestContext"]["routeKey"] for _, event, _ in Workers.asked] == ["$connect", "$default"]


def test_an_event_source_mapping_is_kept_and_not_run(server: Server) -> None:
    queues, functions = server.client("sqs"), server.client("lambda")
    url = queues.create_queue(QueueName="work")["QueueUrl"]
    mapping = functions.create_event_source_mapping(
        FunctionName="f", EventSourceArn="arn:aws:sqs:us-east-1:000000000000:work"
    )
    Workers.asked.clear()

    queues.send_message(QueueUrl=url, MessageBody="stays")

    # The stock poller takes a message at once: while it lives, this receives nothing.
    received = queues.receive_message(QueueUrl=url, WaitTimeSeconds=2)["Messages"]
    assert received[0]["Body"] == "stays"
    assert Workers.asked == []
    functions.delete_event_source_mapping(UUID=mapping["UUID"])
