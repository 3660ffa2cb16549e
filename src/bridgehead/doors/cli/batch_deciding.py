"""Count what somebody says about a batch that was kept apart, and say what became of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bridgehead.doors.cli.terminal import assurance, opened, print_json, visible

if TYPE_CHECKING:
    from bridgehead.watch.feeds.deciding import Answer


def say(
    folder: Path,
    state: Path | None,
    as_json: bool,
    table: str,
    batch: str,
    answer: Answer,
    person: str,
    reason: str,
) -> None:
    """Count one word and print how the batch stands."""
    from bridgehead.explain.figures import plain
    from bridgehead.watch.feeds.deciding import decide

    with opened(folder, state) as house:
        decided = decide(house.boundary, table, batch, answer, house.person(person, assurance()), reason)
    if as_json:
        print_json(plain(decided))
    elif decided.lacking:
        click.echo(f"Noted. {decided.lacking} more must agree, another person than {visible(person)}.")
    elif decided.snapshot:
        click.echo(f"{decided.batch} is published: new runs read it (snapshot {decided.snapshot}).")
    else:
        click.echo(f"{decided.batch} is {decided.state}: it is not read.")
