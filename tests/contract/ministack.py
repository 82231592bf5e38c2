"""The deployed fixture once more in MiniStack's own AppSync, made by the calls of AppSync's control plane.

Its CloudFormation does not make whole APIs (no code from S3, no pipeline functions), so that the stack's resources are
read with their resolved properties and made one by one.
"""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

PREFIX = "AWS::AppSync::"
SCHEMA_SECONDS = 10

Urls = dict[str, tuple[str, str]]


def copy_apis(endpoint: str, outputs: Mapping[str, str], appsync: Any, s3: Any) -> tuple[dict[str, str], Urls]:
    """Make every API again. Returns the stack's outputs with the new keys, and where the new APIs answer."""
    with urllib.request.urlopen(f"{endpoint}/_headwater/resources") as answer:
        stacks = json.load(answer)["stacks"]
    resources = [each for stack in stacks for each in stack["resources"] if each["type"].startswith(PREFIX)]
    found, urls = dict(outputs), Urls()
    for api in [each for each in resources if each["type"] == PREFIX + "GraphQLApi"]:
        old_id, name = api["attributes"]["ApiId"], api["logicalId"].removesuffix("Api") or "Api"
        members = _members(api["properties"])
        environment = members.pop("environmentVariables", None)
        new_id = appsync.create_graphql_api(**members)["graphqlApi"]["apiId"]
        if environment:
            appsync.put_graphql_api_environment_variables(apiId=new_id, environmentVariables=environment)
        here = f"{endpoint}/v1/apis/{new_id}/graphql"
        urls[name] = (here, here.replace("http", "ws", 1))
        parts = [each for each in resources if each["properties"].get("ApiId") == old_id]
        key = _fill(appsync, s3, new_id, parts)
        found["ApiKey" if name == "Api" else f"{name}Key"] = key
    return found, urls


def _fill(appsync: Any, s3: Any, api_id: str, parts: list[dict[str, Any]]) -> str:
    """Make what belongs to an API. Returns its key, if it has one."""
    key = ""
    functions: dict[str, str] = {}
    for part in _of_type(parts, "ApiKey"):
        del part
        key = appsync.create_api_key(apiId=api_id)["apiKey"]["id"]
    for part in _of_type(parts, "GraphQLSchema"):
        definition = _text(s3, part["properties"]["DefinitionS3Location"])
        appsync.start_schema_creation(apiId=api_id, definition=definition)
        _wait_for_schema(appsync, api_id)
    for part in _of_type(parts, "DataSource"):
        appsync.create_data_source(apiId=api_id, **_members(part["properties"]))
    for part in _of_type(parts, "FunctionConfiguration"):
        made = appsync.create_function(apiId=api_id, **_coded(s3, part["properties"]))
        functions[part["attributes"]["FunctionId"]] = made["functionConfiguration"]["functionId"]
    for part in _of_type(parts, "Resolver"):
        members = _coded(s3, part["properties"])
        if "pipelineConfig" in members:
            members["pipelineConfig"] = {
                "functions": [functions[each] for each in members["pipelineConfig"]["functions"]]
            }
        appsync.create_resolver(apiId=api_id, **members)
    for part in _of_type(parts, "ApiCache"):
        try:
            appsync.create_api_cache(apiId=api_id, **_members(part["properties"]))
        except ClientError:  # it is compared without a cache then
            continue
    return key


def _of_type(parts: list[dict[str, Any]], name: str) -> Iterator[dict[str, Any]]:
    return (part for part in parts if part["type"] == PREFIX + name)


def _coded(s3: Any, properties: Mapping[str, Any]) -> dict[str, Any]:
    """The members of a resolver or function, with its code in place."""
    members = _members({name: value for name, value in properties.items() if name != "CodeS3Location"})
    location = properties.get("CodeS3Location")
    return {**members, "code": _text(s3, location)} if location else members


def _members(properties: Mapping[str, Any]) -> dict[str, Any]:
    """CloudFormation's properties under the names of AppSync's own API."""
    return {_name(name): _value(value) for name, value in properties.items() if name != "ApiId"}


def _name(name: str) -> str:
    return "dynamodbConfig" if name == "DynamoDBConfig" else name[:1].lower() + name[1:]


def _value(value: Any) -> Any:
    if isinstance(value, list):
        return [_value(each) for each in value]
    if isinstance(value, Mapping):
        return {_name(name): _value(each) for name, each in value.items()}
    return int(value) if isinstance(value, str) and value.isdecimal() else value


def _text(s3: Any, location: str) -> str:
    parts = urlsplit(location)
    body: bytes = s3.get_object(Bucket=parts.netloc, Key=parts.path.lstrip("/"))["Body"].read()
    return body.decode()


def _wait_for_schema(appsync: Any, api_id: str) -> None:
    deadline = time.monotonic() + SCHEMA_SECONDS
    while appsync.get_schema_creation_status(apiId=api_id)["status"] == "PROCESSING":
        if time.monotonic() > deadline:
            raise RuntimeError(f"the schema of {api_id} is not done after {SCHEMA_SECONDS} s")
        time.sleep(0.02)
