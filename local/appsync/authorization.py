"""Who may see a field: the `@aws_...` directives and their inheritance (sheet 2.2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from graphql import GraphQLObjectType, Node

from local.appsync.definition import AuthMode, AuthProvider
from local.appsync.request import Caller
from local.appsync.schema import Schema, directives, string_list

MODE_OF = {
    "aws_api_key": AuthMode.API_KEY,
    "aws_iam": AuthMode.AWS_IAM,
    "aws_oidc": AuthMode.OPENID_CONNECT,
    "aws_lambda": AuthMode.AWS_LAMBDA,
    "aws_cognito_user_pools": AuthMode.AMAZON_COGNITO_USER_POOLS,
}

AUTH_TYPE = {
    AuthMode.API_KEY: "API Key Authorization",
    AuthMode.AWS_IAM: "IAM Authorization",
    AuthMode.AMAZON_COGNITO_USER_POOLS: "User Pool Authorization",
    AuthMode.OPENID_CONNECT: "Open ID Connect Authorization",
    AuthMode.AWS_LAMBDA: "Lambda Authorization",
}

Rule = Mapping[AuthMode, frozenset[str] | None]
"""The modes that reach a field; a set of groups narrows a mode to callers in at least one of them."""


class Authorization:
    """The rules of one API, worked out once per field."""

    def __init__(self, schema: Schema, providers: Sequence[AuthProvider]) -> None:
        self._schema = schema
        self._cognito_only = all(p.mode is AuthMode.AMAZON_COGNITO_USER_POOLS for p in providers)
        default = providers[0]
        # `defaultAction` exists only in the default provider's userPoolConfig.
        denied = default.mode is AuthMode.AMAZON_COGNITO_USER_POOLS and default.settings.get("DefaultAction") == "DENY"
        self._default: Rule = {} if denied else {default.mode: None}
        self._rules: dict[tuple[str, str], Rule] = {}

    def rule(self, type_name: str, field_name: str) -> Rule:
        """The rule of a field: its own directives, else its type's, else the default mode only."""
        key = (type_name, field_name)
        if key not in self._rules:
            self._rules[key] = self._resolve(type_name, field_name)
        return self._rules[key]

    def allows(self, caller: Caller, type_name: str, field_name: str) -> bool:
        """Whether the directives let a caller see a field."""
        rule = self.rule(type_name, field_name)
        if caller.mode not in rule:
            return False
        groups = rule[caller.mode]
        return groups is None or not groups.isdisjoint(caller.groups)

    def _resolve(self, type_name: str, field_name: str) -> Rule:
        owner = self._schema.graphql.type_map.get(type_name)
        if not isinstance(owner, GraphQLObjectType) or field_name not in owner.fields:
            return self._default
        own = self._declared(owner.fields[field_name].ast_node)
        if own:
            return own
        inherited: dict[AuthMode, frozenset[str] | None] = {}
        for node in (owner.ast_node, *owner.extension_ast_nodes):
            inherited.update(self._declared(node))
        return inherited or self._default

    def _declared(self, node: Node | None) -> dict[AuthMode, frozenset[str] | None]:
        rule: dict[AuthMode, frozenset[str] | None] = {}
        for name, mode in MODE_OF.items():
            for directive in directives(node, name):
                groups = string_list(directive, "cognito_groups")
                rule[mode] = None if groups is None else frozenset(groups)
        if self._cognito_only and not rule:
            for directive in directives(node, "aws_auth"):
                rule[AuthMode.AMAZON_COGNITO_USER_POOLS] = frozenset(string_list(directive, "cognito_groups") or ())
        return rule
