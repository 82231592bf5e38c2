"""Stream records in the shape in which Lambda hands them to a function.

https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple


class Record(NamedTuple):
    """One stream record. `created` is in epoch seconds; `size` is of its JSON in bytes; `key` tells items apart."""

    event: dict[str, Any]
    sequence_number: str
    created: float
    key: str
    size: int


def lambda_record(raw: dict[str, Any], stream_arn: str) -> Record:
    """A record of GetRecords' wire JSON, as Lambda passes it on."""
    change = raw["dynamodb"]
    event = {
        "eventID": raw["eventID"],
        "eventName": raw["eventName"],
        "eventVersion": raw.get("eventVersion", "1.1"),
        "eventSource": raw.get("eventSource", "aws:dynamodb"),
        "awsRegion": raw["awsRegion"],
        "dynamodb": change,
        "eventSourceARN": stream_arn,
    }
    identity = raw.get("userIdentity")
    if identity:
        # GetRecords says PrincipalId and Type, Lambda's event principalId and type.
        event["userIdentity"] = {name[0].lower() + name[1:]: value for name, value in identity.items()}
    return Record(
        event=event,
        sequence_number=change["SequenceNumber"],
        created=float(change["ApproximateCreationDateTime"]),
        key=json.dumps(change["Keys"], sort_keys=True),
        size=len(json.dumps(event, separators=(",", ":"))),
    )


def payload(records: Sequence[Record]) -> bytes:
    """The event of a batch."""
    return json.dumps({"Records": [record.event for record in records]}, separators=(",", ":")).encode()
