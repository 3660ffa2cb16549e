"""``bridgehead watch accept-change``: a person accepts that a schema changed, and what is called how now."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bridgehead.doors.cli.terminal import AS, assurance, deployment_options, opened, print_json, visible

if TYPE_CHECKING:
    from bridgehead.assemble import House


@click.command(name="accept-change")
@click.argument("name", metavar="SOURCE.TABLE")
@AS
@click.option("--renamed", multiple=True, metavar="OLD=NEW", help="A column's new name; may be repeated.")
@click.option("--reason", required=True, help="Why it is right; everybody who looks will read it.")
@deployment_options
def watch_accept_change(
    folder: Path,
    state: Path | None,
    as_json: bool,
    name: str,
    person: str,
    renamed: tuple[str, ...],
    reason: str,
) -> None:
    """Accept what the last look found of the schema of SOURCE.TABLE.

    The owner and the deputy may, and who answers for sick data. Runs that were held go on where the release
    names the columns that are there; where it names an old one they wait for a release that does not. Of a
    table that comes in batches those that were kept apart for it are judged again at once, and a renamed
    column is read by both its names.
    """
    from bridgehead.assemble.watching import take_in
    from bridgehead.watch.schema_accepting import accept_change

    with opened(folder, state) as house:
        source, _, table = name.partition(".")
        declared = house.deployment.charter.sources.get(source)
        if declared is None or not declared.contract or table not in declared.tables:
            raise click.BadParameter(f"{name!r} is no table with a contract", param_hint="SOURCE.TABLE")
        names = dict(_pair(one) for one in renamed)
        made = accept_change(house.boundary, source, table, names, house.person(person, assurance()), reason)
        waited = _waiting(house, name) if table in declared.feeds else {}
        if waited:
            take_in(house, source)
        judged = {label: _became(house, source, table, row) for row, label in waited.items()}
    if as_json:
        told = {"mapping": dict(made.mapping), "awaited": list(made.awaited), "woken": made.woken}
        print_json(told | ({"batches": judged} if table in declared.feeds else {}))
        return
    runs = "1 run goes on" if made.woken == 1 else f"{made.woken} runs go on"
    click.echo(f"Accepted. {runs}.")
    for label, became in judged.items():
        click.echo(f"Batch {visible(label)} was judged again: it is {became}.")
    for old in made.awaited:
        now = f"; it is called {visible(made.mapping[old])} now" if made.mapping.get(old) else ""
        where = f"sources.{source}.tables.{table}.columns"
        click.echo(f"The release still names {visible(old)}{now}. Its readers wait.")
        click.echo(f"Next: change {where} in charter.yaml and the contract, and activate it.")


def _waiting(house: House, name: str) -> dict[str, str]:
    """Return what the senders call the batches that wait for people, by the names of their rows."""
    from bridgehead.explain.batches import batches

    with house.store.reading() as connection:
        found = batches(connection, house.boundary, name, waiting=True)
    return {line.name: line.label for line in found if line.waits}


def _became(house: House, source: str, table: str, name: str) -> str:
    from bridgehead.explain.batches import one_batch

    with house.store.reading() as connection:
        line = one_batch(connection, house.boundary, source, table, name)
    return line.state if line is not None else "gone"


def _pair(text: str) -> tuple[str, str]:
    old, sign, new = text.partition("=")
    if not sign or not old.strip() or not new.strip():
        raise click.BadParameter(f"{text!r} is not OLD=NEW", param_hint="--renamed")
    return old.strip(), new.strip()
