"""``bridgehead break-glass``: permit at once in an emergency."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from bridgehead.doors.cli.answering import DIGEST, shown_and_confirmed
from bridgehead.doors.cli.terminal import AS, assurance, deployment_options, opened, print_json


@click.command()
@click.argument("approval")
@AS
@click.option("--reason", required=True, help="What the emergency is; whoever reviews it reads this.")
@DIGEST
@deployment_options
def break_glass(
    folder: Path, state: Path | None, as_json: bool, approval: str, person: str, reason: str, digest: str
) -> None:
    """Permit APPROVAL alone and at once, where its rule names you for emergencies.

    A review opens with it, and others answer that.
    """
    from bridgehead.enforce.emergency import break_glass as permit
    from bridgehead.enforce.emergency import obstacle

    with opened(folder, state) as house:
        who = house.person(person, assurance())
        may = partial(obstacle, boundary=house.boundary, approval=approval, person=who)
        seen = digest or shown_and_confirmed(house, approval, "In an emergency, permit", who, may)
        done = permit(house.boundary, approval, who, seen, reason)
    if as_json:
        print_json({"approval": approval, "review": done.review, "review_due_at": done.review_due_at})
        return
    click.echo(f"Permitted. Others review it until {done.review_due_at[:16]}Z: {done.review}")
