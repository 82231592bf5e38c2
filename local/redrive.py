"""`python -m local redrive`: what could not be published, shown, replayed or discarded.

A thin client of the deployed publisher: it invokes the function that the stack's output PublishFunctionName names with
the operations that backend/domain/redrive.py describes. Hence it does the same on this machine and on AWS.

The exit status is 0 when what was asked is done, 1 when something stays parked that was to be replayed, 2 when it could
not be asked at all.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any, Protocol

import typer
from rich.console import Console
from rich.markup import escape

from local.deployment import DeploymentError, instance_outputs, on_aws, on_instance
from local.settings import SettingsError, load

OUTPUT = "PublishFunctionName"
COUNTS = ("replayed", "takenIn", "superseded", "discarded")

app = typer.Typer(
    help="Changes that could not be published: list, show, replay, discard. By default those of the running instance.",
    invoke_without_command=True,
    no_args_is_help=False,
    pretty_exceptions_enable=False,
)

JSON = Annotated[bool, typer.Option("--json", help="The whole answer, for programs.")]


class Publishing(Protocol):
    """What redriving needs of a `Deployment`."""

    def output(self, name: str) -> str: ...
    def invoke(self, function: str, event: Mapping[str, Any]) -> Any: ...


class Redrive:
    """The operations of a deployment's publisher."""

    def __init__(self, deployment: Publishing) -> None:
        self._deployment = deployment

    def ask(self, operation: str, **arguments: Any) -> dict[str, Any]:
        """One operation. Raises DeploymentError, also for what the publisher refuses."""
        function = self._deployment.output(OUTPUT)
        answer = self._deployment.invoke(function, {"operation": operation, **arguments})
        if not isinstance(answer, dict):
            raise DeploymentError(f"{function} answered {answer!r} to {operation}: is it Headwater's publisher?")
        if "error" in answer:
            raise DeploymentError(f"{answer['error']['type']}: {answer['error']['message']}")
        return answer

    def pages(self, operation: str, **arguments: Any) -> Iterator[dict[str, Any]]:
        """An operation's answers, page by page."""
        token = None
        while True:
            page = self.ask(operation, **arguments, nextToken=token)
            yield page
            token = page.get("nextToken")
            if token is None:
                return

    def parked(self) -> tuple[list[dict[str, Any]], int]:
        """Everything that is parked, and the number of invocation records that wait to be taken in."""
        found: list[dict[str, Any]] = []
        leftovers = 0
        for page in self.pages("parked.list"):
            found += page["items"]
            leftovers = page["leftovers"]
        return found, leftovers

    def records(self, identifier: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """A parked key and its records, in order."""
        pages = list(self.pages("parked.show", id=identifier))
        return pages[0]["parked"], [record for page in pages for record in page["items"]]

    def front(self, identifier: str) -> str:
        """The event id of the record at the front of a parked key."""
        found: str = self.ask("parked.show", id=identifier, limit=1, nextToken=None)["parked"]["eventId"]
        return found

    def replay(self, ids: list[str] | None) -> Iterator[dict[str, Any]]:
        """Replay keys, or all and what the mapping left. Yields the sums so far, at the end those of all."""
        total: dict[str, Any] = dict.fromkeys(COUNTS, 0) | {"lifted": [], "blocked": []}
        for page in self.pages("parked.replay", ids=ids):
            for name in COUNTS:
                total[name] += page[name]
            total["lifted"] += page["lifted"]
            blocked = {each["id"]: each for each in [*total["blocked"], *page["blocked"]]}
            total["blocked"] = [each for each in blocked.values() if each["id"] not in total["lifted"]]
            yield total

    def discard(self, identifier: str, event_id: str) -> dict[str, Any]:
        """Skip the record at the front of a key, which must be this one, and replay those behind it."""
        return self.ask("parked.discard", id=identifier, eventId=event_id)


@app.callback()
def redrive(
    context: typer.Context,
    stack: Annotated[str | None, typer.Option(help="The stack; by default the one that the instance serves.")] = None,
    profile: Annotated[str | None, typer.Option(help="A profile of the AWS configuration: work on AWS.")] = None,
    region: Annotated[str | None, typer.Option(help="A region of AWS: work on AWS.")] = None,
) -> None:
    """Without a command: list."""
    with _failing():
        if profile is None and region is None:
            deployment = on_instance(instance_outputs(load(os.environ)), stack)
        else:
            deployment = on_aws(stack, profile, region)
        context.obj = Redrive(deployment)
    if context.invoked_subcommand is None:
        list_parked(context)


@app.command("list")
def list_parked(context: typer.Context, as_json: JSON = False) -> None:
    """The items whose changes wait, and why."""
    with _failing():
        parked, leftovers = context.obj.parked()
    if as_json:
        _print_json({"items": parked, "leftovers": leftovers})
        return
    console = Console(highlight=False)
    if parked:
        console.print(f"{len(parked)} parked", markup=False)
        for each in parked:
            _print_block(console, each["id"], [
                ("item", f"{each['key']['pk']} {each['key']['sk']}"), ("topics", ", ".join(each["topics"])),
                ("since", each["parkedAt"]), ("records", str(each["records"])), ("reason", _reason(each)),
            ])  # fmt: skip
    else:
        console.print("Nothing is parked.")
    if leftovers:
        console.print(
            f"The event source mapping gave up on {leftovers} batches: `redrive replay --all` takes them in.",
            markup=False,
        )


@app.command("show")
def show(
    context: typer.Context, identifier: Annotated[str, typer.Argument(metavar="ID")], as_json: JSON = False
) -> None:
    """The records of one item that wait, in order."""
    with _failing():
        parked, records = context.obj.records(identifier)
    if as_json:
        _print_json({"parked": parked, "items": records})
        return
    console = Console(highlight=False)
    key = f"{parked['key']['pk']} {parked['key']['sk']}"
    console.print(f"{_printable(key)}: {_printable(', '.join(parked['topics']))}", markup=False, soft_wrap=True)
    for each in records:
        _print_block(console, each["eventId"], [
            ("kind", each["kind"]), ("written", each["createdAt"]), ("parked", each["parkedAt"]),
            ("numbers", ", ".join(f"{topic} {seq}" for topic, seq in each["numbers"].items())),
            ("why", _reason(each) if each["reason"] else "waits behind the first"),
        ])  # fmt: skip


@app.command("replay")
def replay(
    context: typer.Context,
    identifiers: Annotated[list[str] | None, typer.Argument(metavar="[ID]...")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All, and what the mapping left in the bucket.")] = False,
    as_json: JSON = False,
) -> None:
    """Publish what waits, in order."""
    if bool(identifiers) == everything:
        _fail("give the ids to replay, or --all")
    total: dict[str, Any] = {}
    console = Console(stderr=True, highlight=False)
    with _failing(), console.status("replaying ...") as status:
        for total in context.obj.replay(identifiers or None):
            status.update(f"replayed {total['replayed']}, {len(total['blocked'])} blocked ...")
    _tell(total, as_json=as_json)


@app.command("discard")
def discard(
    context: typer.Context,
    identifier: Annotated[str, typer.Argument(metavar="ID")],
    event: Annotated[str | None, typer.Option(help="The event at the front, so that it can be no other one.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: JSON = False,
) -> None:
    """Skip the first record of an item, which nobody will be told of, and replay those behind it."""
    with _failing():
        event_id = event or context.obj.front(identifier)
    if not yes:
        typer.confirm(f"Subscribers will never be told of the event {event_id}. Discard it?", abort=True)
    with _failing():
        total = context.obj.discard(identifier, event_id)
    _tell(total, as_json=as_json)


def _tell(total: dict[str, Any], *, as_json: bool) -> None:
    """Say what came of a replay, and exit with 1 when something is still blocked."""
    if as_json:
        _print_json({name: value for name, value in total.items() if name != "nextToken"})
    else:
        console = Console(highlight=False)
        words = {"takenIn": "taken in from the mapping", "superseded": "superseded by later changes"}
        told = [f"{total[name]} {words.get(name, name)}" for name in COUNTS if total[name] or name == "replayed"]
        console.print(f"{', '.join(told)}; {len(total['lifted'])} items go on as before.", markup=False)
        for each in total["blocked"]:
            later = " (not the record's fault: try again later)" if each["transient"] else ""
            reason = _printable(_reason(each))
            told_of = f"blocked: {each['id']} at event {each['eventId']}: {reason}{later}"
            console.print(told_of, markup=False, soft_wrap=True)
    if total["blocked"]:
        raise typer.Exit(1)


def _print_block(console: Console, title: str, lines: Iterable[tuple[str, str]]) -> None:
    """A title and what is known of it, one line each: keys and reasons are too long for columns."""
    console.print(f"\n{title}", markup=False, soft_wrap=True)
    for name, value in lines:
        if value:
            console.print(f"  {name:8} {_printable(value)}", markup=False, soft_wrap=True)


def _reason(parked: Mapping[str, Any]) -> str:
    return f"{parked['reason']['type']}: {parked['reason']['message']}"


def _printable(text: str) -> str:
    """A text that may come from anyone's item, without what a terminal would obey."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


def _print_json(value: Any) -> None:
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


@contextmanager
def _failing() -> Iterator[None]:
    """End with what went wrong as one message."""
    try:
        yield
    except (DeploymentError, SettingsError) as error:
        _fail(error)


def _fail(message: object) -> None:
    Console(stderr=True).print(f"[red]headwater:[/] {escape(str(message))}", highlight=False, soft_wrap=True)
    raise typer.Exit(2)
