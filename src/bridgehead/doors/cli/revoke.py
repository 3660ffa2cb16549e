"""``bridgehead revoke``: take a yes back before it is used."""

from __future__ import annotations

from pathlib import Path

import click

from bridgehead.doors.cli.terminal import AS, assurance, deployment_options, opened, print_json


@click.command()
@click.argument("approval")
@AS
@click.option("--reason", required=True, help="Why; kept with it.")
@deployment_options
def revoke(
    folder: Path, state: Path | None, as_json: bool, approval: str, person: str, reason: str
) -> int | None:
    """Take back the yes you gave to APPROVAL. Exits with 1 when it was used before you came."""
    from bridgehead.enforce.revoke import revoke as take_back

    with opened(folder, state) as house:
        found = take_back(house.boundary, approval, house.person(person, assurance()), reason)
    if as_json:
        print_json({"approval": approval, "in_time": found.in_time, "words": found.words})
    else:
        click.echo(found.words)
    return None if found.in_time else 1
