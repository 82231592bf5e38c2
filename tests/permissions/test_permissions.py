"""Permissions and the probes that need them: the table, and what happens when some are taken away.

The long form is by hand: `python -m tests.permissions --remove 5 --seed 1`.
"""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from samcli.yamlhelper import yaml_parse

from local.permissions_used import VARIABLE
from tests.permissions import mapping
from tests.permissions.probes import PROBES
from tests.permissions.table import Permission, Use, deployed, used
from tests.stack.instance import PROJECT, Instance, eventually, running

SHORT = {"send", "show_room", "list_rooms", "catch_up", "user_changes"}
SELECTED = tuple(probe for probe in PROBES if probe.name in SHORT)
TABLE = "arn:aws:dynamodb:us-east-1:000000000000:table/Main"


def test_a_use_is_of_the_statement_whose_resource_it_names() -> None:
    read = Permission("Role", "p", 0, "dynamodb:GetItem", (TABLE,))
    log = Permission("Role", "p", 1, "dynamodb:GetItem", (f"{TABLE}Log",))
    other = Permission("Other", "p", 0, "dynamodb:GetItem", ("*",))
    assert used([read, log, other], [Use("Role", "dynamodb:GetItem", TABLE)]) == {read}
    assert used([read, log, other], [Use("Role", "dynamodb:PutItem", TABLE)]) == set()


def test_what_two_statements_allow_needs_neither() -> None:
    twice = [Permission("Role", "p", index, "s3:Get*", ("arn:aws:s3:::a/*",)) for index in (0, 1)]
    use = Use("Role", "s3:GetObject", "arn:aws:s3:::a/b")
    assert used(twice, [use]) == set()
    assert used(twice[:1], [use]) == {twice[0]}


def test_a_use_is_of_the_statement_that_allows_its_partitions() -> None:
    users = Permission("Role", "p", 0, "dynamodb:GetItem", (TABLE,), ("USER#*",))
    keys = Permission("Role", "p", 1, "dynamodb:GetItem", (TABLE,), ("AUTHKEY*", "IDEMPOTENCY#*"))
    assert used([users, keys], [Use("Role", "dynamodb:GetItem", TABLE, ("USER#1",))]) == {users}
    assert used([users, keys], [Use("Role", "dynamodb:GetItem", TABLE, ("AUTHKEY#1", "IDEMPOTENCY#x"))]) == {keys}
    assert used([users, keys], [Use("Role", "dynamodb:GetItem", TABLE, ("AUTHKEY#1", "USER#1"))]) == set()


def test_every_role_has_a_probe_and_every_probe_a_test_like_it() -> None:
    """What of the templates' roles no probe stands for cannot be told to be needed."""
    roles = set()
    for file in [PROJECT / "template.yaml", *(PROJECT / "stacks").glob("*.yaml")]:
        resources = yaml_parse(file.read_text())["Resources"]
        roles |= {name for name, each in resources.items() if each["Type"] == "AWS::IAM::Role"}
    assert set().union(*(probe.roles for probe in PROBES)) == roles
    for probe in PROBES:
        assert (PROJECT / probe.tests).is_file(), probe.tests
    assert len({probe.name for probe in PROBES}) == len(PROBES)


def test_templates_lose_just_those_actions(tmp_path: Path) -> None:
    shutil.copy(PROJECT / "template.yaml", tmp_path)
    shutil.copytree(PROJECT / "stacks", tmp_path / "stacks")

    def statements() -> Any:
        template = yaml_parse((tmp_path / "stacks" / "chat.yaml").read_text())
        policy = template["Resources"]["ChatRole"]["Properties"]["Policies"][0]
        return policy["PolicyDocument"]["Statement"]

    before = json.loads(json.dumps(statements(), default=str))
    action = before[1]["Action"].pop(0)
    mapping.remove_from_templates(tmp_path, [Permission("ChatRole", "chat", 1, action, ())])
    assert json.loads(json.dumps(statements(), default=str)) == before


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("record") / "used.jsonl"


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory, record: Path) -> Iterator[Instance]:
    yield from running(tmp_path_factory.mktemp("permissions") / "state", **{VARIABLE: str(record)})


@pytest.mark.stack
def test_exactly_those_fail_that_need_what_is_taken_away(instance: Instance, record: Path) -> None:
    permissions = deployed(instance)
    needs = mapping.recorded(instance, record, permissions, SELECTED)
    assert all(needs.values()), needs  # each uses something
    removed = random.Random(7).sample(sorted(set().union(*needs.values())), 3)

    taken_away(instance, removed)
    expected = mapping.expected(needs, removed)
    # Data sources remember for two seconds what they may.
    failed = eventually(lambda: (found := mapping.failures(instance, SELECTED)).keys() == expected and found, 20)
    assert failed
    assert expected


def taken_away(instance: Instance, removed: list[Permission]) -> None:
    """Put the roles' policies anew without some permissions."""
    iam, roles = instance.client("iam"), instance.resources("AWS::IAM::Role")
    for role, policy in {(each.role, each.policy) for each in removed}:
        document = iam.get_role_policy(RoleName=roles[role], PolicyName=policy)["PolicyDocument"]
        left = mapping.without(document, policy, [each for each in removed if each.role == role])
        if left is None:
            iam.delete_role_policy(RoleName=roles[role], PolicyName=policy)
        else:
            iam.put_role_policy(RoleName=roles[role], PolicyName=policy, PolicyDocument=json.dumps(left))
