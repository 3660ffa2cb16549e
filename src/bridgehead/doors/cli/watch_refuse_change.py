"""``bridgehead watch refuse-change``: a person says that a change of a schema is not accepted, and why."""

from __future__ import annotations

from pathlib import Path

import click

from bridgehead.doors.cli.terminal import AS, assurance, deployment_options, opened, print_json
from bridgehead.doors.cli.watch_accept_change import place_of


@click.command(name="refuse-change")
@click.argument("name", metavar="SOURCE.TABLE")
@AS
@click.option("--reason", required=True, help="What is wrong; everybody who looks will read it.")
@deployment_options
def watch_refuse_change(
    folder: Path, state: Path | None, as_json: bool, name: str, person: str, reason: str
) -> None:
    """Refuse what the last look found of the schema of SOURCE.TABLE.

    Whoever may accept it may. What is held stays held until the sender puts the columns back, or somebody
    accepts them after all; batches that wait can be discarded.
    """
    from bridgehead.watch.schema_answering import refuse_change

    with opened(folder, state) as house:
        source, table = place_of(house, name)
        refuse_change(house.boundary, source, table, house.person(person, assurance()), reason)
    if as_json:
        print_json({"table": name, "refused": True})
        return
    click.echo("Refused, and on record. What is held stays held.")
    click.echo("Next: tell whoever sends it to put the columns back.")
