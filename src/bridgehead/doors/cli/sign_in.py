"""``bridgehead sign-in``: a link that signs a person in to the console, once."""

from __future__ import annotations

from pathlib import Path

import click

from bridgehead.doors.cli.terminal import deployment_options, opened, print_json


@click.command("sign-in")
@click.argument("person")
@click.option("--url", default="http://127.0.0.1:8321", show_default=True, help="Where the console is.")
@click.option("--minutes", default=15, show_default=True, help="How long the link may be used.")
@deployment_options
def sign_in(folder: Path, state: Path | None, as_json: bool, person: str, url: str, minutes: int) -> None:
    """Make a link that signs PERSON in to the console, once. Hand it to nobody else."""
    from bridgehead.doors.console.signin import make_link

    with opened(folder, state) as house:
        house.person(person, "charter")
        link = make_link(house.store, person, house.clock, url, minutes)
    if as_json:
        print_json({"person": person, "link": link, "minutes": minutes})
        return
    click.echo(link)
