"""``bridgehead approvals``: what waits for people."""

from __future__ import annotations

from pathlib import Path

import click

from bridgehead.doors.cli.terminal import deployment_options, opened, print_json, table


@click.command()
@click.option("--as", "person", default="", help="Only what this person is asked.")
@deployment_options
def approvals(folder: Path, state: Path | None, as_json: bool, person: str) -> None:
    """List the open questions, the next one due first."""
    from bridgehead.explain.figures import plain
    from bridgehead.explain.inbox import inbox
    from bridgehead.explain.viewer import Viewer

    with opened(folder, state) as house, house.store.reading() as connection:
        charter = house.deployment.charter
        if person:
            house.person(person, "charter")
        viewer = Viewer.of(charter, person) or Viewer(id="", name="", groups=frozenset(charter.groups))
        found = inbox(connection, house.boundary, viewer, limit=500)
    if as_json:
        print_json(plain(found))
        return
    table(
        ("question", "what", "asked because", "who must agree", "so far", "time left"),
        [
            (
                each.id,
                each.title + (f"  {each.amount}" if each.amount else ""),
                each.asked_because,
                each.needs,
                f"{each.votes} answered" + ("; changed" if each.changed else ""),
                each.left if each.kind != "review" else f"review, {each.left}",
            )
            for each in found.waiting
        ],
        empty="Nothing waits for a person.",
    )
