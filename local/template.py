"""From deployed stacks to AppSync APIs: reads the resolved `AWS::AppSync::*` resources of all stacks.

`AWS::Serverless::GraphQLApi` comes out of the SAM transform as these resources, so that it needs nothing of its own.
What of them would behave differently than on AWS raises NotEmulated with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import unquote, urlsplit

from local.appsync.caching import MAX_TTL_SECONDS
from local.appsync.definition import (
    ApiDefinition,
    ApiKey,
    AuthMode,
    AuthProvider,
    CacheDefinition,
    CachingBehavior,
    DataSourceDefinition,
    FunctionDefinition,
    ResolverDefinition,
)
from local.cloud import Resource, Stack
from local.errors import NotEmulated

ReadS3 = Callable[[str, str], bytes]
"""Reads an object by bucket and key."""

_PREFIX = "AWS::AppSync::"
_AUTH_SETTINGS = {
    AuthMode.AMAZON_COGNITO_USER_POOLS: "UserPoolConfig",
    AuthMode.OPENID_CONNECT: "OpenIDConnectConfig",
    AuthMode.AWS_LAMBDA: "LambdaAuthorizerConfig",
}
_DATA_SOURCE_SETTINGS = {
    "AWS_LAMBDA": "LambdaConfig",
    "AMAZON_DYNAMODB": "DynamoDBConfig",
    "AMAZON_ELASTICSEARCH": "ElasticsearchConfig",
    "AMAZON_EVENTBRIDGE": "EventBridgeConfig",
    "AMAZON_OPENSEARCH_SERVICE": "OpenSearchServiceConfig",
    "AMAZON_BEDROCK_RUNTIME": None,
    "HTTP": "HttpConfig",
    "NONE": None,
    "RELATIONAL_DATABASE": "RelationalDatabaseConfig",
}
_UNSUPPORTED_TYPES = {
    "Api": "the AppSync Events API is another service than GraphQL",
    "ChannelNamespace": "the AppSync Events API is another service than GraphQL",
    "SourceApiAssociation": "merged APIs are not composed locally",
}

_SERVED_FROM_THEIR_RECORD = frozenset({"AWS::AppSync::ApiCache"})
"""Types of which the record in the stack is all that the data plane needs."""


def recorded_only(stacks: Iterable[Stack]) -> list[tuple[Stack, Resource]]:
    """The resources that are only recorded: they have an id, and nothing behind it."""
    return [
        (stack, resource)
        for stack in stacks
        for resource in stack.resources
        if not resource.emulated and resource.type not in _SERVED_FROM_THEIR_RECORD
    ]


def api_definitions(stacks: Iterable[Stack], read_s3: ReadS3) -> list[ApiDefinition]:
    """Every GraphQL API of the stacks, in the order of the stacks. Raises NotEmulated; what `read_s3` raises passes."""
    resources = [resource for stack in stacks for resource in stack.resources if resource.type.startswith(_PREFIX)]
    for resource in resources:
        reason = _UNSUPPORTED_TYPES.get(resource.type.removeprefix(_PREFIX))
        if reason:
            raise NotEmulated(f"{resource.type} ({resource.logical_id})", reason)
    return [_api(api, resources, read_s3) for api in resources if api.type == _PREFIX + "GraphQLApi"]


def _api(api: Resource, resources: Iterable[Resource], read_s3: ReadS3) -> ApiDefinition:
    properties, api_id = api.properties, str(api.attributes["ApiId"])
    if properties.get("ApiType", "GRAPHQL") != "GRAPHQL":
        raise NotEmulated(f"{api.logical_id}: ApiType {properties['ApiType']}", "merged APIs are not composed locally")
    parts = [resource for resource in resources if resource.properties.get("ApiId") == api_id]

    def of_type(name: str) -> Iterator[Resource]:
        return (part for part in parts if part.type == _PREFIX + name)

    _, _, _, region, account, _ = str(api.attributes["Arn"]).split(":", 5)
    return ApiDefinition(
        id=api_id,
        arn=str(api.attributes["Arn"]),
        name=str(properties.get("Name", api.logical_id)),
        region=region,
        account_id=account,
        schema="\n".join(_text(schema, "Definition", read_s3) or "" for schema in of_type("GraphQLSchema")),
        providers=tuple(_providers(api)),
        api_keys=tuple(_api_key(key) for key in of_type("ApiKey")),
        data_sources={source.name: source for source in map(_data_source, of_type("DataSource"))},
        functions={f.id: f for f in (_function(r, read_s3) for r in of_type("FunctionConfiguration"))},
        resolvers={r.coordinate: r for r in (_resolver(resource, read_s3) for resource in of_type("Resolver"))},
        environment={name: str(value) for name, value in (properties.get("EnvironmentVariables") or {}).items()},
        query_depth_limit=int(properties.get("QueryDepthLimit") or 0),
        resolver_count_limit=int(properties.get("ResolverCountLimit") or 0),
        introspection=properties.get("IntrospectionConfig", "ENABLED") == "ENABLED",
        cache=next((_cache(cache) for cache in of_type("ApiCache")), None),
    )


def _providers(api: Resource) -> Iterator[AuthProvider]:
    for provider in (api.properties, *(api.properties.get("AdditionalAuthenticationProviders") or ())):
        name = provider["AuthenticationType"]
        try:
            mode = AuthMode(name)
        except ValueError as error:
            raise NotEmulated(f"{api.logical_id}: AuthenticationType {name}", "there is no such mode") from error
        settings = provider.get(_AUTH_SETTINGS.get(mode, "")) or {}
        yield AuthProvider(mode, dict(settings))


def _api_key(key: Resource) -> ApiKey:
    return ApiKey(id=str(key.attributes["ApiKey"]), expires_at=int(key.attributes["Expires"]))


def _cache(cache: Resource) -> CacheDefinition:
    behavior, ttl = str(cache.properties.get("ApiCachingBehavior")), float(cache.properties.get("Ttl") or 0)
    try:
        known = CachingBehavior(behavior)
    except ValueError as error:
        raise NotEmulated(f"{cache.logical_id}: ApiCachingBehavior {behavior}", "there is no such behavior") from error
    if not 1 <= ttl <= MAX_TTL_SECONDS:
        raise NotEmulated(f"{cache.logical_id}: Ttl {ttl:g}", f"AWS takes 1 to {MAX_TTL_SECONDS} seconds")
    return CacheDefinition(known, ttl)


def _data_source(source: Resource) -> DataSourceDefinition:
    properties, kind = source.properties, str(source.properties["Type"])
    if kind not in _DATA_SOURCE_SETTINGS:
        raise NotEmulated(f"{source.logical_id}: data source type {kind}", "it is not known here")
    settings = _DATA_SOURCE_SETTINGS[kind]
    config = dict(properties.get(settings) or {}) if settings else {}
    if _is_true(config.get("Versioned")) or config.get("DeltaSyncConfig"):
        raise NotEmulated(f"{source.logical_id}: a versioned data source", "delta sync is not kept locally")
    return DataSourceDefinition(
        name=str(properties["Name"]), type=kind, config=config, role_arn=properties.get("ServiceRoleArn")
    )


def _function(function: Resource, read_s3: ReadS3) -> FunctionDefinition:
    _check_runtime(function)
    properties = function.properties
    return FunctionDefinition(
        id=str(function.attributes["FunctionId"]),
        name=str(properties["Name"]),
        data_source=str(properties["DataSourceName"]),
        code=_text(function, "Code", read_s3),
        request_template=_text(function, "RequestMappingTemplate", read_s3),
        response_template=_text(function, "ResponseMappingTemplate", read_s3),
        max_batch_size=int(properties.get("MaxBatchSize") or 0),
    )


def _resolver(resolver: Resource, read_s3: ReadS3) -> ResolverDefinition:
    _check_runtime(resolver)
    properties = resolver.properties
    return ResolverDefinition(
        type_name=str(properties["TypeName"]),
        field_name=str(properties["FieldName"]),
        kind=str(properties.get("Kind", "UNIT")),
        data_source=properties.get("DataSourceName"),
        functions=tuple((properties.get("PipelineConfig") or {}).get("Functions") or ()),
        code=_text(resolver, "Code", read_s3),
        request_template=_text(resolver, "RequestMappingTemplate", read_s3),
        response_template=_text(resolver, "ResponseMappingTemplate", read_s3),
        max_batch_size=int(properties.get("MaxBatchSize") or 0),
        caching=properties.get("CachingConfig"),
    )


def _check_runtime(resource: Resource) -> None:
    """Refuse what would make a resolver or a function behave differently than on AWS."""
    runtime = resource.properties.get("Runtime") or {}
    if runtime.get("Name", "APPSYNC_JS") != "APPSYNC_JS":
        raise NotEmulated(f"{resource.logical_id}: runtime {runtime['Name']}", "only APPSYNC_JS exists")
    sync = resource.properties.get("SyncConfig") or {}
    if sync.get("ConflictDetection", "NONE") != "NONE":
        raise NotEmulated(f"{resource.logical_id}: SyncConfig", "conflict detection is not done locally")


def _text(resource: Resource, name: str, read_s3: ReadS3) -> str | None:
    """A property that is given in place, or as an object in S3 by `<name>S3Location`."""
    location = resource.properties.get(f"{name}S3Location")
    if location:
        return read_s3(*s3_location(str(location))).decode()
    text = resource.properties.get(name)
    return None if text is None else str(text)


def s3_location(location: str) -> tuple[str, str]:
    """Bucket and key of `s3://bucket/key`, or of a path-style URL such as `sam package` writes for templates."""
    parts = urlsplit(location)
    if parts.scheme == "s3":
        return parts.netloc, location.removeprefix(f"s3://{parts.netloc}/")  # a key as it is, not a URL
    bucket, _, key = unquote(parts.path.lstrip("/")).partition("/")
    if not bucket or not key:
        raise ValueError(f"{location!r} is not the location of an S3 object; expected s3://bucket/key")
    return bucket, key


def _is_true(value: Any) -> bool:
    return str(value).lower() == "true"
