"""``bridgehead stop``: no new action starts."""

from __future__ import annotations

from pathlib import Path

import click

from bridgehead.doors.cli.terminal import AS, again, assurance, deployment_options, opened, print_json


@click.command()
@AS
@click.option("--reason", required=True, help="Why; everybody who looks will read it.")
@deployment_options
def stop(folder: Path, state: Path | None, as_json: bool, person: str, reason: str) -> None:
    """Stop a deployment. Actions on their way are settled; runs wait until it is resumed."""
    from bridgehead.enforce.stop import set_stop

    with opened(folder, state) as house:
        found = set_stop(house.boundary, house.person(person, assurance()), reason)
    if as_json:
        print_json({"stop": found.id, "set_by": found.set_by, "set_at": found.set_at, "reason": found.reason})
        return
    click.echo(f"Stopped by {found.set_by} at {found.set_at[:19]}: {found.reason}")
    click.echo(again("The owner or the deputy lifts it with `bridgehead resume`."))
