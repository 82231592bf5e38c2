"""The command line: `python -m local up`, and what is done to a running instance."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.markup import escape

from local import fault_command, redrive
from local.deployment import DeploymentError, instance_outputs
from local.index import index
from local.settings import Settings, SettingsError, load

app = typer.Typer(
    help="Headwater on this machine: the deployed templates, a local AppSync, and the AWS around it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(fault_command.app, name="fault")
app.command()(index)

_SOME_REFUSED = 3  # the exit status of `seed` when it loaded all but some products


@app.callback()
def main() -> None:
    """HEADWATER_PORT, HEADWATER_AWS_PORT, HEADWATER_MQTT_PORT and HEADWATER_STATE say where an instance is."""


@app.command()
def up(
    template: Annotated[Path, typer.Option(help="A SAM or CloudFormation template with an AppSync API.")] = Path(
        "template.yaml"
    ),
    stack: Annotated[str, typer.Option(help="The name of the stack to deploy and serve.")] = "headwater",
) -> None:
    """Deploy a template to the local cloud and serve its GraphQL API until Ctrl-C."""
    from local.runner import Instance

    _run(Instance(_settings(), template.resolve(), stack).run())


@app.command()
def seed(
    path: Annotated[
        Path, typer.Argument(help="A list of products (.csv), or an IRC log: `[HH:MM] <nick> text` lines.")
    ],
    room: Annotated[str | None, typer.Option(help="The room to fill; by default it is named after the file.")] = None,
    rejects: Annotated[
        Path | None, typer.Option(help="Where to write the products that were refused; by default below the state.")
    ] = None,
) -> None:
    """Load real data into the running instance through its GraphQL API."""
    from local.seed import Loaded, seed_products
    from local.seed import seed as load_file

    if path.suffix.lower() != ".csv":
        _run(load_file(path, _outputs(), room=room))
        return
    loaded: list[Loaded] = []

    async def load_list() -> None:
        loaded.append(await seed_products(path, _outputs(), _settings().state, rejects=rejects))

    _run(load_list())
    if loaded[0].rejects:
        raise SystemExit(_SOME_REFUSED)


@app.command()
def token(
    user: Annotated[str, typer.Option(help="Who is signed in; made when there is no such user.")],
    groups: Annotated[str, typer.Option(help="Groups of the user, comma-separated; made when missing.")] = "",
    access: Annotated[bool, typer.Option("--access/--id", help="The access token, or the id token.")] = False,
    expires: Annotated[int | None, typer.Option(help="Seconds that it lives; negative: it has expired.")] = None,
) -> None:
    """Print a signed-in user's JWT, which the API takes as any other."""
    from local import token as tokens

    kind = "access" if access else "id"
    names = [name.strip() for name in groups.split(",") if name.strip()]
    try:
        print(asyncio.run(tokens.token(_outputs(), user, names, kind=kind, seconds=expires)))
    except tokens.TokenError as error:
        _fail(error)


app.add_typer(redrive.app, name="redrive")


@app.command()
def explain(
    topic: Annotated[str | None, typer.Argument(help="A topic, such as room:lobby.")] = None,
    client: Annotated[
        str | None, typer.Option(help="A connection or subscription id, an identity, or what --clients shows.")
    ] = None,
    change: Annotated[
        str | None, typer.Option(help="Only this one of the last 100: its number, key, trace or event id.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many of the last changes.")] = 5,
    clients: Annotated[
        bool, typer.Option("--clients", help="Instead, every connection with its subscriptions.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Everything that is known, for programs.")] = False,
) -> None:
    """Why was I not notified? Follow a topic's last changes from the write to each client."""
    from local.control_client import ControlError
    from local.explain import command
    from local.explain.facts import Question

    if (topic is None) is not clients:
        _fail("give a topic, or --clients")
    try:
        if topic is None:
            raise SystemExit(command.clients(as_json=as_json))
        raise SystemExit(command.explain(Question(topic, limit, client, change), as_json=as_json))
    except (ControlError, DeploymentError, SettingsError) as error:
        _fail(error)


def _settings() -> Settings:
    try:
        return load(os.environ)
    except SettingsError as error:
        _fail(error)


def _outputs() -> dict[str, Any]:
    """Where the running instance is, as it wrote it down."""
    try:
        return instance_outputs(_settings())
    except DeploymentError as error:
        _fail(error)


def _run(work: Coroutine[Any, Any, Any]) -> None:
    """Run to the end; what a user can mend is one message, anything else is a trace."""
    import uvloop

    from local.appsync.javascript import CodeError
    from local.appsync.resolvers import ResolverDefinitionError
    from local.appsync.schema import SchemaError
    from local.cloud import CloudError
    from local.deploy import DeployError
    from local.errors import NotEmulated
    from local.host import HostError
    from local.runner import RunnerError
    from local.seed import SeedError

    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(work)
    except* (
        CloudError, CodeError, DeployError, HostError, NotEmulated, ResolverDefinitionError, RunnerError, SchemaError,
        SeedError,
    ) as errors:  # fmt: skip
        for error in _flat(errors):
            Console(stderr=True).print(f"[red]headwater:[/] {escape(str(error))}", highlight=False, soft_wrap=True)
        sys.exit(1)
    except* KeyboardInterrupt:
        sys.exit(130)


def _flat(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    found: list[BaseException] = []
    for error in group.exceptions:
        found += _flat(error) if isinstance(error, BaseExceptionGroup) else [error]
    return found


def _fail(message: object) -> NoReturn:
    Console(stderr=True).print(f"[red]headwater:[/] {escape(str(message))}", highlight=False, soft_wrap=True)
    raise SystemExit(2)


if __name__ == "__main__":
    app()
