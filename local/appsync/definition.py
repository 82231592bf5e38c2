"""What an AppSync API is made of, free of CloudFormation: `local.template` fills it in, the data plane reads it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any


class AuthMode(Enum):
    """The five authorization modes, by their names in CloudFormation."""

    API_KEY = "API_KEY"
    AWS_IAM = "AWS_IAM"
    AMAZON_COGNITO_USER_POOLS = "AMAZON_COGNITO_USER_POOLS"
    OPENID_CONNECT = "OPENID_CONNECT"
    AWS_LAMBDA = "AWS_LAMBDA"


@dataclass(frozen=True)
class AuthProvider:
    """One entry of an API's authorization: its mode and the mode's own settings, as in the template."""

    mode: AuthMode
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ApiKey:
    """`id` is what clients send in `x-api-key`; `expires_at` is in epoch seconds."""

    id: str
    expires_at: int


@dataclass(frozen=True)
class DataSourceDefinition:
    """`type` is CloudFormation's (`AWS_LAMBDA`, `AMAZON_DYNAMODB`, `NONE`, ...), `config` the matching config block."""

    name: str
    type: str
    config: Mapping[str, Any] = field(default_factory=dict)
    role_arn: str | None = None


@dataclass(frozen=True)
class FunctionDefinition:
    """A pipeline function (`AWS::AppSync::FunctionConfiguration`)."""

    id: str
    name: str
    data_source: str
    code: str | None = None
    request_template: str | None = None
    response_template: str | None = None
    max_batch_size: int = 0


@dataclass(frozen=True)
class ResolverDefinition:
    """A resolver. UNIT has a data source, PIPELINE the ids of its functions; `code` is APPSYNC_JS source text."""

    type_name: str
    field_name: str
    kind: str = "UNIT"
    data_source: str | None = None
    functions: tuple[str, ...] = ()
    code: str | None = None
    request_template: str | None = None
    response_template: str | None = None
    max_batch_size: int = 0
    caching: Mapping[str, Any] | None = None

    @property
    def coordinate(self) -> str:
        """The schema coordinate, `Type.field`."""
        return f"{self.type_name}.{self.field_name}"


class CachingBehavior(Enum):
    """What the API cache keeps, by its names in CloudFormation."""

    FULL_REQUEST_CACHING = "FULL_REQUEST_CACHING"
    PER_RESOLVER_CACHING = "PER_RESOLVER_CACHING"
    OPERATION_LEVEL_CACHING = "OPERATION_LEVEL_CACHING"


@dataclass(frozen=True)
class CacheDefinition:
    """The API cache (`AWS::AppSync::ApiCache`). Its instance type has no effect on this machine."""

    behavior: CachingBehavior
    ttl_seconds: float


@dataclass(frozen=True)
class ApiDefinition:
    """One GraphQL API. Limits are 0 where the template sets none."""

    id: str
    arn: str
    name: str
    region: str
    account_id: str
    schema: str
    providers: tuple[AuthProvider, ...]  # the first is the default mode
    api_keys: tuple[ApiKey, ...] = ()
    data_sources: Mapping[str, DataSourceDefinition] = field(default_factory=dict)
    functions: Mapping[str, FunctionDefinition] = field(default_factory=dict)
    resolvers: Mapping[str, ResolverDefinition] = field(default_factory=dict)  # by coordinate
    environment: Mapping[str, str] = field(default_factory=dict)
    query_depth_limit: int = 0
    resolver_count_limit: int = 0
    introspection: bool = True
    cache: CacheDefinition | None = None

    @property
    def aws_url(self) -> str:
        """The URL that AWS would give it; functions see the local one in its place."""
        return f"https://{self.id}.appsync-api.{self.region}.amazonaws.com/graphql"

    def provider(self, mode: AuthMode) -> AuthProvider | None:
        """The first provider of a mode, or None when the API does not have it."""
        return next((p for p in self.providers if p.mode is mode), None)


API_KEY_SHAPE = re.compile(r"^da2-[a-z0-9]{26}$")
