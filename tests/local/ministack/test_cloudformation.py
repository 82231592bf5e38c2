"""Nested stacks, unknown types, and what `sam delete` needs."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.local.ministack.contract import contract
from tests.local.ministack.servers import Server

TABLE = {
    "Type": "AWS::DynamoDB::Table",
    "Properties": {
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
    },
}


def function(code: str) -> dict[str, Any]:
    """A SAM function with its code in place."""
    properties = {"InlineCode": code, "Handler": "index.handle", "Runtime": "python3.11"}
    return {"Type": "AWS::Serverless::Function", "Properties": properties}


def template(resources: dict[str, Any], **sections: Any) -> str:
    """A SAM template as JSON."""
    return json.dumps({"Transform": "AWS::Serverless-2016-10-31", "Resources": resources, **sections})


def nest(url: str, **parameters: str) -> dict[str, Any]:
    """A nested stack resource."""
    return {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": url, "Parameters": parameters}}


@contract
def test_a_nested_template_is_transformed_and_given_its_parameters(server: Server) -> None:
    nested = template(
        {"Function": function("def handle(e, c): pass")},
        Parameters={"Word": {"Type": "String"}},
        Outputs={"Word": {"Value": {"Ref": "Word"}}, "Name": {"Value": {"Ref": "Function"}}},
    )
    parent = template(
        {"Nested": nest(server.put_template("transformed.json", nested), Word="hi")},
        Outputs={
            "Word": {"Value": {"Fn::GetAtt": ["Nested", "Outputs.Word"]}},
            "Name": {"Value": {"Fn::GetAtt": ["Nested", "Outputs.Name"]}},
        },
    )

    outputs = server.deploy("transformed", parent)

    assert outputs["Word"] == "hi"
    assert server.client("lambda").get_function(FunctionName=outputs["Name"])


@contract
def test_a_nested_template_s_dynamic_references_are_resolved_after_its_functions(server: Server) -> None:
    parameters = server.client("ssm")
    nested = template(
        {
            "Parameter": {
                "Type": "AWS::SSM::Parameter",
                "Properties": {
                    "Name": "/copied",
                    "Type": "String",
                    "Value": {"Fn::Sub": "it is {{resolve:ssm:/source/${Stage}}}"},
                },
            }
        },
        Parameters={"Stage": {"Type": "String"}},
    )
    for value in ("one", "two"):
        parameters.put_parameter(Name="/source/dev", Value=value, Type="String", Overwrite=True)
        url = server.put_template(f"dynamic-{value}.json", nested)
        server.deploy("dynamic", template({"Nested": nest(url, Stage="dev")}))

        assert parameters.get_parameter(Name="/copied")["Parameter"]["Value"] == f"it is {value}"


@contract
def test_changed_code_in_a_nested_stack_is_deployed_beside_unchanged_resources(server: Server) -> None:
    role = {
        "Type": "AWS::IAM::Role",
        "Properties": {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []}},
    }

    def nested(code: str) -> str:
        properties = {
            "Code": {"ZipFile": code},
            "Handler": "index.handle",
            "Runtime": "python3.11",
            "Role": {"Fn::GetAtt": ["Role", "Arn"]},
        }
        resources = {"Role": role, "Function": {"Type": "AWS::Lambda::Function", "Properties": properties}}
        outputs = {"Name": {"Value": {"Ref": "Function"}}}
        return json.dumps({"Resources": resources, "Outputs": outputs})

    def deploy(version: str) -> str:
        url = server.put_template(f"{version}.json", nested(f"def handle(e, c): return '{version}'"))
        parent = template(
            {"Nested": nest(url)}, Outputs={"Name": {"Value": {"Fn::GetAtt": ["Nested", "Outputs.Name"]}}}
        )
        name = server.deploy("changed", parent)["Name"]
        digest: str = server.client("lambda").get_function(FunctionName=name)["Configuration"]["CodeSha256"]
        return digest

    assert deploy("one") != deploy("two")


@contract
def test_deleting_leaves_exactly_the_retained_tables_of_nested_stacks(server: Server) -> None:
    nested = json.dumps(
        {
            "Resources": {"Kept": {**TABLE, "DeletionPolicy": "Retain"}, "Dropped": TABLE},
            "Outputs": {"Kept": {"Value": {"Ref": "Kept"}}, "Dropped": {"Value": {"Ref": "Dropped"}}},
        }
    )
    parent = template(
        {"Nested": nest(server.put_template("retained.json", nested))},
        Outputs={name: {"Value": {"Fn::GetAtt": ["Nested", f"Outputs.{name}"]}} for name in ("Kept", "Dropped")},
    )
    outputs = server.deploy("retained", parent)

    server.delete("retained")

    tables = server.client("dynamodb").list_tables()["TableNames"]
    assert outputs["Kept"] in tables
    assert outputs["Dropped"] not in tables


@contract
def test_what_a_failed_nested_stack_created_is_removed(server: Server) -> None:
    named = {**TABLE, "Properties": {**TABLE["Properties"], "TableName": "half-made"}}  # type: ignore[dict-item]
    broken = {
        "Type": "AWS::Lambda::Function",
        "DependsOn": "Table",
        "Properties": {
            "Code": {"ZipFile": "x = 1"},
            "Handler": "index.handle",
            "Runtime": "python3.11",
            "Role": "arn:aws:iam::000000000000:role/r",
            "Layers": ["arn:aws:lambda:us-east-1:000000000000:layer:missing:1"],
        },
    }
    nested = json.dumps({"Resources": {"Table": named, "Function": broken}})
    parent = template({"Nested": nest(server.put_template("half.json", nested))})

    with pytest.raises(AssertionError, match="ROLLBACK"):
        server.deploy("half", parent)

    assert "half-made" not in server.client("dynamodb").list_tables()["TableNames"]


@contract
def test_a_type_without_emulation_is_recorded_with_its_attributes(server: Server) -> None:
    archive = {"Type": "AWS::Events::Archive", "Properties": {"SourceArn": "arn:aws:events:us-east-1:0:event-bus/b"}}
    resources = {"Archive": archive}
    outputs = {"Arn": {"Value": {"Fn::GetAtt": ["Archive", "Arn"]}}, "Name": {"Value": {"Ref": "Archive"}}}

    first = server.deploy("recorded", json.dumps({"Resources": resources, "Outputs": outputs}))
    archive["Properties"] |= {"RetentionDays": 3}  # type: ignore[operator]
    second = server.deploy("recorded", json.dumps({"Resources": resources, "Outputs": outputs}))

    assert first == second
    assert first["Arn"].startswith("arn:aws:events:us-east-1:000000000000:")
    stacks = json.loads(server.get("/_headwater/resources")[1])["stacks"]
    recorded = next(stack for stack in stacks if stack["name"] == "recorded")["resources"][0]
    assert recorded["type"] == "AWS::Events::Archive"
    assert recorded["emulated"] is False
    assert recorded["properties"]["RetentionDays"] == 3


def test_a_misspelled_type_is_still_refused(mended: Server) -> None:
    cloudformation = mended.client("cloudformation")
    body = json.dumps({"Resources": {"Api": {"Type": "AWS::AppSync::GraphqlApi"}}})

    with pytest.raises(cloudformation.exceptions.ClientError, match="Unrecognized resource types"):
        cloudformation.create_stack(StackName="misspelled", TemplateBody=body)


@contract
def test_a_template_is_answered_with_urls_that_sam_takes_for_s3(server: Server) -> None:
    url = server.put_template("plain.json", json.dumps({"Resources": {"Table": TABLE}}))
    server.deploy("urls", json.dumps({"Resources": {"Nested": nest(url)}}))

    body = server.client("cloudformation").get_template(StackName="urls", TemplateStage="Original")["TemplateBody"]

    assert re.search(r"https://s3\.us-east-1\.amazonaws\.com/templates/plain\.json", json.dumps(body))


@contract
def test_a_stack_created_again_keeps_away_from_the_table_that_the_first_retained(server: Server) -> None:
    body = json.dumps(
        {"Resources": {"T": {**TABLE, "DeletionPolicy": "Retain"}}, "Outputs": {"Name": {"Value": {"Ref": "T"}}}}
    )
    dynamodb = server.client("dynamodb")
    first = server.deploy("again", body)["Name"]
    dynamodb.put_item(TableName=first, Item={"pk": {"S": "kept"}})
    server.delete("again")

    second = server.deploy("again", body)["Name"]

    assert first != second
    assert dynamodb.get_item(TableName=first, Key={"pk": {"S": "kept"}})["Item"]


@contract
def test_function_properties_reach_the_function(server: Server) -> None:
    server.client("sqs").create_queue(QueueName="letters")
    properties = {
        "Code": {"ZipFile": "def handle(e, c): pass"},
        "Handler": "index.handle",
        "Runtime": "python3.11",
        "Role": "arn:aws:iam::000000000000:role/r",
        "ReservedConcurrentExecutions": 2,
        "DeadLetterConfig": {"TargetArn": "arn:aws:sqs:us-east-1:000000000000:letters"},
        "Environment": {"Variables": {"COUNT": 3, "STRICT": True}},
    }
    body = {"Resources": {"F": {"Type": "AWS::Lambda::Function", "Properties": properties}}}

    name = server.deploy("properties", json.dumps({**body, "Outputs": {"Name": {"Value": {"Ref": "F"}}}}))["Name"]

    found = server.client("lambda").get_function(FunctionName=name)
    assert found["Concurrency"] == {"ReservedConcurrentExecutions": 2}
    assert found["Configuration"]["DeadLetterConfig"]["TargetArn"].endswith(":letters")
    assert found["Configuration"]["Environment"]["Variables"] == {"COUNT": "3", "STRICT": "true"}


@contract
def test_event_source_mapping_properties_reach_the_mapping(server: Server) -> None:
    stream = {**TABLE["Properties"], "StreamSpecification": {"StreamViewType": "KEYS_ONLY"}}  # type: ignore[dict-item]
    resources = {
        "Table": {**TABLE, "Properties": stream},
        "F": function("def handle(e, c): pass"),
        "Mapping": {
            "Type": "AWS::Lambda::EventSourceMapping",
            "Properties": {
                "FunctionName": {"Ref": "F"},
                "EventSourceArn": {"Fn::GetAtt": ["Table", "StreamArn"]},
                "StartingPosition": "TRIM_HORIZON",
                "Enabled": False,
                "TumblingWindowInSeconds": 60,
            },
        },
    }
    outputs = {"Id": {"Value": {"Ref": "Mapping"}}}

    identifier = server.deploy("mapping", template(resources, Outputs=outputs))["Id"]

    mapping = server.client("lambda").get_event_source_mapping(UUID=identifier)
    assert (mapping["State"], mapping["TumblingWindowInSeconds"], mapping["BatchSize"]) == ("Disabled", 60, 100)


def test_a_function_whose_code_is_missing_fails_to_deploy(mended: Server) -> None:
    properties = {
        "Code": {"S3Bucket": "nowhere", "S3Key": "nothing.zip"},
        "Handler": "handler.handle",
        "Runtime": "python3.11",
        "Role": "arn:aws:iam::000000000000:role/r",
    }
    body = json.dumps({"Resources": {"F": {"Type": "AWS::Lambda::Function", "Properties": properties}}})

    with pytest.raises(AssertionError, match="There is no code for"):
        mended.deploy("codeless", body)
