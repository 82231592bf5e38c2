"""Records between the stream and the function."""

from __future__ import annotations

from local.event_sources.records import lambda_record

STREAM = "arn:aws:dynamodb:us-east-1:000000000000:table/Main/stream/2026-11-21T00:00:00.000"


def test_a_removal_by_ttl_names_the_service_as_lambda_spells_it() -> None:
    change = {"ApproximateCreationDateTime": 1, "Keys": {"pk": {"S": "k"}}, "SequenceNumber": "1"}
    for identity in (
        {"PrincipalId": "dynamodb.amazonaws.com", "Type": "Service"},
        {"principalId": "dynamodb.amazonaws.com", "type": "Service"},
    ):
        raw = {"eventID": "e", "eventName": "REMOVE", "awsRegion": "us-east-1", "dynamodb": change}
        event = lambda_record({**raw, "userIdentity": identity}, STREAM).event
        assert event["userIdentity"] == {"principalId": "dynamodb.amazonaws.com", "type": "Service"}
