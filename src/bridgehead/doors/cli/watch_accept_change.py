"""``bridgehead watch accept-change``: a person accepts that a schema changed, and what is called how now."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bridgehead.doors.cli.terminal import AS, assurance, deployment_options, opened, print_json, visible
from bridgehead.kernel.errors import BridgeheadError

if TYPE_CHECKING:
    from bridgehead.assemble import House
    from bridgehead.watch.schema_accepting import Accepted


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
    table that comes in batches those that were kept apart for it are judged again right after, and a renamed
    column is read by both its names.
    """
    from bridgehead.watch.schema_accepting import accept_change

    with opened(folder, state) as house:
        source, table = place_of(house, name)
        names, by = dict(_pair(one) for one in renamed), house.person(person, assurance())
        made = accept_change(house.boundary, source, table, names, by, reason)
        if not as_json:
            _tell(made, source, table)
        fed = table in house.deployment.charter.sources[source].feeds
        became, fault = _judged(house, source, table) if fed else ({}, "")
    if as_json:
        told = {"mapping": dict(made.mapping), "awaited": list(made.awaited), "woken": made.woken}
        print_json(told | ({"batches": became} if fed else {}) | ({"not_judged": fault} if fault else {}))
        return
    for label, state_now in became.items():
        click.echo(f"Batch {visible(label)} was judged again: it is {state_now}.")
    if fault:
        click.echo(f"The change is accepted, but what waited for it was not judged again: {visible(fault)}.")
        click.echo("Next: nothing; the watch judges it as soon as it can. See `bridgehead watch batches`.")


def _tell(made: Accepted, source: str, table: str) -> None:
    runs = "1 run goes on" if made.woken == 1 else f"{made.woken} runs go on"
    click.echo(f"Accepted. {runs}.")
    for old in made.awaited:
        now = f"; it is called {visible(made.mapping[old])} now" if made.mapping.get(old) else ""
        where = f"sources.{source}.tables.{table}.columns"
        click.echo(f"The release still names {visible(old)}{now}. Its readers wait.")
        click.echo(f"Next: change {where} in charter.yaml and the contract, and activate it.")


def _judged(house: House, source: str, table: str) -> tuple[dict[str, str], str]:
    """Judge what waited; return what became of it, and why that cannot be said. The acceptance stands."""
    from bridgehead.assemble.accepting import judge_what_waited

    try:
        return judge_what_waited(house, source, table), ""
    except BridgeheadError as error:
        return {}, error.what
    except Exception as error:  # of a driver, of a library; its words may quote the data
        return {}, type(error).__name__


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
