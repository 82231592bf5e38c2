"""`python -m local index`: whether lists and searches show the products as they are, and bring them there.

A thin client of the deployed function that the stack's output ProjectFunctionName names, by the operations that
backend/domain/shop/reprojection.py describes; hence it does the same on this machine and on AWS. Which products there
are it finds by scanning both tables with the rights of whoever runs it: no function may.

The exit status is 0 when the index is up to date, 1 when something is behind, 2 when it could not be asked at all.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Protocol

import typer
from rich.console import Console
from rich.markup import escape

from local.deployment import DeploymentError, instance_outputs, on_aws, on_instance
from local.settings import SettingsError, load

OUTPUT = "ProjectFunctionName"
# Where products are named: the table's output, and what the partition keys begin with.
PLACES = (("MainTableName", "PRODUCT#"), ("SearchName", "DERIVED#"))
AT_ONCE = 500
COUNTS = ("projected", "unchanged", "removed", "unprojectable")


class Projecting(Protocol):
    """What is needed of a `Deployment`."""

    def output(self, name: str) -> str: ...
    def call(self, service: str, operation: str, **arguments: Any) -> Any: ...
    def invoke(self, function: str, event: Mapping[str, Any]) -> Any: ...


def product_ids(deployment: Projecting) -> list[str]:
    """The ids of all products that are there, or that the index has something of. Raises DeploymentError."""
    found: dict[str, None] = {}
    for output, prefix in PLACES:
        request: dict[str, Any] = {
            "TableName": deployment.output(output),
            "ProjectionExpression": "pk",
            "FilterExpression": "begins_with(pk, :prefix)",
            "ExpressionAttributeValues": {":prefix": {"S": prefix}},
            "ConsistentRead": True,
        }
        while True:
            page = deployment.call("dynamodb", "scan", **request)
            found |= dict.fromkeys(item["pk"]["S"].removeprefix(prefix) for item in page["Items"])
            if not (last := page.get("LastEvaluatedKey")):
                break
            request["ExclusiveStartKey"] = last
    return [each for each in found if each.isascii() and each.replace("-", "").isalnum() and len(each) <= 64]


def behind(deployment: Projecting, ids: Sequence[str]) -> list[str]:
    """Those of which the index has something else than it must have. Raises DeploymentError."""
    return [each for answer in _ask(deployment, "project.check", ids) for each in answer["behind"]]


def project(deployment: Projecting, ids: Sequence[str], *, anew: bool) -> tuple[dict[str, int], list[str]]:
    """Bring the index up to date: how many products it did what with, and who failed. Raises DeploymentError."""
    counts, failed = dict.fromkeys(COUNTS, 0), []
    for answer in _ask(deployment, "project", ids, anew=anew):
        counts = {name: counts[name] + answer[name] for name in COUNTS}
        failed += answer["failed"]
    return counts, failed


def _ask(deployment: Projecting, operation: str, ids: Sequence[str], **more: Any) -> Iterator[dict[str, Any]]:
    function = deployment.output(OUTPUT)
    for start in range(0, len(ids), AT_ONCE):
        event = {"operation": operation, "productIds": [*ids[start : start + AT_ONCE]], **more}
        answer = deployment.invoke(function, event)
        if not isinstance(answer, dict) or "error" in answer:
            raise DeploymentError(f"{function} answered {answer!r} to {operation}")
        yield answer


def index(
    products: Annotated[list[str] | None, typer.Argument(metavar="[PRODUCT]...", help="Ids; by default all.")] = None,
    update: Annotated[bool, typer.Option("--update", help="Bring it up to date instead of only looking.")] = False,
    anew: Annotated[bool, typer.Option("--anew", help="Write it anew, whatever it says that it has.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The answer for programs.")] = False,
    stack: Annotated[str | None, typer.Option(help="The stack; by default the one that the instance serves.")] = None,
    profile: Annotated[str | None, typer.Option(help="A profile of the AWS configuration: work on AWS.")] = None,
    region: Annotated[str | None, typer.Option(help="A region of AWS: work on AWS.")] = None,
) -> None:
    """Do lists and searches show the products as they are? With --update or --anew: see to it."""
    try:
        if profile is None and region is None:
            deployment = on_instance(instance_outputs(load(os.environ)), stack)
        else:
            deployment = on_aws(stack, profile, region)
        ids = products or product_ids(deployment)
        counts, left = project(deployment, ids, anew=anew) if update or anew else ({}, behind(deployment, ids))
    except (DeploymentError, SettingsError) as error:
        Console(stderr=True).print(f"[red]headwater:[/] {escape(str(error))}", highlight=False, soft_wrap=True)
        raise typer.Exit(2) from None
    if as_json:
        typer.echo(json.dumps({"products": len(ids), **counts, "behind": left}))
    else:
        done = "".join(f", {number} {name}" for name, number in counts.items() if number)
        typer.echo(f"{len(ids)} products{done}, {len(left)} behind")
        for each in left[:20]:
            typer.echo(f"  {each}")
    if left:
        raise typer.Exit(1)
