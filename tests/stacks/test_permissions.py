"""Who may do what: one role per function, the narrowest rights, and nothing that scans a table."""

import fnmatch
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from checks.cloudformation import Resource
from checks.project import ROOT, templates

FUNCTION = "AWS::Lambda::Function"
ROLE = "AWS::IAM::Role"
BESIDE_ROLES = {"AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy"}


def statements(role: Resource) -> list[dict[str, Any]]:
    """The statements of a role's inline policies."""
    return [
        statement
        for policy in role.properties.get("Policies", [])
        for statement in as_list(policy["PolicyDocument"]["Statement"])
    ]


def grants(transformed: list[Resource]) -> list[tuple[str, dict[str, Any]]]:
    """Every statement that gives a right, with whose it is: those inside roles, and those in policies beside them."""
    found = [
        (each.logical_id, statement) for each in transformed if each.type == ROLE for statement in statements(each)
    ]
    for policy in (each for each in transformed if each.type in BESIDE_ROLES):
        document = policy.properties["PolicyDocument"]
        found += [(str(policy.properties.get("Roles")), statement) for statement in as_list(document["Statement"])]
    return found


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def allows(statement: dict[str, Any], action: str) -> bool:
    patterns = [each.lower() for each in as_list(statement.get("Action", []))]
    return statement["Effect"] == "Allow" and any(fnmatch.fnmatchcase(action.lower(), each) for each in patterns)


def test_every_function_has_a_role_that_nothing_else_has(transformed: list[Resource]) -> None:
    users: Counter[str] = Counter()
    for resource in transformed:
        for key in ("Role", "ServiceRoleArn"):
            if key in resource.properties and resource.type != "AWS::IAM::InstanceProfile":
                users[f"{resource.template}: {resource.properties[key]}"] += 1
    functions = [resource for resource in transformed if resource.type == FUNCTION]
    roles = {(resource.template, resource.logical_id) for resource in transformed if resource.type == ROLE}
    assert functions
    for function in functions:
        role = function.properties["Role"]
        assert users[f"{function.template}: {role}"] == 1, f"{function} shares its role"
        assert (function.template, role["Fn::GetAtt"][0]) in roles, f"{function}: its role is elsewhere"


def test_no_role_takes_a_managed_policy(transformed: list[Resource]) -> None:
    """Managed policies are wider than any one function needs, and change without us."""
    taking = [str(role) for role in transformed if role.type == ROLE and role.properties.get("ManagedPolicyArns")]
    assert taking == []


@pytest.mark.parametrize("action", ["dynamodb:Scan", "dynamodb:PartiQLSelect"])
def test_nothing_may_scan_a_table(transformed: list[Resource], action: str) -> None:
    given = grants(transformed)
    assert given
    assert [name for name, each in given if allows(each, action)] == []


def test_only_the_publisher_may_call_the_api(transformed: list[Resource]) -> None:
    calling = [(name, each["Resource"]) for name, each in grants(transformed) if allows(each, "appsync:GraphQL")]
    assert [name for name, _ in calling] == ["PublishRole"]
    for _, resource in calling:
        for each in as_list(resource):
            assert re.search("/types/Mutation/fields/(publish|endSubscriptions)", str(each)), each


def test_rights_are_said_by_what_is_allowed_of_what(transformed: list[Resource]) -> None:
    """Never by what is not: `NotAction` and `NotResource` allow whatever AWS invents next."""
    for name, each in grants(transformed):
        assert not {"NotAction", "NotResource", "NotPrincipal", "Principal"} & each.keys(), name


def test_every_right_is_for_resources_of_this_deployment(transformed: list[Resource]) -> None:
    """A resource is a reference to one, or to a parameter that is. `*` stands for itself, with its written reason."""
    for name, each in grants(transformed):
        for resource in as_list(each["Resource"]):
            if resource == "*":
                continue
            assert isinstance(resource, dict), f"{name}: {resource}"
            text = resource.get("Fn::Sub")
            if text is not None:
                text = text if isinstance(text, str) else text[0]
                names = set(re.findall(r"\$\{([^}]+)\}", text))
                assert {one for one in names if not one.startswith("AWS::")}, f"{name}: {text} names nothing of ours"


def test_every_role_is_taken_by_one_service(transformed: list[Resource]) -> None:
    """No account, no user, and not everybody."""
    for role in (each for each in transformed if each.type == ROLE):
        (statement,) = as_list(role.properties["AssumeRolePolicyDocument"]["Statement"])
        assert statement["Action"] == "sts:AssumeRole", role
        assert statement["Principal"].keys() == {"Service"}, role
        assert as_list(statement["Principal"]["Service"])[0] in {"lambda.amazonaws.com", "appsync.amazonaws.com"}, role


def test_a_service_invokes_a_function_only_for_a_resource_of_ours(transformed: list[Resource]) -> None:
    """Without a source, anybody's user pool or API could have that service invoke it."""
    permissions = [each for each in transformed if each.type == "AWS::Lambda::Permission"]
    assert permissions
    for each in permissions:
        assert each.properties["Action"] == "lambda:InvokeFunction", each
        assert isinstance(each.properties.get("SourceArn"), dict), each


def test_every_wildcard_has_a_written_reason() -> None:
    """`*` in an action, or in a resource that names nothing before it, needs a comment in its statement."""
    unexplained = [found for path in templates(ROOT) for found in wildcards_without_reason(path)]
    assert unexplained == []


def test_the_search_goes_through_every_template() -> None:
    assert {path.name for path in templates(ROOT)} == {"template.yaml"} | {
        path.name for path in (ROOT / "stacks").iterdir()
    }


def wildcards_without_reason(path: Path) -> list[str]:
    """Statements with a wildcard but without a comment, as `file:line: value`."""
    text = path.read_text()
    lines = text.splitlines()
    found = []
    for statement in policy_statements(yaml.compose(text, Loader=yaml.SafeLoader)):
        last = max(scalar.end_mark.line for _, value in statement.value for scalar in scalars(value))
        if any(re.search(r"\s#\s", line) for line in lines[statement.start_mark.line : last + 1]):
            continue
        for key, value in statement.value:
            if key.value in {"Action", "NotAction", "Resource", "NotResource"}:
                found += [
                    f"{path.name}:{scalar.start_mark.line + 1}: {scalar.value}"
                    for scalar in scalars(value)
                    if is_wide(key.value, scalar.value)
                ]
    return found


def is_wide(element: str, value: str) -> bool:
    if "Action" in element:
        return "*" in value
    # `${Bucket}/*` and `${Table.Arn}/index/*` stay inside one resource; the rest does not.
    inside_one_resource = value.startswith("${") and not value.startswith("${AWS::") and "}/" in value
    return "*" in value and not inside_one_resource


def policy_statements(node: yaml.Node | None) -> list[yaml.MappingNode]:
    if isinstance(node, yaml.MappingNode):
        keys = {key.value for key, _ in node.value}
        if "Effect" in keys and keys & {"Action", "NotAction"}:
            return [node]
        return [found for _, value in node.value for found in policy_statements(value)]
    if isinstance(node, yaml.SequenceNode):
        return [found for each in node.value for found in policy_statements(each)]
    return []


def scalars(node: yaml.Node) -> list[yaml.ScalarNode]:
    if isinstance(node, yaml.SequenceNode):
        return [found for each in node.value for found in scalars(each)]
    if isinstance(node, yaml.MappingNode):
        return [found for _, value in node.value for found in scalars(value)]
    return [node] if isinstance(node, yaml.ScalarNode) else []


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("{Effect: Allow, Action: 's3:*', Resource: !Ref Bucket}", ["template.yaml:2: s3:*"]),
        ("{Effect: Allow, Action: s3:PutObject, Resource: '*'}", ["template.yaml:2: *"]),
        ("{Effect: Allow, Action: s3:PutObject, Resource: !Sub 'arn:aws:s3:::*'}", ["template.yaml:2: arn:aws:s3:::*"]),
        ("{Effect: Allow, Action: s3:PutObject, Resource: '*'} # S3 knows no resource here", []),
        ("{Effect: Allow, Action: s3:PutObject, Resource: !Sub '${Bucket}/*'}", []),
        ("{Effect: Allow, Action: s3:PutObject, Resource: !Ref Bucket}", []),
    ],
)
def test_the_search_for_wildcards_finds_what_it_should(tmp_path: Path, statement: str, found: list[str]) -> None:
    template = tmp_path / "template.yaml"
    template.write_text(f"Statement:\n  - {statement}\n")
    assert wildcards_without_reason(template) == found
