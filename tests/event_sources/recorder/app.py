"""Keeps every event that it gets in a table, then does what the event's records ask for.

A record's text may be JSON: `{"id": ..., "do": "raise" | "report" | "answer", "times": how often}`. "report" names the
record as failed, "answer" returns the member "answer" as it is.
"""

from __future__ import annotations

import base64
import json
import os
import time
from typing import Any

import boto3

TABLE: Any = boto3.resource("dynamodb").Table(os.environ["TABLE"])
NAME = os.environ["NAME"]


def handler(event: dict[str, Any], context: Any) -> Any:
    """Record, then obey."""
    started = time.time_ns()
    plans = [_plan(record) for record in event["Records"]]
    time.sleep(max((plan.get("sleep", 0) for plan in plans), default=0))
    TABLE.put_item(
        Item={
            "pk": NAME,
            "sk": f"{started:020d}#{context.aws_request_id}",
            "event": json.dumps(event),
            "started": started,
            "ended": time.time_ns(),
        }
    )
    failed = []
    for record, plan in zip(event["Records"], plans, strict=True):
        if "do" not in plan or _attempt(plan["id"]) > plan.get("times", 1):
            continue
        if plan["do"] == "raise":
            raise RuntimeError(f"as asked for by {plan['id']}")
        if plan["do"] == "answer":
            return plan["answer"]
        failed.append({"itemIdentifier": _identifier(record)})
    answer: dict[str, Any] = {"batchItemFailures": failed}
    if "state" in event:
        answer["state"] = {"ids": event["state"].get("ids", []) + [plan.get("id") for plan in plans]}
    return answer


def _plan(record: dict[str, Any]) -> dict[str, Any]:
    if "kinesis" in record:
        text = base64.b64decode(record["kinesis"]["data"]).decode()
    elif "dynamodb" in record:
        image = record["dynamodb"].get("NewImage") or record["dynamodb"]["OldImage"]
        text = image["text"]["S"]
    else:
        text = record["body"]
    try:
        plan = json.loads(text)
    except ValueError:
        return {}
    return plan if isinstance(plan, dict) else {}


def _attempt(identifier: str) -> int:
    """How often this record has come, this time included."""
    found = TABLE.update_item(
        Key={"pk": f"ATTEMPTS#{NAME}", "sk": identifier},
        UpdateExpression="ADD attempts :one",
        ExpressionAttributeValues={":one": 1},
        ReturnValues="UPDATED_NEW",
    )
    return int(found["Attributes"]["attempts"])


def _identifier(record: dict[str, Any]) -> Any:
    if "kinesis" in record:
        return record["kinesis"]["sequenceNumber"]
    return record["dynamodb"]["SequenceNumber"] if "dynamodb" in record else record["messageId"]
