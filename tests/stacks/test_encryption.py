"""What holds data is encrypted, with a key of the deployer's own if one is given."""

from __future__ import annotations

from typing import Any

from checks.cloudformation import Resource, intrinsics, parse
from checks.project import ROOT

OWN_KEY = {"Fn::If": ["HasKey", {"Ref": "KmsKeyArn"}, {"Ref": "AWS::NoValue"}]}

# Type -> where its key is named.
KEYS = {
    "AWS::DynamoDB::Table": ("SSESpecification", "KMSMasterKeyId"),
    "AWS::S3::Bucket": ("BucketEncryption", "KMSMasterKeyID"),
    "AWS::SQS::Queue": ("KmsMasterKeyId", ""),
    "AWS::SecretsManager::Secret": ("KmsKeyId", ""),
}

# What holds nothing of anybody for longer than minutes.
WITHOUT = {"RateLimits"}


def test_everything_that_keeps_data_takes_the_key(written: list[Resource]) -> None:
    keeping = [each for each in written if each.type in KEYS and each.logical_id not in WITHOUT]
    assert {each.type for each in keeping} == KEYS.keys()
    for each in keeping:
        member, inner = KEYS[each.type]
        value = each.properties[member]
        found = next(intrinsics(value, inner), None) if inner else value
        assert found == OWN_KEY, each


def granted(policy: Resource) -> list[Any]:
    """The resources that a policy names."""
    return [statement["Resource"] for statement in policy.properties["PolicyDocument"]["Statement"]]


def test_no_key_is_the_default_and_costs_no_resource(written: list[Resource]) -> None:
    assert parse(ROOT / "template.yaml")["Parameters"]["KmsKeyArn"]["Default"] == ""
    of_the_key = {"Ref": "KmsKeyArn"}
    policies = [each for each in written if each.type == "AWS::IAM::Policy" and of_the_key in granted(each)]
    assert len(policies) > 3
    for policy in policies:
        assert policy.definition["Condition"] == "HasKey", policy
        (statement,) = policy.properties["PolicyDocument"]["Statement"]
        assert statement["Resource"] == {"Ref": "KmsKeyArn"}
        # Only through the service that keeps the data: nobody decrypts anything else by this right.
        assert "kms:ViaService" in statement["Condition"]["StringEquals"]


def test_every_stack_that_names_the_key_is_given_it(written: list[Resource]) -> None:
    for stack in (each for each in written if each.type == "AWS::Serverless::Application"):
        wanted = "KmsKeyArn" in parse(ROOT / stack.properties["Location"]).get("Parameters", {})
        assert (stack.properties["Parameters"].get("KmsKeyArn") == {"Ref": "KmsKeyArn"}) == wanted, stack
