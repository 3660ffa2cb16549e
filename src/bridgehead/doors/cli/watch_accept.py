"""``bridgehead watch accept``: the owner says that a schedule changed, or that a batch will not come."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bridgehead.doors.cli.terminal import AS, assurance, deployment_options, opened, print_json, visible

if TYPE_CHECKING:
    from bridgehead.watch.accepting import Accepted


@click.command(name="accept")
@click.argument("table", metavar="SOURCE.TABLE")
@click.option(
    "--slot", default="", help="The schedule changed: nothing is expected there any more, e.g. mon."
)
@click.option("--rows", is_flag=True, help="Batches have another number of rows now: learn it anew.")
@click.option("--missed", default="", metavar="DAY", help="What is missed of that day, or `all`, is lost.")
@AS
@click.option("--reason", required=True, help="Why, in your own words; kept under your name.")
@deployment_options
def watch_accept(
    folder: Path,
    state: Path | None,
    as_json: bool,
    table: str,
    slot: str,
    rows: bool,
    missed: str,
    person: str,
    reason: str,
) -> None:
    """Accept that batches of a table are not what they were. Owner or deputy only.

    A batch that does not come never becomes normal by itself: only this, or another contract, ends it.
    """
    from bridgehead.watch.accepting import accepted
    from bridgehead.watch.awaited import promise

    what = _what(slot, rows, missed)
    with opened(folder, state) as house:
        source, name = named(house.deployment.charter.sources, table)
        found = promise(house.boundary, source, name)
        if found is None:
            raise click.BadParameter(f"the contract says nothing of {table}", param_hint="SOURCE.TABLE")
        words = accepted(house.boundary, found, what, house.person(person, assurance()), reason)
    if as_json:
        print_json({"table": table, "accepted": what.what, "words": words})
    else:
        click.echo(visible(words))


def named(sources: object, table: str) -> tuple[str, str]:
    """Return source and table of ``SOURCE.TABLE``; refuse what has no contract."""
    source, _, name = table.partition(".")
    declared = sources.get(source) if isinstance(sources, dict) else None
    if declared is None or name not in declared.tables or not declared.contract:
        known = [
            f"{one}.{each}"
            for one, other in (sources.items() if isinstance(sources, dict) else ())
            if other.contract
            for each in other.tables
        ]
        raise click.BadParameter(
            f"no table {table!r} has a contract; known: {', '.join(known) or 'none'}",
            param_hint="SOURCE.TABLE",
        )
    return source, name


def _what(slot: str, rows: bool, missed: str) -> Accepted:
    from bridgehead.watch.accepting import Accepted

    if sum((bool(slot), rows, bool(missed))) != 1:
        raise click.UsageError("Say what is accepted: one of --slot, --rows and --missed.")
    if slot:
        return Accepted(what="slot", slot=slot)
    if rows:
        return Accepted(what="rows")
    try:
        return Accepted(what="missed", day=None if missed == "all" else date.fromisoformat(missed))
    except ValueError:
        words = f"{missed!r} is not a day like 2026-11-23, nor `all`"
        raise click.BadParameter(words, param_hint="--missed") from None
