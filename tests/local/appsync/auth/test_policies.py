"""Evaluation of IAM policies for the action `appsync:GraphQL`."""

from __future__ import annotations

from typing import Any

import pytest

from local.appsync.auth.policies import ACTION, Policies, PolicyError, field_arn
from local.errors import NotEmulated

API = "arn:aws:appsync:us-east-1:000000000000:apis/abc"
PUBLISH = field_arn(API, "Mutation", "publishMessages")
CONTEXT: dict[str, str | list[str]] = {
    "aws:sourceip": "10.1.2.3",
    "aws:username": "ann",
    "aws:epochtime": "1790000000",
    "aws:currenttime": "2026-09-21T14:13:20+00:00",
    "aws:securetransport": "false",
    "aws:principalarn": "arn:aws:iam::000000000000:user/ann",
    "aws:principaltag/team": ["chat", "shop"],
}


def statement(effect: str = "Allow", **elements: Any) -> dict[str, Any]:
    defaults = {"Action": ACTION, "Resource": "*"}
    for name in elements:
        defaults.pop(name.removeprefix("Not"), None)
    return {"Effect": effect} | defaults | elements


def allowed(*statements: dict[str, Any], resource: str = PUBLISH, version: str = "2012-10-17") -> bool:
    policies = Policies([{"Version": version, "Statement": list(statements)}])
    return policies.allow(ACTION, resource, CONTEXT)


def test_nothing_is_allowed_by_itself() -> None:
    assert not Policies([]).allow(ACTION, PUBLISH, CONTEXT)


def test_a_single_statement_needs_no_list() -> None:
    policies = Policies([{"Version": "2012-10-17", "Statement": statement()}])
    assert policies.allow(ACTION, PUBLISH, CONTEXT)


def test_an_explicit_deny_wins_in_any_order_and_document() -> None:
    deny = statement("Deny", Resource=f"{API}/types/Mutation/*")
    assert not allowed(statement(), deny)
    assert not allowed(deny, statement())
    documents = [{"Statement": [statement()]}, {"Statement": [deny]}]
    assert not Policies(documents).allow(ACTION, PUBLISH, CONTEXT)
    assert allowed(statement(), deny, resource=field_arn(API, "Query", "room"))


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        ("*", True),
        (PUBLISH, True),
        (f"{API}/*", True),
        (f"{API}/types/Mutation/fields/publish*", True),
        ("arn:aws:appsync:*:*:apis/a?c/types/*", True),
        (["arn:aws:s3:::bucket", PUBLISH], True),
        (API, False),
        (f"{API}/types/Query/*", False),
        (f"{API}/types/mutation/*", False),
        ("arn:aws:appsync:us-east-1:000000000000:apis/other/*", False),
        ("arn.aws:appsync*", False),
        (f"{API}/types/Mutation/fields/publish", False),
    ],
)
def test_resources(resource: Any, expected: bool) -> None:
    assert allowed(statement(Resource=resource)) is expected


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("appsync:GraphQL", True),
        ("APPSYNC:graphql", True),
        ("appsync:*", True),
        ("*", True),
        ("appsync:Graph??", True),
        (["dynamodb:GetItem", "appsync:GraphQL"], True),
        ("appsync:GetGraphqlApi", False),
        ("lambda:*", False),
    ],
)
def test_actions(action: Any, expected: bool) -> None:
    assert allowed(statement(Action=action)) is expected


def test_not_action_and_not_resource() -> None:
    assert allowed(statement(NotAction="iam:*"))
    assert not allowed(statement(NotAction="appsync:*"))
    assert allowed(statement(NotResource=f"{API}/types/Query/*"))
    assert not allowed(statement(NotResource=f"{API}/types/Mutation/*"))
    assert not allowed(statement(), statement("Deny", NotResource=f"{API}/types/Query/*"))


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"StringEquals": {"aws:username": "ann"}}, True),
        ({"StringEquals": {"aws:UserName": ["bob", "ann"]}}, True),
        ({"StringEquals": {"aws:username": "Ann"}}, False),
        ({"StringEqualsIgnoreCase": {"aws:username": "ANN"}}, True),
        ({"StringNotEquals": {"aws:username": ["bob", "ann"]}}, False),
        ({"StringNotEquals": {"aws:username": "bob"}}, True),
        ({"StringLike": {"aws:username": "a*"}}, True),
        ({"StringNotLike": {"aws:username": "a*"}}, False),
        ({"StringEquals": {"aws:username": "a*"}}, False),
        ({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:user/*"}}, True),
        ({"ArnNotEquals": {"aws:PrincipalArn": "arn:aws:iam::*:role/*"}}, True),
        ({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, True),
        ({"IpAddress": {"aws:SourceIp": ["192.168.0.0/16", "::1/128"]}}, False),
        ({"NotIpAddress": {"aws:SourceIp": "10.1.2.3"}}, False),
        ({"Bool": {"aws:SecureTransport": "true"}}, False),
        ({"Bool": {"aws:SecureTransport": False}}, True),
        ({"DateGreaterThan": {"aws:CurrentTime": "2026-01-01T00:00:00Z"}}, True),
        ({"DateLessThan": {"aws:CurrentTime": "2026-01-01T00:00:00Z"}}, False),
        ({"NumericLessThanEquals": {"aws:EpochTime": "1790000000"}}, True),
        ({"NumericLessThan": {"aws:username": "5"}}, False),
        ({"Null": {"aws:username": "false"}}, True),
        ({"Null": {"aws:TokenIssueTime": "true"}}, True),
        ({"Null": {"aws:username": "true"}}, False),
        ({"StringEquals": {"aws:SourceVpc": "vpc-1"}}, False),
        ({"StringEqualsIfExists": {"aws:SourceVpc": "vpc-1"}}, True),
        ({"StringNotEquals": {"aws:SourceVpc": "vpc-1"}}, True),
        ({"ForAnyValue:StringEquals": {"aws:PrincipalTag/team": ["shop"]}}, True),
        ({"ForAllValues:StringEquals": {"aws:PrincipalTag/team": ["shop"]}}, False),
        ({"ForAllValues:StringEquals": {"aws:TagKeys": ["shop"]}}, True),
        ({"StringEquals": {"aws:username": "ann"}, "Bool": {"aws:SecureTransport": "true"}}, False),
    ],
)
def test_conditions(condition: dict[str, Any], expected: bool) -> None:
    assert allowed(statement(Condition=condition)) is expected


def test_a_deny_whose_condition_does_not_hold_denies_nothing() -> None:
    assert allowed(statement(), statement("Deny", Condition={"Bool": {"aws:SecureTransport": "true"}}))


def test_policy_variables_are_replaced_in_the_newer_version_only() -> None:
    own = statement(Resource=f"{API}/types/Mutation/fields/${{aws:username}}")
    resource = field_arn(API, "Mutation", "ann")
    assert allowed(own, resource=resource)
    assert not allowed(own, resource=resource, version="2008-10-17")
    assert not allowed(statement(Resource="*${aws:TokenIssueTime}*"))
    assert allowed(statement(Resource=f"{API}/types/Mutation/fields/${{aws:missing, 'publish*'}}"))
    assert allowed(statement(Condition={"StringEquals": {"aws:username": "${aws:username}"}}))


def test_an_escaped_wildcard_is_literal() -> None:
    assert allowed(statement(Resource="a${*}"), resource="a*")
    assert not allowed(statement(Resource="a${*}"), resource="ab")


@pytest.mark.parametrize(
    "broken",
    [
        {"Effect": "Maybe", "Action": "*", "Resource": "*"},
        {"Effect": "Allow", "Resource": "*"},
        {"Effect": "Allow", "Action": "*"},
        {"Effect": "Allow", "Action": "*", "NotAction": "*", "Resource": "*"},
        {"Effect": "Allow", "Action": 1, "Resource": "*"},
        "Allow",
    ],
)
def test_a_malformed_statement_is_an_error(broken: Any) -> None:
    with pytest.raises(PolicyError):
        Policies([{"Statement": [broken]}])


def test_an_unknown_condition_operator_is_refused_and_not_guessed() -> None:
    with pytest.raises(NotEmulated, match="BinaryEquals"):
        Policies([{"Statement": statement(Condition={"BinaryEquals": {"key": "value"}})}])
