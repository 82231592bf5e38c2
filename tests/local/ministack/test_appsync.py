"""AppSync resources: what Ref and Fn::GetAtt give, and that ids stay."""

from __future__ import annotations

import json
import re
from typing import Any

from tests.local.ministack.contract import contract
from tests.local.ministack.servers import Server


def template(description: str) -> str:
    """An API with one resource of each type; `description` varies where AWS updates in place."""
    api = {"Fn::GetAtt": ["Api", "ApiId"]}

    def resource(kind: str, **properties: Any) -> dict[str, Any]:
        return {"Type": f"AWS::AppSync::{kind}", "Properties": properties}

    resources = {
        "Api": resource(
            "GraphQLApi", Name=f"api {description}", AuthenticationType="API_KEY", OwnerContact=description
        ),
        "Schema": resource("GraphQLSchema", ApiId=api, Definition=f"# {description}\ntype Query {{ hello: String }}"),
        "Key": resource("ApiKey", ApiId=api, Description=description),
        "Source": resource("DataSource", ApiId=api, Name="none", Type="NONE", Description=description),
        "Function": resource(
            "FunctionConfiguration",
            ApiId=api,
            Name="hello",
            DataSourceName={"Fn::GetAtt": ["Source", "Name"]},
            CodeS3Location="s3://bucket/code.js",
            Description=description,
        ),
        "Resolver": resource(
            "Resolver",
            ApiId=api,
            TypeName="Query",
            FieldName="hello",
            Kind="PIPELINE",
            PipelineConfig={"Functions": [{"Fn::GetAtt": ["Function", "FunctionId"]}]},
            Code=f"// {description}",
        ),
    }
    attributes = [
        *(("Api", name) for name in ("ApiId", "Arn", "GraphQLUrl", "GraphQLDns", "RealtimeUrl", "RealtimeDns")),
        *(("Key", name) for name in ("ApiKey", "ApiKeyId", "Arn")),
        *(("Source", name) for name in ("DataSourceArn", "Name")),
        *(("Function", name) for name in ("FunctionId", "FunctionArn", "Name", "DataSourceName")),
        *(("Resolver", name) for name in ("ResolverArn", "TypeName", "FieldName")),
        ("Schema", "Id"),
    ]
    outputs = {f"{name}{attribute}": {"Value": {"Fn::GetAtt": [name, attribute]}} for name, attribute in attributes}
    references: dict[str, Any] = {name: {"Value": {"Ref": name}} for name in resources}
    return json.dumps({"Resources": resources, "Outputs": outputs | references})


@contract
def test_ref_and_getatt_are_aws_s_and_stay_over_updates(server: Server) -> None:
    outputs = server.deploy("appsync", template("first"))

    api_id = outputs["ApiApiId"]
    arn = f"arn:aws:appsync:us-east-1:000000000000:apis/{api_id}"
    assert re.fullmatch(r"[a-z0-9]{26}", api_id)
    assert outputs["Api"] == outputs["ApiArn"] == arn
    assert outputs["ApiGraphQLUrl"] == f"https://{api_id}.appsync-api.us-east-1.amazonaws.com/graphql"
    assert outputs["ApiRealtimeUrl"] == f"wss://{api_id}.appsync-realtime-api.us-east-1.amazonaws.com/graphql"
    assert re.fullmatch(r"da2-[a-z0-9]{26}", outputs["KeyApiKey"])
    assert outputs["Source"] == outputs["SourceDataSourceArn"] == f"{arn}/datasources/none"
    assert outputs["Function"] == outputs["FunctionFunctionArn"] == f"{arn}/functions/{outputs['FunctionFunctionId']}"
    assert outputs["Resolver"] == outputs["ResolverResolverArn"] == f"{arn}/types/Query/resolvers/hello"

    assert server.deploy("appsync", template("second")) == outputs
