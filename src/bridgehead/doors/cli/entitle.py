"""``bridgehead entitle``: who may see what of a database or a collection, and what somebody's SQL becomes."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bridgehead.doors.cli.terminal import (
    IN_FOLDER,
    JSON,
    deployment_options,
    opened,
    print_json,
    visible,
)
from bridgehead.doors.cli.wall import install

if TYPE_CHECKING:
    from bridgehead.declare import Deployment
    from bridgehead.explain.entitled import Explained, TableSeen
    from bridgehead.explain.readable import Readable

_PERSON = click.option("--as", "person", required=True, help="Who asks: an id under `people` of the charter.")
_AGENT = click.option("--agent", default="", help="Through which agent; without one, the person alone.")
_SOURCE = click.option("--source", default="", help="Which source; the only one with tables if not given.")


@click.group()
def entitle() -> None:
    """Say who may see what of a database or of documents, and what somebody's SQL becomes."""


entitle.add_command(install)


@entitle.command(context_settings={"ignore_unknown_options": True})  # SQL may begin with a -- comment
@click.argument("sql")
@_PERSON
@_AGENT
@_SOURCE
@click.option("--subject", default="", help="Whom the run serves, for row filters that ask for `:subject`.")
@IN_FOLDER
@JSON
def explain(
    folder: Path, as_json: bool, sql: str, person: str, agent: str, source: str, subject: str
) -> None:
    """Show what SQL becomes for somebody: tables, rows, columns and masks, each with the line that says so.

    SQL is the text itself, or @FILE. Nothing is asked of any database. Exit code 1: it would be refused, or
    names a column that is not there for them.
    """
    from bridgehead.declare import load
    from bridgehead.explain.entitled import explain as explained

    deployment = load(folder)
    text = _text(sql)
    found = explained(deployment, person, source or _only(deployment), text, agent=agent, subject=subject)
    if as_json:
        print_json(asdict(found))
    else:
        _tell(found)
    if found.rule or found.unknown:
        click.get_current_context().exit(1)


@entitle.command()
@click.option("--as", "person", default="", help="Who asks: an id under `people` of the charter.")
@click.option("--all", "everybody", is_flag=True, help="Every source and everybody, as a text to read.")
@_AGENT
@_SOURCE
@IN_FOLDER
@JSON
def show(folder: Path, as_json: bool, person: str, everybody: bool, agent: str, source: str) -> None:
    """Show what somebody sees of every table of a source, or with --all who may see what."""
    from bridgehead.declare import load
    from bridgehead.explain.entitled import visible as seen

    if everybody == bool(person):
        raise click.UsageError("Name somebody with --as, or ask for everybody with --all.")
    deployment = load(folder)
    if everybody:
        _everybody(deployment, source, as_json)
        return
    tables = seen(deployment, person, source or _only(deployment), agent=agent)
    if as_json:
        print_json({"tables": [asdict(table) for table in tables]})
        return
    for table in tables:
        _tell_table(table)


@entitle.command()
@click.argument("collection", default="")
@_PERSON
@_AGENT
@deployment_options
def documents(
    folder: Path, state: Path | None, as_json: bool, collection: str, person: str, agent: str
) -> None:
    """Show which documents of COLLECTION somebody may read now, each with the line that says so.

    For who looks after them: it names those the person may not read. Exit code 1: nothing is searched.
    """
    from bridgehead.assemble.documents import readable_by
    from bridgehead.doors.cli.documents import only

    with opened(folder, state) as house:
        one = only(house.collections(collection))
        found = readable_by(house.declared, one, person, agent, house.clock)
    if as_json:
        print_json(asdict(found))
    else:
        _tell_readable(found)
    if found.rule:
        click.get_current_context().exit(1)


def _tell_readable(found: Readable) -> None:
    who = f"{found.person}, through agent {found.agent}" if found.agent else found.person
    if found.rule:
        click.echo(f"Nothing of {found.collection} is searched for {who} ({found.rule}).")
        click.echo(f"  {visible(found.words)}  [{found.where}]")
        return
    seen = [one for one in found.documents if one.seen]
    click.echo(f"{who} may read {len(seen)} of the {len(found.documents)} documents of {found.collection}.")
    if found.acl_synced_at:
        click.echo(f"The rights that came with them are of {found.acl_synced_at}.")
    for one in found.documents:
        click.echo(f"{'reads' if one.seen else 'not  '} {visible(one.document)}")
        click.echo(f"      {visible(one.why)}  [{one.where}]")


def _everybody(deployment: Deployment, source: str, as_json: bool) -> None:
    from bridgehead.explain import plain
    from bridgehead.explain.who_sees import who_sees
    from bridgehead.explain.who_sees_text import text_of

    found = [one for one in who_sees(deployment) if source in ("", one.name)]
    if as_json:
        print_json({"sources": plain(found)})
        return
    for line in text_of(found).splitlines():
        click.echo(visible(line))


def _text(sql: str) -> str:
    if not sql.startswith("@"):
        return sql
    try:
        return Path(sql[1:]).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise click.UsageError(f"{sql[1:]} cannot be read: {error}") from error


def _only(deployment: Deployment) -> str:
    named = [name for name, source in deployment.charter.sources.items() if source.tables]
    if len(named) != 1:
        raise click.UsageError(f"Name one with --source: {', '.join(named) or 'no source declares tables'}.")
    return named[0]


def _tell(found: Explained) -> None:
    who = f"{found.person}, through agent {found.agent}" if found.agent else found.person
    if found.rule:
        click.echo(f"Refused for {who} ({found.rule}): {visible(found.words)}\n")
        click.echo(f"What {found.person} sees of {found.source}:\n")
    else:
        click.echo(f"For {who}, {found.source} is asked:\n")
        own_lines = found.shown != found.sql
        for line in found.shown.split("\n") if own_lines else [found.sql]:
            click.echo(f"  {visible(line)}")
        click.echo()
        for number, value in enumerate(found.values, 1):
            click.echo(f"  value {number}: {visible(value)}")
        if found.values:
            click.echo()
        if found.unknown:
            names = visible(", ".join(found.unknown))
            click.echo(f"It would fail: there is no column {names} that {found.person} may read there.\n")
        if found.fenced:
            click.echo("No part of it runs on rows before their filter (it could tell of others).\n")
    for table in found.tables:
        _tell_table(table)
    if not found.rule:
        click.echo("The policies of the deployment are asked as well, when it is run.")


def _tell_table(table: TableSeen) -> None:
    click.echo(f"{table.table}: {table.rows if table.seen else 'not seen'}")
    click.echo(f"  {visible(table.why)}  [{table.where}]")
    if not table.seen:
        return
    if table.at_least:
        click.echo(f"  only figures over groups of at least {table.at_least}")
    if table.columns:
        click.echo(f"  shown:  {', '.join(table.columns)}")
    for column, words in table.masked.items():
        click.echo(f"  masked: {column} ({words})")
    if table.unseen:
        click.echo(f"  unseen: {', '.join(table.unseen)}")
