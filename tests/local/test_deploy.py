"""What a deployment is made of, read from templates."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from local import deploy

ROOT = """
Parameters: {PythonRuntime: {Type: String}}
Resources:
  Api:
    Type: AWS::Serverless::Application
    Properties:
      Location: stacks/api.yaml
  Function:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: code, Handler: handler.handle, Layers: [!Ref Shared]}
  Shared:
    Type: AWS::Serverless::LayerVersion
    Properties: {ContentUri: layer}
"""
NESTED = """
Resources:
  Schema:
    Type: AWS::AppSync::GraphQLSchema
    Properties: {DefinitionS3Location: ../schema.graphql, ApiId: !GetAtt Api.ApiId}
"""


@pytest.fixture
def template(tmp_path: Path) -> Path:
    for name, text in {
        "template.yaml": ROOT,
        "stacks/api.yaml": NESTED,
        "schema.graphql": "type Query { a: Int }",
        "code/handler.py": "def handle(event, context): ...",
        "layer/shared.py": "",
        "unrelated.txt": "",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path / "template.yaml"


def fingerprint(template: Path, **parameters: str) -> str:
    return deploy.fingerprint(deploy.read_template(template), parameters)


def test_a_template_knows_its_nested_ones_and_its_code(template: Path) -> None:
    root = deploy.read_template(template)
    assert [part.path.name for part in root.walk()] == ["template.yaml", "api.yaml"]
    assert root.code() == {"Function": template.parent / "code", "Shared": template.parent / "layer"}
    assert root.layers("Function") == ["Shared"]
    assert root.nested["Api"].artifacts() == {template.parent / "schema.graphql"}


PARTS = ["template.yaml", "stacks/api.yaml", "schema.graphql", "code/handler.py", "code/new.py"]


@pytest.mark.parametrize("name", PARTS)
def test_a_change_of_any_part_changes_the_fingerprint(template: Path, name: str) -> None:
    before = fingerprint(template)
    with (template.parent / name).open("a") as file:
        file.write("\n")
    assert fingerprint(template) != before


def test_what_is_not_part_of_it_does_not(template: Path) -> None:
    before = fingerprint(template)
    (template.parent / "unrelated.txt").write_text("changed")
    (template.parent / "code" / "__pycache__").mkdir()
    (template.parent / "code" / "__pycache__" / "handler.pyc").write_text("")
    assert fingerprint(template) == before


def test_a_parameter_changes_the_fingerprint(template: Path) -> None:
    assert fingerprint(template, PythonRuntime="python3.11") != fingerprint(template, PythonRuntime="python3.12")


def test_only_parameters_that_the_template_has_are_set(template: Path) -> None:
    assert list(deploy.local_parameters(deploy.read_template(template), date(2026, 11, 21))) == ["PythonRuntime"]


@pytest.mark.parametrize("today", [date(2026, 1, 1), date(2026, 11, 30), date(2028, 2, 29), date(2026, 12, 31)])
def test_the_api_key_ends_within_the_year_that_appsync_allows(template: Path, today: date) -> None:
    template.write_text(ROOT.replace("PythonRuntime: {", "ApiKeyExpires: {"))
    parameters = deploy.local_parameters(deploy.read_template(template), today)
    days = (datetime.fromtimestamp(int(parameters["ApiKeyExpires"]), UTC).date() - today).days
    assert 300 < days <= 365
    assert parameters == deploy.local_parameters(deploy.read_template(template), today.replace(day=1))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: [", "no YAML"),
        ("Resources: []", "no Resources"),
        ("", "no Resources"),
        ("hello", "no Resources"),
        ("Resources: {Broken: 5}", "Broken is no resource"),
        ("Resources:\n  Broken:\n    Type: AWS::S3::Bucket\n    Properties:\n", "Broken is no resource"),
    ],
)
def test_what_is_no_template_is_refused_with_its_name(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text(text)
    with pytest.raises(deploy.DeployError, match=says) as caught:
        deploy.read_template(path)
    assert "broken.yaml" in str(caught.value)


def test_a_missing_template_is_refused_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(deploy.DeployError, match=r"absent\.yaml"):
        deploy.read_template(tmp_path / "absent.yaml")


def test_the_tools_see_the_local_cloud_and_no_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "secret")
    environment = deploy.environment("http://127.0.0.1:4566", "us-east-1")
    assert environment["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4566"
    assert not {"AWS_PROFILE", "AWS_SESSION_TOKEN"} & environment.keys()


async def test_what_sam_refuses_is_told_although_a_traceback_follows(tmp_path: Path) -> None:
    template = tmp_path / "template.yaml"
    template.write_text(
        "Transform: AWS::Serverless-2016-10-31\nGlobals: {Function: {Policies: []}}\n"
        "Resources: {Table: {Type: AWS::Serverless::SimpleTable}}\n"
    )
    with pytest.raises(deploy.DeployError, match="'Policies' is not a supported property of 'Function'"):
        await deploy.deploy(
            deploy.read_template(template),
            "s",
            {},
            endpoint="http://127.0.0.1:9",
            region="us-east-1",
            state=tmp_path / "s",
        )
