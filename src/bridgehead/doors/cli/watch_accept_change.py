"""``bridgehead watch accept-change``: a person accepts that a schema changed, and what is called how now."""

from __future__ import annotations

from pathlib import Path

import click

from bridgehead.doors.cli.terminal import AS, assurance, deployment_options, opened, print_json, visible


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
    names the columns that are there; where it names an old one they wait for a release that does not.
    """
    from bridgehead.watch.schema_accepting import accept_change

    with opened(folder, state) as house:
        source, _, table = name.partition(".")
        declared = house.deployment.charter.sources.get(source)
        if declared is None or not declared.contract or table not in declared.tables:
            raise click.BadParameter(f"{name!r} is no table with a contract", param_hint="SOURCE.TABLE")
        names = dict(_pair(one) for one in renamed)
        made = accept_change(house.boundary, source, table, names, house.person(person, assurance()), reason)
    if as_json:
        print_json({"mapping": dict(made.mapping), "awaited": list(made.awaited), "woken": made.woken})
        return
    click.echo(f"Accepted. {made.woken} runs go on.")
    for old in made.awaited:
        now = f"; it is called {visible(made.mapping[old])} now" if made.mapping.get(old) else ""
        where = f"sources.{source}.tables.{table}.columns"
        click.echo(f"The release still names {visible(old)}{now}. Its readers wait.")
        click.echo(f"Next: change {where} in charter.yaml and the contract, and activate it.")


def _pair(text: str) -> tuple[str, str]:
    old, sign, new = text.partition("=")
    if not sign or not old.strip() or not new.strip():
        raise click.BadParameter(f"{text!r} is not OLD=NEW", param_hint="--renamed")
    return old.strip(), new.strip()
