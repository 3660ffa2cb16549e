"""What commands share: the folder argument, ``--json``, tables, and who is at the keyboard."""

from __future__ import annotations

import getpass
import json
import re
import shlex
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from bridgehead.assemble import House
    from bridgehead.kernel.principal import Principal

FOLDER = click.argument("folder", default=".", type=click.Path(exists=True, file_okay=False, path_type=Path))
IN_FOLDER = click.option(
    "--in",
    "folder",
    default=".",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The deployment folder; the current one if not given.",
)
_STATE = click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where its store and keys are; FOLDER/.bridgehead if not given.",
)
_STORE_NAMED = "bridgehead.store"
_HALF = re.compile("[\ud800-\udfff]")


def _name_store(context: click.Context, _: click.Parameter, value: str) -> None:
    context.meta[_STORE_NAMED] = value  # for ``opened``: no command has to hand it through


_STORE = click.option(
    "--store",
    envvar="BRIDGEHEAD_STORE",
    default="",
    expose_value=False,
    callback=_name_store,
    help="Its database: postgresql://user@host/database; remembered. A SQLite file in the state folder if "
    "never given. Also from BRIDGEHEAD_STORE.",
)


def STATE(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--state`` and ``--store``; ``opened`` heeds both."""
    return _STATE(_STORE(command))


PIPE_WIDTH = 10_000
"""Columns of a table that goes into a pipe or a file: one line a row, for `grep`."""
JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
AS = click.option("--as", "person", required=True, help="Who you are: an id under `people` of the charter.")
REASON = click.option("--reason", default="", help="Why, in your own words; kept with the answer.")


def deployment_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--in``, ``--state`` and ``--json``."""
    return IN_FOLDER(STATE(JSON(command)))


_TAKES_FOLDER = ("check", "doctor", "up", "verify", "worker")
"""Commands whose folder is an argument, not ``--in``."""


def again(text: str) -> str:
    """Return text in which each command it names, between backticks or up to its end, is for the folder and
    the state that the command at work was given, so that it can be copied as it is."""
    context = click.get_current_context(silent=True)
    given = context.params if context is not None else {}
    folder, state = given.get("folder"), given.get("state")
    place = "" if folder is None or str(folder) == "." else shlex.quote(str(folder))
    rest = f" --state {shlex.quote(str(state))}" if state is not None else ""

    def whole(command: re.Match[str]) -> str:
        named = f" {place}" if command[2] in _TAKES_FOLDER else f" --in {place}"
        return command[1] + (named if place else "") + rest

    return _COMMAND.sub(whole, text)


_COMMAND = re.compile(r"(bridgehead ([a-z-]+)[^`\n]*)")


@contextmanager
def opened(folder: Path, state: Path | None) -> Iterator[House]:
    """Yield the house of a folder, and close it."""
    from bridgehead.assemble import House

    context = click.get_current_context(silent=True)
    store = context.meta.get(_STORE_NAMED, "") if context is not None else ""
    house = House.open(folder, state=state, store=store)
    try:
        yield house
    finally:
        house.close()


def assurance() -> str:
    """Return how a person at the command line is known: by the account that may write the store."""
    return f"local-shell:{getpass.getuser()}"


def operator() -> Principal:
    """Return who is at the keyboard: known to this machine, not necessarily to the charter."""
    from bridgehead.kernel.principal import Principal

    name = getpass.getuser()
    return Principal(id=name, kind="human", name=name, assurance=assurance())


def print_json(value: Any) -> None:
    """Print a value as one JSON object. Half a character (a lone surrogate) is written as its escape."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    click.echo(_HALF.sub(lambda half: f"\\u{ord(half[0]):04x}", text))


def visible(text: object) -> str:
    """Return text as one line in which nothing moves the cursor or forges a line.

    Control and format characters are written out (``\\x1b``, ``\\n``, ``\\u202e``). What agents and other
    systems say is shown this way.
    """
    return "".join(
        repr(letter)[1:-1] if unicodedata.category(letter)[0] == "C" else letter for letter in str(text)
    )


def at(time: str, never: str = "") -> str:
    """Return an RFC 3339 text as ``21 Nov 2026, 14:30 UTC``; ``never`` where there is none."""
    from bridgehead.explain.words import moment

    return moment(time) if time else never


def tell_next(steps: Iterable[tuple[str, str]]) -> None:
    """Print what to do next: each command, and under it what it is for."""
    click.echo()
    click.echo("Next:")
    for command, words in steps:
        click.echo(f"  {command}")
        click.echo(f"      {words}")


def noticed(words: str) -> str:
    """Return what was noticed as ``visible`` text, its moments as people read them."""
    from bridgehead.explain.words import dated

    return visible(dated(words))


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, empty: str) -> None:
    """Print rows under their columns, or say that there is nothing."""
    if not rows:
        click.echo(empty)
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=None, pad_edge=False, header_style="bold")
    for number, column in enumerate(columns):
        # The first column is what people copy: it is never broken.
        shown.add_column(column, overflow="fold", no_wrap=number == 0)
    for row in rows:
        shown.add_row(*(Text(visible(cell)) for cell in row))
    terminal = Console()
    Console(width=terminal.width if terminal.is_terminal else PIPE_WIDTH).print(shown)


class ListUnlessNamed(click.Group):
    """A group whose command ``list`` may be left out: ``schedules`` lists, ``schedules run`` starts one."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0] not in self.commands and args[0] not in ("-h", "--help")):
            args = ["list", *args]
        return super().parse_args(ctx, args)
