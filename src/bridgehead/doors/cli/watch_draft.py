"""``bridgehead watch draft``: a contract drafted from data alone, for a person to correct and accept.

Exit codes: 0 a draft was made, 1 some of the data cannot be read and are not in it, 2 none can, or there is
nothing to draft from.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bridgehead.doors.cli.terminal import JSON, print_json
from bridgehead.doors.cli.watch_check import MEMORY, REMOTE, SECONDS

if TYPE_CHECKING:
    from bridgehead.watch.draft.place import Drafted
    from bridgehead.watch.draft.proposal import DraftTable


@click.command(name="draft")
@click.argument("data", envvar="BRIDGEHEAD_WATCH_DATA")
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="The file to write; else it is printed."
)
@click.option("--replace", is_flag=True, help="Replace the file, with whatever people wrote into it.")
@click.option("--name", help="What the contract is called; else as the data are.")
@click.option("--table", "tables", multiple=True, help="Draft only this object; may be repeated.")
@REMOTE
@SECONDS
@MEMORY
@JSON
def watch_draft(
    data: str, out: Path | None, replace: bool, name: str | None, tables: tuple[str, ...], remote: bool,
    seconds: float, memory: int, as_json: bool,
) -> int:  # fmt: skip
    """Draft a contract from DATA: a CSV, Parquet, JSON or SQLite file, a folder, a PostgreSQL address.

    Each clause is a proposal and says how many rows support it and what speaks against it; values of columns
    that seem to hold people are never written. The draft is checked against the same data before it is
    written. Files whose names differ in a date alone are batches of one object. DATA also from
    BRIDGEHEAD_WATCH_DATA, so that no password stands on the command line.
    """
    from bridgehead.kernel.clock import SystemClock
    from bridgehead.watch.checks.engine import Limits
    from bridgehead.watch.draft.place import drafted_from

    if out is not None and out.exists() and not replace:
        raise click.UsageError(
            f"{out} is there; --replace writes over it, and over what people wrote into it."
        )
    limits = Limits(seconds=seconds, memory_mib=memory)
    with ExitStack() as stack:
        say = _saying(stack)
        made = drafted_from(
            data, name=name, only=tables, limits=limits, clock=SystemClock(), say=say, remote=remote
        )
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(made.text, encoding="utf-8")
    if as_json:
        told = {"file": str(out) if out else None, "contract": made.text, "checks": made.checks}
        left_out = [{"name": one.name, "why": one.why} for one in made.left_out]
        print_json(told | {"tables": [_as_dict(one) for one in made.tables], "left_out": left_out})
    elif out is None:
        click.echo(made.text, nl=False)
    else:
        _tell(made, out, data)
    return 1 if made.left_out else 0


def _saying(stack: ExitStack) -> Callable[[str], None]:
    """Return what says on a terminal, beside what is printed, how far the work is."""
    if not sys.stderr.isatty():
        return lambda _: None
    from rich.console import Console

    line = stack.enter_context(Console(stderr=True).status("looking at the data"))
    return line.update


def _tell(made: Drafted, out: Path, data: str) -> None:
    asked = [_questions(table) for table in made.tables]
    for table, number in zip(made.tables, asked, strict=True):
        size = f"{_many(table.rows, 'row')}, {_many(len(table.columns), 'column')}"
        click.echo(f"{table.name}: {size}" + (f", {_many(number, 'question')}" if number else ""))
    for one in made.left_out:
        click.echo(f"{one.name}: left out, it cannot be read: {one.why}")
    click.echo(
        f"{out}: a draft that its own data keep, {_many(made.checks, 'check')}. Every clause is a proposal."
    )
    if any(asked):
        click.echo("Each `# question:` in it is for you; it stands beside what it asks about.")
    where = "ADDRESS" if "://" in data else shlex.quote(data)
    checked = f"bridgehead watch check --contract {shlex.quote(str(out))} --data {where}"
    click.echo(f"Next: read it, correct it, then `{checked}`.")


def _questions(table: DraftTable) -> int:
    return len(table.notes) + sum(len(column.notes) for column in table.columns) + bool(table.cadence)


def _many(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' if number != 1 else ''}"


def _as_dict(table: DraftTable) -> dict[str, Any]:
    return {
        "table": table.name,
        "physical": table.physical,
        "rows": table.rows,
        "looked_at": table.looked_at,
        "questions": table.notes,
        "cadence": dict(table.cadence) if table.cadence else None,
        "segment": table.segment.as_dict() if table.segment else None,
        "clauses": [
            one.support.as_dict() | {"id": one.id, "tolerance": one.tolerance} for one in table.quality
        ],
        "columns": [
            {
                "column": one.name,
                "type": one.logical,
                "personal": one.personal,
                "questions": one.notes,
                "clauses": [
                    *(support.as_dict() for support in one.supports),
                    *(
                        each.support.as_dict() | {"id": each.id, "tolerance": each.tolerance}
                        for each in one.quality
                    ),
                ],
            }
            for one in table.columns
        ],
    }
