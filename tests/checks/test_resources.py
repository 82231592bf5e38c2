"""The resource budget counts what CloudFormation creates, not what is written."""

from pathlib import Path

import pytest

from checks.cloudformation import parse, transformed_resources
from checks.resources import BUDGET, problems

HEAD = "AWSTemplateFormatVersion: '2010-09-09'\nTransform: AWS::Serverless-2016-10-31\nResources:\n"
FUNCTION = """\
  Chat:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: chat/, Handler: handler.handler, Runtime: python3.13}
"""


def write(folder: Path, topics: int) -> Path:
    topic = "  Topic{}:\n    Type: AWS::SNS::Topic\n"
    (folder / "template.yaml").write_text(HEAD + FUNCTION + "".join(topic.format(number) for number in range(topics)))
    return folder


def test_a_function_counts_with_the_role_that_the_transform_adds(tmp_path: Path) -> None:
    assert [each.type for each in transformed_resources(write(tmp_path, 0))] == [
        "AWS::Lambda::Function",
        "AWS::IAM::Role",
    ]


@pytest.mark.parametrize(("topics", "over"), [(BUDGET - 2, False), (BUDGET - 1, True)])
def test_the_budget_is_a_limit(tmp_path: Path, topics: int, over: bool) -> None:
    found = problems(write(tmp_path, topics))
    expected = f"template.yaml: {BUDGET + 1} resources after the SAM transform, the budget is {BUDGET}: split the stack"
    assert found == ([expected] if over else [])


def test_short_tags_are_parsed_to_their_long_form(tmp_path: Path) -> None:
    (tmp_path / "template.yaml").write_text("A: !Sub x-${B}\nC: !GetAtt D.Arn\nE: !Ref F\n")
    assert parse(tmp_path / "template.yaml") == {
        "A": {"Fn::Sub": "x-${B}"},
        "C": {"Fn::GetAtt": ["D", "Arn"]},
        "E": {"Ref": "F"},
    }
