"""``bridgehead watch arrivals``: which batches came, which did not, what is expected next."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bridgehead.doors.cli.terminal import (
    again,
    at,
    deployment_options,
    noticed,
    opened,
    print_json,
    table,
    visible,
)
from bridgehead.doors.cli.watch_accept import named

if TYPE_CHECKING:
    from bridgehead.explain.arrivals import FeedArrivals


@click.command(name="arrivals")
@click.argument("of", metavar="[SOURCE.TABLE]", default="")
@deployment_options
def watch_arrivals(folder: Path, state: Path | None, as_json: bool, of: str) -> int:
    """Say of every table that comes in batches what is expected next, or everything about one of them.

    Exit code 0: every batch that was due came. 1: one did not, or is late, or nobody knows.
    """
    from bridgehead.explain.arrivals import feeds
    from bridgehead.explain.figures import plain

    with opened(folder, state) as house:
        if of:
            named(house.deployment.charter.sources, of)
        with house.store.reading() as connection:
            found = feeds(connection, house.deployment, house.clock.now())
    found = tuple(line for line in found if of in ("", f"{line.source}.{line.table}"))
    if as_json:
        print_json({"feeds": [plain(line) for line in found]})
    elif of and found:
        _one(found[0])
    else:
        _all(found)
    return 0 if all(line.standing in ("in order", "learning") for line in found) else 1


def _all(found: tuple[FeedArrivals, ...]) -> None:
    table(
        ("table", "stands", "expected next", "missing from", "did not come", "last came"),
        [
            (
                f"{line.source}.{line.table}",
                line.standing,
                line.next_day,
                at(line.missing_from),
                ", ".join(line.missed[-3:]),
                at(line.last[0].at) if line.last else "never seen",
            )
            for line in found
        ],
        empty="No table of this deployment is known to come in batches. A `feed` of the charter, or "
        "bridgeheadCadence of a contract, says so; then look with `bridgehead watch look`.",
    )
    for line in found:
        _told(line)


def _told(line: FeedArrivals) -> None:
    name = f"{line.source}.{line.table}"
    for words in dict.fromkeys((line.incident, line.short)):
        if words:
            click.echo(f"{name}  {noticed(words)}")
    if line.proposed:
        click.echo(
            f"{name}  Batches seem to come otherwise now ({visible(line.proposed)}). If that is so: "
            + again(f"`bridgehead watch accept {name} --slot NAME --as YOU --reason WHY`")
        )


def _one(line: FeedArrivals) -> None:
    click.echo(f"{line.source}.{line.table} is {line.standing}.")
    click.echo(f"When: {visible(line.cadence)}")
    if line.slots:
        click.echo(f"Slots: {', '.join(line.slots)}")
    for retired in line.retired:
        click.echo(f"No longer expected: {visible(retired)}")
    if line.next_day:
        by, from_ = at(line.due_by), at(line.missing_from)
        click.echo(f"Next: the batch of {line.next_day}, late from {by}, missing from {from_}")
    if line.missed:
        click.echo(f"Did not come: {', '.join(line.missed)}")
    if line.upstream:
        click.echo(f"Hangs on: {', '.join(visible(name) for name in line.upstream)}")
    _told(line)
    table(
        ("came", "batch", "about", "rows", "became", "noticed"),
        [
            (
                at(each.at),
                visible(each.label),
                ", ".join(each.days),
                "" if each.rows is None else str(each.rows),
                each.state,
                noticed(each.words),
            )
            for each in line.last
        ],
        empty="No batch has been seen yet.",
    )
