"""What keeps callers from using up what is there for all: set for every function and every stage."""

from __future__ import annotations

from typing import Any

import pytest

from checks.cloudformation import Resource, parse
from checks.project import ROOT
from tests.stacks.test_permissions import FUNCTION, ROLE, allows, statements


def one(resources: list[Resource], logical_id: str) -> dict[str, Any]:
    (found,) = (each.properties for each in resources if each.logical_id == logical_id)
    return found


def functions_of_mutations(transformed: list[Resource]) -> list[Resource]:
    """The functions that a resolver of a mutation leads to."""
    sources = {
        (each.template, each.properties["DataSourceName"]["Fn::GetAtt"][0])
        for each in transformed
        if each.type == "AWS::AppSync::Resolver" and each.properties["TypeName"] == "Mutation"
    }
    names = {
        (each.template, each.properties["LambdaConfig"]["LambdaFunctionArn"]["Fn::GetAtt"][0])
        for each in transformed
        if each.type == "AWS::AppSync::DataSource" and (each.template, each.logical_id) in sources
        if "LambdaConfig" in each.properties
    }
    return [each for each in transformed if each.type == FUNCTION and (each.template, each.logical_id) in names]


def test_every_function_that_answers_mutations_counts_them(transformed: list[Resource]) -> None:
    functions = functions_of_mutations(transformed)
    assert {"ChatFunction", "UsersFunction"} <= {each.logical_id for each in functions}
    for function in functions:
        variables = function.properties["Environment"]["Variables"]
        assert {"RATE_LIMITS", "MUTATION_LIMITS"} <= variables.keys(), function
        folder = {"ChatFunction": "chat", "UsersFunction": "users"}.get(function.logical_id)
        code = (
            ROOT / "resolvers" / (folder or function.template.removeprefix("stacks/").removesuffix(".yaml"))
        ) / "handler.py"
        assert "rate_limit_here().require" in code.read_text(), code
        (role,) = (
            each
            for each in transformed
            if each.type == ROLE
            and (each.template, each.logical_id) == (function.template, function.properties["Role"]["Fn::GetAtt"][0])
        )
        for action in ("dynamodb:UpdateItem", "ssm:GetParameter"):
            assert any(
                allows(each, action) and each["Resource"] in ({"Ref": "RateLimitsArn"}, {"Ref": "MutationLimitsArn"})
                for each in statements(role)
            ), f"{role}: {action}"


def test_production_tells_nobody_its_schema(written: list[Resource]) -> None:
    api = one(written, "GraphQLApi")
    assert api["IntrospectionConfig"] == {"Fn::If": ["IsProduction", "DISABLED", "ENABLED"]}
    condition = parse(ROOT / "stacks/api.yaml")["Conditions"]["IsProduction"]
    assert condition == {"Fn::Equals": [{"Ref": "Stage"}, "prod"]}


def test_depth_and_resolvers_are_limited_in_every_stage(written: list[Resource]) -> None:
    api = one(written, "GraphQLApi")
    assert all(1 <= depth <= 75 for depth in api["QueryDepthLimit"]["Fn::If"][1:])  # what AppSync takes
    assert 1 <= api["ResolverCountLimit"] <= 10_000


def test_addresses_are_counted_before_anything_else_unless_switched_off(written: list[Resource]) -> None:
    acl, association = one(written, "WebAcl"), one(written, "WebAclAssociation")
    assert association == {
        "ResourceArn": {"Fn::GetAtt": ["GraphQLApi", "Arn"]}, "WebACLArn": {"Fn::GetAtt": ["WebAcl", "Arn"]}
    }  # fmt: skip
    assert acl["Scope"] == "REGIONAL"
    rates = [
        rule["Statement"]["RateBasedStatement"] for rule in acl["Rules"] if "RateBasedStatement" in rule["Statement"]
    ]
    assert [(rate["AggregateKeyType"], rate["Limit"]) for rate in rates] == [
        ("IP", {"Ref": "AddressRequestsPerMinute"})
    ]
    conditions = {each.logical_id: each.definition.get("Condition") for each in written}
    assert conditions["WebAcl"] == conditions["WebAclAssociation"] == "CountsAddresses"
    assert parse(ROOT / "template.yaml")["Parameters"]["AddressRequestsPerMinute"]["Default"] > 0


@pytest.mark.parametrize("attribute", ["StreamSpecification", "PointInTimeRecoverySpecification"])
def test_buckets_cause_no_work_and_are_not_kept(written: list[Resource], attribute: str) -> None:
    table = one(written, "RateLimits")
    assert attribute not in table
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expiresAt", "Enabled": True}
