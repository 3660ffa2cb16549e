"""``bridgehead resume``: let a stopped deployment act again."""

from __future__ import annotations

from pathlib import Path

import click

from bridgehead.doors.cli.terminal import AS, again, assurance, deployment_options, opened, print_json


@click.command()
@AS
@click.option("--reason", required=True, help="Why it is safe again.")
@deployment_options
def resume(folder: Path, state: Path | None, as_json: bool, person: str, reason: str) -> None:
    """Lift the stop of a deployment and wake the runs that waited for it. Owner or deputy only."""
    from bridgehead.enforce.stop import lift_stop

    with opened(folder, state) as house:
        woken = lift_stop(house.boundary, house.person(person, assurance()), reason)
    if as_json:
        print_json({"woken": woken})
        return
    click.echo(again(f"Lifted. {woken} runs go on as soon as `bridgehead up` is at work."))
