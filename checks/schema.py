"""The schema's conventions: descriptions everywhere, one form each for names, lists, inputs and live fields.

Held against `schema.graphql` and, where AppSync's behaviour depends on both, against the templates: a subscription
field without a resolver would authorize nobody, and a published type without the directives of all modes reaches its
subscribers as an error.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from graphql import (
    DirectiveNode,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLSyntaxError,
    GraphQLUnionType,
    build_schema,
    get_named_type,
    is_introspection_type,
    is_specified_scalar_type,
    parse,
)

from checks.cloudformation import Resource, resources
from checks.project import report

# What AppSync adds to every schema.
# https://docs.aws.amazon.com/appsync/latest/devguide/scalars.html and .../security-authz.html
APPSYNC = """
scalar AWSDate scalar AWSTime scalar AWSDateTime scalar AWSTimestamp scalar AWSEmail scalar AWSJSON scalar AWSURL
scalar AWSPhone scalar AWSIPAddress
directive @aws_subscribe(mutations: [String!]!) on FIELD_DEFINITION
directive @aws_auth(cognito_groups: [String!]!) on FIELD_DEFINITION
directive @aws_api_key on OBJECT | FIELD_DEFINITION
directive @aws_iam on OBJECT | FIELD_DEFINITION
directive @aws_oidc on OBJECT | FIELD_DEFINITION
directive @aws_lambda on OBJECT | FIELD_DEFINITION
directive @aws_cognito_user_pools(cognito_groups: [String!]) on OBJECT | FIELD_DEFINITION
"""
APPSYNC_SCALARS = frozenset(APPSYNC.split("directive", 1)[0].replace("scalar", " ").split())

# AuthenticationType of the API -> the directive that lets its callers see a type or field.
MODE_DIRECTIVES = {
    "API_KEY": "aws_api_key",
    "AWS_IAM": "aws_iam",
    "AMAZON_COGNITO_USER_POOLS": "aws_cognito_user_pools",
    "OPENID_CONNECT": "aws_oidc",
    "AWS_LAMBDA": "aws_lambda",
}
API_TYPE = "AWS::AppSync::GraphQLApi"
RESOLVER_TYPE = "AWS::AppSync::Resolver"


@dataclass(frozen=True)
class Deployment:
    """What the templates say about the API: its modes in order, and the coordinates that have a resolver."""

    modes: tuple[str, ...]
    resolvers: frozenset[str]


def deployment(found: list[Resource]) -> Deployment:
    """Read the API's modes and its resolvers from the templates."""
    modes: list[str] = []
    for api in (resource.properties for resource in found if resource.type == API_TYPE):
        providers = [api, *(api.get("AdditionalAuthenticationProviders") or [])]
        modes += [provider["AuthenticationType"] for provider in providers]
    return Deployment(
        modes=tuple(dict.fromkeys(modes)),
        resolvers=frozenset(
            f"{resource.properties['TypeName']}.{resource.properties['FieldName']}"
            for resource in found
            if resource.type == RESOLVER_TYPE
        ),
    )


def load(source: str) -> GraphQLSchema:
    """The schema with AppSync's scalars and directives. Raises GraphQLSyntaxError or TypeError with the reason."""
    return build_schema(f"{APPSYNC}\n{source}")


def own_types(schema: GraphQLSchema) -> list[GraphQLNamedType]:
    """The types that the project itself defines."""
    return [
        each
        for name, each in sorted(schema.type_map.items())
        if not is_introspection_type(each) and not is_specified_scalar_type(each) and name not in APPSYNC_SCALARS
    ]


def without_description(schema: GraphQLSchema) -> Iterator[str]:
    """Coordinates of everything that has no description: types, fields, arguments, enum values."""
    for each in own_types(schema):
        if not each.description and each not in (schema.query_type, schema.mutation_type, schema.subscription_type):
            yield each.name
        if isinstance(each, GraphQLObjectType | GraphQLInterfaceType):
            for name, field in each.fields.items():
                if not field.description:
                    yield f"{each.name}.{name}"
                yield from (f"{each.name}.{name}({key}:)" for key, arg in field.args.items() if not arg.description)
        elif isinstance(each, GraphQLInputObjectType):
            yield from (f"{each.name}.{name}" for name, field in each.fields.items() if not field.description)
        elif isinstance(each, GraphQLEnumType):
            yield from (f"{each.name}.{name}" for name, value in each.values.items() if not value.description)


def misnamed(schema: GraphQLSchema) -> Iterator[str]:
    """Types, fields and enum values whose names break the conventions."""
    for each in own_types(schema):
        if isinstance(each, GraphQLInputObjectType) and not each.name.endswith("Input"):
            yield f"{each.name}: the name of an input type ends in Input"
        if isinstance(each, GraphQLEnumType):
            for name in each.values:
                if name != name.upper():
                    yield f"{each.name}.{name}: enum values are UPPER_SNAKE"
        if isinstance(each, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
            for name in each.fields:
                if "_" in name or not name[0].islower():
                    yield f"{each.name}.{name}: fields are camelCase"


def unpaged(schema: GraphQLSchema) -> Iterator[str]:
    """Root queries that answer with a bare list, and paging types that are not {items, nextToken}."""
    for name, field in schema.query_type.fields.items() if schema.query_type else ():
        bare = field.type.of_type if isinstance(field.type, GraphQLNonNull) else field.type
        if isinstance(bare, GraphQLList):
            yield f"Query.{name}: lists are {{items, nextToken}}, not a bare list"
        if "nextToken" in field.args:
            answer = get_named_type(field.type)
            if not isinstance(answer, GraphQLObjectType) or not {"items", "nextToken"} <= set(answer.fields):
                yield f"Query.{name} takes nextToken, so {answer.name} must have items and nextToken"
    for each in own_types(schema):
        if each.name.endswith("Connection") and isinstance(each, GraphQLObjectType):
            missing = {"items", "nextToken"} - set(each.fields)
            if missing:
                yield f"{each.name}: lists are {{items, nextToken}}; missing: {', '.join(sorted(missing))}"


def subscription_problems(schema: GraphQLSchema, deployed: Deployment) -> Iterator[str]:
    """Live fields must be nullable, name mutations of their own type, require a topic argument and have a resolver."""
    subscription, mutation = schema.subscription_type, schema.mutation_type
    for name, field in subscription.fields.items() if subscription else ():
        coordinate = f"Subscription.{name}"
        if isinstance(field.type, GraphQLNonNull):
            yield f"{coordinate}: must be nullable, because its resolver answers null when the subscription starts"
        if coordinate not in deployed.resolvers:
            yield f"{coordinate}: has no {RESOLVER_TYPE} in the templates, so nothing authorizes a subscriber"
        mutations = _mutations(_directives(field))
        if not mutations:
            yield f"{coordinate}: has no @aws_subscribe(mutations: [...])"
        for each in mutations:
            published = mutation.fields.get(each) if mutation else None
            if published is None:
                yield f"{coordinate}: @aws_subscribe names Mutation.{each}, which does not exist"
            elif get_named_type(published.type) is not get_named_type(field.type):
                yield f"{coordinate}: has another type than Mutation.{each}"


def _directives(defined: GraphQLField | GraphQLObjectType) -> tuple[DirectiveNode, ...]:
    return tuple((defined.ast_node.directives if defined.ast_node else None) or ())


def _mutations(directives: tuple[DirectiveNode, ...]) -> list[str]:
    """The mutations that @aws_subscribe names."""
    return [
        mutation.value
        for directive in directives
        if directive.name.value == "aws_subscribe"
        for argument in directive.arguments or ()
        for mutation in getattr(argument.value, "values", ())
    ]


def published_types(schema: GraphQLSchema) -> list[GraphQLObjectType]:
    """Every type that a subscription's payload can hold, at any depth."""
    waiting: list[GraphQLOutputType] = [
        field.type for field in (schema.subscription_type.fields.values() if schema.subscription_type else ())
    ]
    seen: dict[str, GraphQLNamedType] = {}
    while waiting:
        named = get_named_type(waiting.pop())
        if named.name in seen or isinstance(named, GraphQLScalarType | GraphQLEnumType):
            continue
        seen[named.name] = named
        if isinstance(named, GraphQLObjectType | GraphQLInterfaceType):
            waiting += [field.type for field in named.fields.values()]
        elif isinstance(named, GraphQLUnionType):
            waiting += named.types
    return [each for each in seen.values() if isinstance(each, GraphQLObjectType)]


def unreadable_types(schema: GraphQLSchema, deployed: Deployment) -> Iterator[str]:
    """Published types that callers of some mode may not see. Of no consequence while the API has one mode only."""
    if len(deployed.modes) < 2:
        return
    wanted = {MODE_DIRECTIVES[mode] for mode in deployed.modes}
    for each in published_types(schema):
        present = {directive.name.value for directive in _directives(each)}
        if wanted - present:
            yield f"{each.name}: is published, so it needs {', '.join(f'@{name}' for name in sorted(wanted - present))}"


def problems_in(source: str, deployed: Deployment) -> list[str]:
    """Everything in a schema's text that breaks the conventions."""
    try:
        parse(source)
        schema = load(source)
    except (GraphQLSyntaxError, TypeError) as error:
        return [f"schema.graphql: {error}"]
    found = [f"{coordinate}: has no description" for coordinate in without_description(schema)]
    found += misnamed(schema)
    found += unpaged(schema)
    found += subscription_problems(schema, deployed)
    found += unreadable_types(schema, deployed)
    return found


def problems(root: Path) -> list[str]:
    path = root / "schema.graphql"
    if not path.is_file():
        return ["schema.graphql is missing"]
    return problems_in(path.read_text(), deployment(resources(root)))


if __name__ == "__main__":
    report(problems)
