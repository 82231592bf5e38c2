"""The shape of the stacks that was fixed at the start: budget, names, lifetimes, dependencies between resources."""

import subprocess
import sys
from collections import Counter
from typing import Any
from unittest.mock import Mock

import pytest

from checks.cloudformation import Resource, intrinsics, parse
from checks.project import ROOT, templates
from checks.resources import BUDGET
from domain.clients import Clients

RESOLVER = "AWS::AppSync::Resolver"
SCHEMA = "AWS::AppSync::GraphQLSchema"
NESTED = "AWS::Serverless::Application"

# What holds data: deleted with its stack, the data is lost.
STATEFUL = {"AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::Cognito::UserPool", "AWS::SecretsManager::Secret"}

# A fixed physical name forbids two stacks in one account and every replacement.
NAME_PROPERTIES = {
    "AWS::DynamoDB::Table": "TableName",
    "AWS::S3::Bucket": "BucketName",
    "AWS::Serverless::Function": "FunctionName",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::IAM::Role": "RoleName",
    "AWS::SQS::Queue": "QueueName",
    "AWS::SNS::Topic": "TopicName",
    "AWS::Logs::LogGroup": "LogGroupName",
}


def of_type(resources: list[Resource], *types: str) -> list[Resource]:
    return [resource for resource in resources if resource.type in types]


def test_every_stack_is_within_the_resource_budget(transformed: list[Resource]) -> None:
    counts = Counter(resource.template for resource in transformed)
    assert counts.keys() == {path.relative_to(ROOT).as_posix() for path in templates(ROOT)}
    assert max(counts.values()) <= BUDGET, counts


def test_nothing_has_a_fixed_physical_name(written: list[Resource]) -> None:
    named = [
        f"{resource}: {NAME_PROPERTIES[resource.type]}"
        for resource in written
        if NAME_PROPERTIES.get(resource.type, "") in resource.properties
    ]
    assert named == []


def test_what_is_retained_is_in_the_data_stack_and_all_data_there_is_retained(written: list[Resource]) -> None:
    retained = {
        str(resource)
        for resource in written
        if "Retain" in (resource.definition.get("DeletionPolicy"), resource.definition.get("UpdateReplacePolicy"))
    }
    data = {str(resource) for resource in of_type(written, *STATEFUL) if resource.template == "stacks/data.yaml"}
    assert retained == data
    for resource in written:
        if str(resource) in retained:
            policies = (resource.definition.get("DeletionPolicy"), resource.definition.get("UpdateReplacePolicy"))
            assert policies == ("Retain", "Retain"), resource


def test_every_table_is_on_demand(written: list[Resource]) -> None:
    for table in of_type(written, "AWS::DynamoDB::Table"):
        assert table.properties["BillingMode"] == "PAY_PER_REQUEST", table


def test_only_the_main_table_has_a_stream(written: list[Resource]) -> None:
    """A side table with a stream would let one write cause a second publication."""
    streaming = [
        table.logical_id
        for table in of_type(written, "AWS::DynamoDB::Table")
        if "StreamSpecification" in table.properties
    ]
    assert streaming == ["MainTable"]
    (main,) = (each for each in written if each.logical_id == "MainTable")
    assert main.properties["StreamSpecification"] == {"StreamViewType": "NEW_AND_OLD_IMAGES"}


def test_the_main_tables_stream_has_at_most_two_consumers(written: list[Resource]) -> None:
    mappings = [
        str(each)
        for each in of_type(written, "AWS::Lambda::EventSourceMapping")
        if "MainTableStreamArn" in str(each.properties["EventSourceArn"])
    ]
    assert 1 <= len(mappings) <= 2, mappings


def test_globals_hold_no_api_url() -> None:
    """An API's URL in every function's environment would tie all functions to the API, and the API to them."""
    for path in templates(ROOT):
        for value in leaves(parse(path).get("Globals", {})):
            assert not any(word in value for word in ("Url", "URL", "appsync-api")), f"{path.name}: {value}"


def test_only_the_publisher_knows_the_graphql_url(written: list[Resource]) -> None:
    knowing = [
        resource.logical_id
        for resource in of_type(written, "AWS::Serverless::Function", "AWS::Lambda::Function")
        if any("GraphQLUrl" in value for value in leaves(resource.properties.get("Environment", {})))
    ]
    assert knowing == ["PublishFunction"]


def test_every_resolver_waits_for_the_schema(written: list[Resource]) -> None:
    """Without it CloudFormation creates a resolver before its type exists, and the deployment fails now and then."""
    late = [str(resolver) for resolver in of_type(written, RESOLVER) if not waits_for_schema(resolver, written)]
    assert late == []


def waits_for_schema(resolver: Resource, written: list[Resource]) -> bool:
    """By DependsOn in the schema's own stack; elsewhere because the whole stack takes the schema's id."""
    schemas = {(schema.template, schema.logical_id) for schema in of_type(written, SCHEMA)}
    depends = resolver.definition.get("DependsOn", [])
    depends = [depends] if isinstance(depends, str) else depends
    if any((resolver.template, logical_id) in schemas for logical_id in depends):
        return True
    stacks = {stack.logical_id: stack for stack in of_type(written, NESTED)}
    (own,) = (stack for stack in stacks.values() if stack.properties["Location"] == resolver.template)
    for reference in intrinsics(own.properties["Parameters"], "Fn::GetAtt"):
        stack_id, _, output = as_path(reference).partition(".Outputs.")
        if output:
            location = stacks[stack_id].properties["Location"]
            value = parse(ROOT / location)["Outputs"][output]["Value"]
            if isinstance(value, dict) and (location, value.get("Ref")) in schemas:
                return True
    return False


def as_path(reference: Any) -> str:
    """Both forms of GetAtt, `A.B` and [A, B], as `A.B`."""
    return reference if isinstance(reference, str) else ".".join(reference)


def leaves(value: Any) -> list[str]:
    """All texts inside a value, keys of intrinsic functions aside."""
    if isinstance(value, dict):
        return [leaf for inner in value.values() for leaf in leaves(inner)]
    if isinstance(value, list):
        return [leaf for inner in value for leaf in leaves(inner)]
    return [str(value)]


@pytest.mark.parametrize("name", ["PythonRuntime", "Architecture"])
def test_every_function_takes_runtime_and_processor_from_the_parameters(written: list[Resource], name: str) -> None:
    for function in of_type(written, "AWS::Serverless::Function"):
        key = {"PythonRuntime": "Runtime", "Architecture": "Architectures"}[name]
        assert function.properties[key] in ({"Ref": name}, [{"Ref": name}]), function


def test_every_layer_is_built_for_the_chosen_runtime_and_processor(written: list[Resource]) -> None:
    layers = of_type(written, "AWS::Serverless::LayerVersion")
    assert {layer.logical_id for layer in layers} == {"CodeLayer", "DependenciesLayer"}
    for layer in layers:
        assert layer.definition["Metadata"] == {
            "BuildMethod": {"Ref": "PythonRuntime"},
            "BuildArchitecture": {"Ref": "Architecture"},
        }
        assert layer.properties["CompatibleArchitectures"] == [{"Ref": "Architecture"}]


def test_every_function_has_a_folder_of_its_own(written: list[Resource]) -> None:
    folders = Counter(
        (ROOT / function.template).parent.joinpath(function.properties["CodeUri"]).resolve()
        for function in of_type(written, "AWS::Serverless::Function")
    )
    assert [folder.name for folder, count in folders.items() if count > 1] == []
    for folder in folders:
        assert (folder / "handler.py").is_file(), folder
        assert folder.parent.name in {"resolvers", "streams"}, folder


def test_every_handler_imports_without_an_environment(written: list[Resource]) -> None:
    """As Lambda imports it: the function's folder on the path, then the code layer. Settings wait for an event."""
    for function in of_type(written, "AWS::Serverless::Function"):
        folder = (ROOT / function.template).parent / function.properties["CodeUri"]
        module, name = function.properties["Handler"].split(".")
        done = subprocess.run(
            [sys.executable, "-c", f"from {module} import {name}; assert callable({name})"],
            cwd=ROOT,
            env={"PYTHONPATH": f"{folder.resolve()}:{ROOT / 'backend'}"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{function}: {done.stderr}"


def test_a_clients_cart_is_gone_before_somebody_else_may_have_its_id() -> None:
    longest = parse(ROOT / "template.yaml")["Parameters"]["CartHours"]["MaxValue"]
    assert longest * 3600 < Clients(Mock(), Mock(), Mock(), retention_seconds=0).kept_seconds
