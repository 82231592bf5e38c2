"""From the resources of stacks to API definitions."""

from __future__ import annotations

from typing import Any

import pytest

from local import template
from local.appsync.definition import AuthMode, AuthProvider, CacheDefinition, CachingBehavior
from local.cloud import Resource, Stack
from local.errors import NotEmulated

API = "abcdefghijklmnopqrstuvwxyz"
ARN = f"arn:aws:appsync:eu-west-1:000000000000:apis/{API}"


def resource(kind: str, logical_id: str = "", emulated: bool = True, **properties: Any) -> Resource:
    """A deployed AppSync resource, with the attributes that its type has."""
    known: dict[str, dict[str, Any]] = {
        "GraphQLApi": {"ApiId": API, "Arn": ARN},
        "ApiKey": {"ApiKey": "da2-k", "Expires": 3600},
        "FunctionConfiguration": {"FunctionId": f"id of {properties.get('Name')}"},
    }
    attributes = known.get(kind, {})
    if kind != "GraphQLApi":
        properties = {"ApiId": API, **properties}
    return Resource(
        logical_id or kind, f"AWS::AppSync::{kind}", "", properties, attributes, "CREATE_COMPLETE", emulated
    )


def stack(*resources: Resource, name: str = "s") -> Stack:
    """A stack of these resources."""
    return Stack(name, f"id of {name}", None, "CREATE_COMPLETE", resources=resources)


API_RESOURCE = resource("GraphQLApi", Name="chat", AuthenticationType="API_KEY")


def no_s3(bucket: str, key: str) -> bytes:
    """For templates that keep everything in place."""
    raise AssertionError(f"nothing in S3 is needed, but {bucket}/{key} was asked for")


def test_an_api_is_put_together_from_the_resources_of_all_stacks() -> None:
    dynamodb = {"TableName": "t", "AwsRegion": "eu-west-1"}
    stacks = [
        stack(
            API_RESOURCE,
            resource("GraphQLSchema", Definition="type Query { a: String }"),
            resource("ApiKey"),
            resource(
                "DataSource", Name="table", Type="AMAZON_DYNAMODB", DynamoDBConfig=dynamodb, ServiceRoleArn="role"
            ),
        ),
        stack(
            resource("FunctionConfiguration", Name="load", DataSourceName="table", Code="// load", MaxBatchSize="5"),
            resource("Resolver", TypeName="Query", FieldName="a", DataSourceName="table", Code="// a"),
            resource(
                "Resolver",
                TypeName="Query",
                FieldName="b",
                Kind="PIPELINE",
                Code="// b",
                PipelineConfig={"Functions": ["id of load"]},
                CachingConfig={"Ttl": 10},
            ),
            name="nested",
        ),
    ]

    [api] = template.api_definitions(stacks, no_s3)

    assert (api.id, api.arn, api.region, api.account_id, api.name) == (API, ARN, "eu-west-1", "000000000000", "chat")
    assert api.schema == "type Query { a: String }"
    assert [(key.id, key.expires_at) for key in api.api_keys] == [("da2-k", 3600)]
    assert api.data_sources["table"].config == dynamodb
    assert api.data_sources["table"].role_arn == "role"
    assert api.functions["id of load"].max_batch_size == 5
    assert api.resolvers["Query.a"].kind == "UNIT"
    assert api.resolvers["Query.b"].functions == ("id of load",)
    assert api.resolvers["Query.b"].caching == {"Ttl": 10}
    assert api.introspection
    assert api.aws_url == f"https://{API}.appsync-api.eu-west-1.amazonaws.com/graphql"


def test_settings_of_the_api_are_read() -> None:
    api = resource(
        "GraphQLApi",
        AuthenticationType="AWS_IAM",
        AdditionalAuthenticationProviders=[
            {"AuthenticationType": "AWS_LAMBDA", "LambdaAuthorizerConfig": {"AuthorizerUri": "arn"}},
            {"AuthenticationType": "AMAZON_COGNITO_USER_POOLS", "UserPoolConfig": {"UserPoolId": "p"}},
        ],
        QueryDepthLimit="7",
        ResolverCountLimit=9,
        IntrospectionConfig="DISABLED",
        EnvironmentVariables={"STAGE": "dev", "N": 3},
    )

    [found] = template.api_definitions([stack(api)], no_s3)

    assert found.providers == (
        AuthProvider(AuthMode.AWS_IAM, {}),
        AuthProvider(AuthMode.AWS_LAMBDA, {"AuthorizerUri": "arn"}),
        AuthProvider(AuthMode.AMAZON_COGNITO_USER_POOLS, {"UserPoolId": "p"}),
    )
    assert (found.query_depth_limit, found.resolver_count_limit, found.introspection) == (7, 9, False)
    assert found.environment == {"STAGE": "dev", "N": "3"}


def test_the_default_mode_keeps_its_settings_too() -> None:
    settings: dict[str, tuple[str, dict[str, Any]]] = {
        "AMAZON_COGNITO_USER_POOLS": ("UserPoolConfig", {"UserPoolId": "p", "DefaultAction": "DENY"}),
        "OPENID_CONNECT": ("OpenIDConnectConfig", {"Issuer": "https://issuer", "IatTTL": "60000"}),
        "AWS_LAMBDA": ("LambdaAuthorizerConfig", {"AuthorizerUri": "arn", "AuthorizerResultTtlInSeconds": 60}),
    }
    for mode, (name, values) in settings.items():
        properties: dict[str, Any] = {name: values}
        api = resource("GraphQLApi", AuthenticationType=mode, **properties)
        [found] = template.api_definitions([stack(api)], no_s3)
        assert found.providers == (AuthProvider(AuthMode(mode), values),)


def test_text_in_s3_is_read_from_there() -> None:
    objects = {("b", "schema"): b"type Query { a: String }", ("b", "dir/a.js"): "// é".encode(), ("b", "r"): b"{}"}
    location: dict[str, Any] = {"RequestMappingTemplateS3Location": "s3://b/r", "ResponseMappingTemplate": "$x"}
    stacks = [
        stack(
            API_RESOURCE,
            resource("GraphQLSchema", DefinitionS3Location="s3://b/schema"),
            resource("Resolver", TypeName="Query", FieldName="a", CodeS3Location="http://127.0.0.1:4566/b/dir/a.js"),
            resource("FunctionConfiguration", Name="f", DataSourceName="none", **location),
        )
    ]

    [api] = template.api_definitions(stacks, lambda bucket, key: objects[bucket, key])

    assert api.schema == "type Query { a: String }"
    assert api.resolvers["Query.a"].code == "// é"
    assert api.functions["id of f"].request_template == "{}"
    assert api.functions["id of f"].response_template == "$x"


def test_resources_of_another_api_stay_out() -> None:
    foreign = resource("DataSource", ApiId="another", Name="theirs", Type="NONE")

    [api] = template.api_definitions([stack(API_RESOURCE, foreign)], no_s3)

    assert api.data_sources == {}


@pytest.mark.parametrize(
    ("refused", "feature"),
    [
        (resource("GraphQLApi", "Merged", AuthenticationType="API_KEY", ApiType="MERGED"), "Merged: ApiType MERGED"),
        (resource("GraphQLApi", "Odd", AuthenticationType="MAGIC"), "Odd: AuthenticationType MAGIC"),
        (resource("Api", "Events"), r"AWS::AppSync::Api \(Events\)"),
        (resource("DataSource", "Source", Name="d", Type="CRYSTAL_BALL"), "Source: data source type CRYSTAL_BALL"),
        (
            resource("DataSource", "Sync", Name="d", Type="AMAZON_DYNAMODB", DynamoDBConfig={"Versioned": "true"}),
            "Sync: a versioned data source",
        ),
        (
            resource("Resolver", "R", TypeName="Query", FieldName="a", SyncConfig={"ConflictDetection": "VERSION"}),
            "R: SyncConfig",
        ),
        (resource("Resolver", "R", TypeName="Query", FieldName="a", Runtime={"Name": "COBOL"}), "R: runtime COBOL"),
        (resource("ApiCache", "C", ApiCachingBehavior="SOME", Ttl=1), "C: ApiCachingBehavior SOME"),
        (resource("ApiCache", "C", ApiCachingBehavior="FULL_REQUEST_CACHING", Ttl=3601), "C: Ttl 3601"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_would_behave_differently_is_refused_by_name(refused: Resource, feature: str) -> None:
    with pytest.raises(NotEmulated, match=f"^{feature} is not emulated: "):
        template.api_definitions([stack(API_RESOURCE, refused)], no_s3)


def test_resources_that_are_only_recorded_are_listed() -> None:
    domain = resource("DomainName", emulated=False)
    stacks = [stack(API_RESOURCE, domain)]

    assert template.recorded_only(stacks) == [(stacks[0], domain)]


@pytest.mark.parametrize("behavior", CachingBehavior)
def test_a_cache_is_served_from_its_record(behavior: CachingBehavior) -> None:
    cache = resource("ApiCache", emulated=False, ApiCachingBehavior=behavior.value, Ttl="30", Type="SMALL")
    stacks = [stack(API_RESOURCE, cache)]

    assert template.api_definitions(stacks, no_s3)[0].cache == CacheDefinition(behavior, 30)
    assert template.recorded_only(stacks) == []
    assert template.api_definitions([stack(API_RESOURCE)], no_s3)[0].cache is None


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("s3://bucket/a/b%20c.js", ("bucket", "a/b%20c.js")),
        ("https://s3.us-east-1.amazonaws.com/bucket/key", ("bucket", "key")),
    ],
)
def test_an_s3_location_is_taken_apart(location: str, expected: tuple[str, str]) -> None:
    assert template.s3_location(location) == expected


def test_a_location_that_is_none_says_what_is_expected() -> None:
    with pytest.raises(ValueError, match="expected s3://bucket/key"):
        template.s3_location("schema.graphql")
