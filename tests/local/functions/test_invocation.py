"""What a handler gets and gives, as in AWS Lambda."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from local.functions import FunctionNotFound, RequestTooLarge
from tests.local.functions.conftest import Deployed

UUID = "8f5a1e3c-6d34-4d2a-9a44-0f4a3d3c1b2a"


async def test_a_handler_gets_the_event_and_returns_the_result(deployed: Deployed) -> None:
    deployed.deploy("def handler(event, context): return {'got': event, 'text': 'Grüße'}")
    assert await deployed.call({"a": [1, 2.5, None]}) == {"got": {"a": [1, 2.5, None]}, "text": "Grüße"}


async def test_the_context_has_what_lambda_gives(deployed: Deployed) -> None:
    code = """
    def handler(event, context):
        names = ["aws_request_id", "function_name", "function_version", "invoked_function_arn", "memory_limit_in_mb",
                 "log_group_name", "log_stream_name"]
        remaining = context.get_remaining_time_in_millis()
        return {name: getattr(context, name) for name in names} | {
            "remaining": remaining, "identity": context.identity.cognito_identity_id if context.identity else "none",
            "custom": context.client_context.custom}
    """
    deployed.deploy(code, timeout_seconds=7, memory_mb=512)
    got = await deployed.call(request_id=UUID, client_context='{"custom": {"k": "v"}}')
    assert 6000 < got.pop("remaining") <= 7000
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", got.pop("log_stream_name"))
    assert got.pop("identity") in {None, "none"}
    assert got == {
        "aws_request_id": UUID, "function_name": "greet", "function_version": "$LATEST", "memory_limit_in_mb": "512",
        "invoked_function_arn": "arn:aws:lambda:eu-west-1:000000000000:function:greet",
        "log_group_name": "/aws/lambda/greet", "custom": {"k": "v"},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("returned", "payload"),
    [
        ("None", "null"),
        ("Decimal('1.10')", "1.10"),
        ("{'n': Decimal('5')}", '{"n": 5}'),
        ("float('nan')", "NaN"),
        ("(1, 2)", "[1, 2]"),
        ("'é'", '"\\u00e9"'),
    ],
)
async def test_results_are_serialised_as_lambda_does(deployed: Deployed, returned: str, payload: str) -> None:
    deployed.deploy(f"from decimal import Decimal\ndef handler(event, context): return {returned}")
    assert (await deployed.invoke()).payload.decode() == payload


async def test_a_result_that_is_no_json_is_a_marshal_error(deployed: Deployed) -> None:
    deployed.deploy("def handler(event, context): return {1, 2}")
    error = await deployed.error(request_id=UUID)
    assert error == {
        "errorMessage": "Unable to marshal response: Object of type set is not JSON serializable",
        "errorType": "Runtime.MarshalError", "requestId": UUID, "stackTrace": [],
    }  # fmt: skip


async def test_an_error_has_its_class_message_and_stack(deployed: Deployed) -> None:
    code = """
    class OutOfTea(Exception): pass
    def brew(): raise OutOfTea("no leaves")
    def handler(event, context): brew()
    """
    deployed.deploy(code)
    error = await deployed.error(request_id=UUID)
    assert (error["errorType"], error["errorMessage"], error["requestId"]) == ("OutOfTea", "no leaves", UUID)
    assert [re.search(r"line \d+, in (\w+)", frame)[1] for frame in error["stackTrace"]] == ["handler", "brew"]  # type: ignore[index]


async def test_the_worker_survives_an_error(deployed: Deployed) -> None:
    code = """
    import os
    def handler(event, context):
        if event: raise ValueError(event)
        return os.getpid()
    """
    deployed.deploy(code)
    before = await deployed.call()
    await deployed.error("boom")
    assert await deployed.call() == before


@pytest.mark.parametrize(
    ("code", "handler", "error_type", "message"),
    [
        ("import nowhere", "index.handler", "Runtime.ImportModuleError",
         "Unable to import module 'index': No module named 'nowhere'"),
        ("", "absent.handler", "Runtime.ImportModuleError",
         "Unable to import module 'absent': No module named 'absent'"),
        ("", "index.absent", "Runtime.HandlerNotFound", "Handler 'absent' missing on module 'index'"),
        ("", "index", "Runtime.MalformedHandlerName",
         "Bad handler 'index': not enough values to unpack (expected 2, got 1)"),
        ("def (", "index.handler", "Runtime.UserCodeSyntaxError",
         "Syntax error in module 'index': invalid syntax (index.py, line 1)"),
        ("{}['key']", "index.handler", "KeyError", "'key'"),
    ],
)  # fmt: skip
async def test_what_cannot_be_initialised_says_why(
    deployed: Deployed, code: str, handler: str, error_type: str, message: str
) -> None:
    deployed.deploy(code, handler=handler)
    for _ in range(2):  # initialisation is tried again by every invocation
        error = await deployed.error()
        assert (error["errorType"], error["errorMessage"]) == (error_type, message)


@pytest.mark.parametrize(
    ("ending", "reason"),
    [
        ("sys.exit(1)", "Runtime exited with error: exit status 1"),
        ("sys.exit(0)", "Runtime exited without providing a reason"),
        ("os._exit(7)", "Runtime exited with error: exit status 7"),
        ("os.kill(os.getpid(), 9)", "Runtime exited with error: signal: killed"),
        ("os.kill(os.getpid(), 15)", "Runtime exited with error: signal: terminated"),
    ],
)
async def test_a_handler_that_ends_its_process_is_an_exit_error(deployed: Deployed, ending: str, reason: str) -> None:
    deployed.deploy(f"import os, sys\ndef handler(event, context):\n    if event: {ending}\n    return 'alive'")
    error = await deployed.error(True, request_id=UUID)
    assert error == {"errorType": "Runtime.ExitError", "errorMessage": f"RequestId: {UUID} Error: {reason}"}
    assert await deployed.call() == "alive"


async def test_a_handler_that_takes_too_long_is_killed_with_all_it_started(deployed: Deployed) -> None:
    code = """
    import os, subprocess, threading
    def handler(event, context):
        if not event: return "alive"
        subprocess.Popen(["sh", "-c", "sleep 0.5; touch survived"])
        threading.Event().wait()
    """
    deployed.deploy(code, timeout_seconds=0.3)
    error = await deployed.error(True, request_id=UUID)
    assert error == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": f"RequestId: {UUID} Error: Task timed out after 0.30 seconds",
    }
    assert await deployed.call() == "alive"
    deployed.deploy("import time\ndef handler(event, context): time.sleep(0.6)", name="clock")
    await deployed.call(name="clock")
    assert not list(deployed.root.rglob("survived"))


async def test_events_have_six_megabytes_at_most(deployed: Deployed) -> None:
    deployed.deploy("def handler(event, context): return len(event)")
    assert await deployed.call("x" * (6 * 1024 * 1024 - 2)) == 6 * 1024 * 1024 - 2
    with pytest.raises(RequestTooLarge, match="Request must be smaller than 6291456 bytes"):
        await deployed.invoke("x" * 6 * 1024 * 1024)


async def test_results_have_six_megabytes_at_most(deployed: Deployed) -> None:
    deployed.deploy("def handler(event, context): return 'x' * event")
    assert len((await deployed.invoke(6_291_554)).payload) == 6_291_556
    assert await deployed.error(6_291_555) == {
        "errorType": "Function.ResponseSizeTooLarge",
        "errorMessage": "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
    }


async def test_an_unknown_function_is_not_found(deployed: Deployed) -> None:
    with pytest.raises(FunctionNotFound):
        await deployed.invoke(name="nobody")


async def test_functions_are_named_by_arn_too(deployed: Deployed) -> None:
    deployed.deploy("def handler(event, context): return context.invoked_function_arn")
    arn = "arn:aws:lambda:eu-west-1:000000000000:function:greet"
    assert await deployed.call(name=arn) == arn
    assert await deployed.call(name=f"{arn}:live") == f"{arn}:live"


async def test_the_log_has_the_platforms_lines_and_the_handlers(deployed: Deployed) -> None:
    code = """
    import logging, os, sys
    def handler(event, context):
        print("printed")
        print("to stderr", file=sys.stderr)
        logging.getLogger(__name__).warning("warned")
        os.write(1, b"raw\\n")
    """
    deployed.deploy(code)
    tail = (await deployed.invoke(request_id=UUID)).log_tail.decode()
    lines = tail.splitlines()
    assert lines[0] == f"START RequestId: {UUID} Version: $LATEST"
    assert lines[1:3] == ["printed", "to stderr"]
    assert re.fullmatch(rf"\[WARNING\]\t\d{{4}}-\d\d-\d\dT[\d:]+\.\d{{3}}Z\t{UUID}\twarned", lines[3])
    assert lines[4:6] == ["raw", f"END RequestId: {UUID}"]
    assert re.fullmatch(
        rf"REPORT RequestId: {UUID}\tDuration: [\d.]+ ms\tBilled Duration: \d+ ms\tMemory Size: 128 MB\t"
        r"Max Memory Used: [1-9]\d* MB\tInit Duration: [\d.]+ ms\t", lines[6],
    )  # fmt: skip
    assert deployed.log() == tail


async def test_the_log_tail_is_the_last_four_kilobytes(deployed: Deployed) -> None:
    deployed.deploy("def handler(event, context): print('x' * 200_000); print('end')")
    tail = (await deployed.invoke()).log_tail
    assert len(tail) == 4096
    assert b"xx\nend\nEND RequestId" in tail


async def test_a_traceback_is_readable_in_the_log(deployed: Deployed) -> None:
    deployed.deploy("def handler(event, context): raise ValueError('bad')")
    await deployed.error()
    assert "[ERROR] ValueError: bad\nTraceback (most recent call last):\n" in deployed.log()
    assert "\r" not in deployed.log()


async def test_json_logs(deployed: Deployed) -> None:
    code = """
    import logging
    def handler(event, context): logging.getLogger().info("said", extra={"topic": "tea"})
    """
    deployed.deploy(code, log_format="JSON", log_level="INFO")
    tail = (await deployed.invoke(request_id=UUID)).log_tail.decode()
    said: dict[str, Any] = json.loads(next(line for line in tail.splitlines() if "said" in line))
    assert (said["level"], said["message"], said["topic"], said["requestId"]) == ("INFO", "said", "tea", UUID)
