"""Records between the stream and the function."""

from __future__ import annotations

import json

from local.event_sources import dynamodb, kinesis, sqs
from local.event_sources.records import Record, payload

STREAM = "arn:aws:dynamodb:us-east-1:000000000000:table/Main/stream/2026-11-21T00:00:00.000"


def test_a_removal_by_ttl_names_the_service_as_lambda_spells_it() -> None:
    change = {"ApproximateCreationDateTime": 1, "Keys": {"pk": {"S": "k"}}, "SequenceNumber": "1"}
    for identity in (
        {"PrincipalId": "dynamodb.amazonaws.com", "Type": "Service"},
        {"principalId": "dynamodb.amazonaws.com", "type": "Service"},
    ):
        raw = {"eventID": "e", "eventName": "REMOVE", "awsRegion": "us-east-1", "dynamodb": change}
        record = dynamodb.read({**raw, "userIdentity": identity}, STREAM).record
        assert json.loads(record.text)["userIdentity"] == {"principalId": "dynamodb.amazonaws.com", "type": "Service"}


def test_a_kinesis_record_is_base64_and_says_where_it_is_from() -> None:
    arn = "arn:aws:kinesis:us-east-2:123456789012:stream/lambda-stream"
    raw = {
        "PartitionKey": "1",
        "SequenceNumber": "49590338271490256608559692538361571095921575989136588898",
        "Data": "SGVsbG8sIHRoaXMgaXMgYSB0ZXN0Lg==",
        "ApproximateArrivalTimestamp": 1545084650.987,
    }
    read = kinesis.read(raw, "shardId-000000000006", arn, "arn:aws:iam::123456789012:role/lambda-role")
    # The example of https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html
    assert json.loads(read.record.text) == {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": "1",
            "sequenceNumber": "49590338271490256608559692538361571095921575989136588898",
            "data": "SGVsbG8sIHRoaXMgaXMgYSB0ZXN0Lg==",
            "approximateArrivalTimestamp": 1545084650.987,
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": "shardId-000000000006:49590338271490256608559692538361571095921575989136588898",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": "arn:aws:iam::123456789012:role/lambda-role",
        "awsRegion": "us-east-2",
        "eventSourceARN": arn,
    }
    assert (read.record.key, read.record.created) == ("1", 1545084650.987)
    assert read.document.data == "Hello, this is a test."


def test_a_message_has_its_attributes_in_lambdas_spelling() -> None:
    raw = {
        "MessageId": "m", "ReceiptHandle": "r", "Body": "test", "MD5OfBody": "098f6bcd4621d373cade4e832627b4f6",
        "MD5OfMessageAttributes": "00000000000000000000000000000000",
        "Attributes": {"ApproximateReceiveCount": "1", "MessageGroupId": "g"},
        "MessageAttributes": {
            "myAttribute": {"StringValue": "myValue", "DataType": "String"},
            "picture": {"BinaryValue": b"\x00\xff", "DataType": "Binary"},
        },
    }  # fmt: skip
    message = sqs.read(raw, "arn:aws:sqs:us-east-2:123456789012:fifo.fifo")
    assert json.loads(message.text) == {
        "messageId": "m",
        "receiptHandle": "r",
        "body": "test",
        "attributes": {"ApproximateReceiveCount": "1", "MessageGroupId": "g"},
        "messageAttributes": {
            "myAttribute": {
                "stringValue": "myValue", "stringListValues": [], "binaryListValues": [], "dataType": "String",
            },
            "picture": {
                "binaryValue": "AP8=", "stringListValues": [], "binaryListValues": [], "dataType": "Binary",
            },
        },
        "md5OfBody": "098f6bcd4621d373cade4e832627b4f6",
        "md5OfMessageAttributes": "00000000000000000000000000000000",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-2:123456789012:fifo.fifo",
        "awsRegion": "us-east-2",
    }  # fmt: skip
    assert message.group == "g"
    assert sqs.read(raw, "arn:aws:sqs:us-east-2:123456789012:standard").group is None


def test_a_batch_is_made_of_texts_that_were_encoded_once() -> None:
    records = [Record.of({"text": text}, sequence_number="1", created=0, key="k") for text in ("a", "\u00e9")]
    assert json.loads(payload(record.text for record in records)) == {"Records": [{"text": "a"}, {"text": "\u00e9"}]}
    assert records[1].size == len('{"text":"\u00e9"}'.encode())
    assert json.loads(payload([], {"state": {"a": 1}})) == {"Records": [], "state": {"a": 1}}


def test_half_a_surrogate_pair_does_not_stop_a_stream() -> None:
    record = Record.of({"text": "\ud800"}, sequence_number="1", created=0, key="k")
    assert json.loads(payload([record.text]))["Records"][0]["text"] == "\ud800"
