"""`python -m local fault`: faults of the running instance, from the command line."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.markup import escape

from local.control_client import ControlClient, ControlError
from local.settings import SettingsError, load

app = typer.Typer(help="Break things on purpose (docs/faults.md).", no_args_is_help=True)

_NAME = typer.Argument(help="The fault, as `fault list` names it.")


@app.command("list")
def list_faults(name: Annotated[str | None, _NAME] = None) -> None:
    """Show every fault and what the set ones did; of one, its options too."""
    faults = _ask(lambda client: client.get("/faults"))["faults"]
    chosen = [fault for fault in faults if name in {None, fault["name"]}]
    if not chosen:
        _fail(f"there is no fault {name!r}; there are {', '.join(fault['name'] for fault in faults)}")
    for fault in chosen:
        _show(fault, whole=name is not None)


@app.command("set")
def set_fault(
    name: Annotated[str, _NAME],
    options: Annotated[list[str] | None, typer.Argument(help="OPTION=VALUE, see `fault list NAME`.")] = None,
) -> None:
    """Turn a fault on, in the place of itself with other options."""
    given = {}
    for option in options or []:
        key, equals, value = option.partition("=")
        if not equals:
            _fail(f"{option!r} is not OPTION=VALUE")
        given[key] = value
    answer = _ask(lambda client: client.post(f"/faults/{name}", given))
    _show(next(fault for fault in answer["faults"] if fault["name"] == name), whole=False)


@app.command("clear")
def clear_fault(name: Annotated[str | None, _NAME] = None) -> None:
    """Turn a fault off, or all of them."""
    _ask(lambda client: client.delete("/faults" if name is None else f"/faults/{name}"))


def _show(fault: dict[str, Any], *, whole: bool) -> None:
    console = Console(highlight=False, soft_wrap=True)
    state = fault["set"]
    mark = "[dim]off[/]" if state is None else "[dim]spent[/]" if state["spent"] else "[red]on[/]"
    console.print(f"{escape(fault['name']):24}{mark}  {escape(fault['imitates'])}")
    if state is not None:
        given = " ".join(f"{key}={value}" for key, value in state["options"].items())
        console.print(f"    {escape(given)}: struck {state['struck']} times", style="dim")
        for each in state["last"] if whole else state["last"][-3:]:
            console.print(f"    {each['at']} {escape(each['what'])}")
    if whole:
        for option in fault["options"]:
            default = "" if option["default"] is None else f" [{option['default']}]"
            choices = f" ({', '.join(map(str, option['choices']))})" if option["choices"] else ""
            console.print(f"    {option['name']:18}{escape(option['about'] + choices + default)}")


def _ask(question: Callable[[ControlClient], Any]) -> Any:
    try:
        return question(ControlClient(load(os.environ).state))
    except (ControlError, SettingsError) as error:
        _fail(error)


def _fail(message: object) -> NoReturn:
    Console(stderr=True).print(f"[red]headwater:[/] {escape(str(message))}", highlight=False, soft_wrap=True)
    raise SystemExit(2)
