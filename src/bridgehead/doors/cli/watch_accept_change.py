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
    from bridgehead.assemble.accepting import accept

    with opened(folder, state) as house:
        source, table = place_of(house, name)
        names = dict(_pair(one) for one in renamed)
        taken = accept(house, source, table, names, house.person(person, assurance()), reason)
        made, fed = taken.made, table in house.deployment.charter.sources[source].feeds
    if as_json:
        told = {"mapping": dict(made.mapping), "awaited": list(made.awaited), "woken": made.woken}
        print_json(told | ({"batches": dict(taken.batches)} if fed else {}))
        return
    runs = "1 run goes on" if made.woken == 1 else f"{made.woken} runs go on"
    click.echo(f"Accepted. {runs}.")
    for label, became in taken.batches.items():
        click.echo(f"Batch {visible(label)} was judged again: it is {became}.")
    for old in made.awaited:
        now = f"; it is called {visible(made.mapping[old])} now" if made.mapping.get(old) else ""
        where = f"sources.{source}.tables.{table}.columns"
        click.echo(f"The release still names {visible(old)}{now}. Its readers wait.")
        click.echo(f"Next: change {where} in charter.yaml and the contract, and activate it.")


def place_of(house: House, name: str) -> tuple[str, str]:
    """Return source and table of ``SOURCE.TABLE``; a usage fault where it is no table with a contract."""
    source, _, table = name.partition(".")
    declared = house.deployment.charter.sources.get(source)
    if declared is None or not declared.contract or table not in declared.tables:
        raise click.BadParameter(f"{name!r} is no table with a contract", param_hint="SOURCE.TABLE")
    return source, table


def _pair(text: str) -> tuple[str, str]:
    old, sign, new = text.partition("=")
    if not sign or not old.strip() or not new.strip():
        raise click.BadParameter(f"{text!r} is not OLD=NEW", param_hint="--renamed")
    return old.strip(), new.strip()
