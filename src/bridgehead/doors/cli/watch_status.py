"""``bridgehead watch status``: which data are in order, and what those that are not hold back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bridgehead.doors.cli.terminal import again, at, deployment_options, noticed, opened, print_json, table

if TYPE_CHECKING:
    from bridgehead.assemble import House


@click.command(name="status")
@deployment_options
def watch_status(folder: Path, state: Path | None, as_json: bool) -> int:
    """Say which data of the active release are in order, as they were looked at last.

    Exit code 0: everything is in order. 1: something is broken, or nobody knows.
    """
    with opened(folder, state) as house:
        return tell(house, as_json)


def tell(house: House, as_json: bool) -> int:
    """Print every table with a contract, the worst first; return the exit code."""
    from bridgehead.explain.data_health import tables
    from bridgehead.explain.figures import plain
    from bridgehead.watch.alive import silent_since

    with house.store.reading() as connection:
        found = tables(connection, house.deployment, house.clock.now())
        silent = silent_since(connection, house.clock.now()) if found else ""
    if as_json:
        print_json({"tables": [plain(line) for line in found], "nobody_watches_since": silent})
    else:
        table(
            ("table", "stands", "since", "looked at", "runs held", "what that does"),
            [
                (
                    f"{line.source}.{line.table}",
                    line.standing,
                    at(line.clauses[0].since) if line.clauses else "",
                    at(line.checked_at, never="never"),
                    str(line.held or ""),
                    line.does,
                )
                for line in found
            ],
            empty="No source of this deployment has a contract.",
        )
        if silent:
            click.echo(
                f"Nobody has watched the data since {at(silent)}: no batch is taken in, none is missed."
            )
        for line in found:
            for each in line.clauses:
                click.echo(f"{line.source}.{line.table}  {noticed(each.words)}  {each.where}")
            for gone in line.missing:
                click.echo(
                    f"{line.source}.{line.table}  {gone.column} was missing for {gone.runs} "
                    f"run{'s' if gone.runs > 1 else ''} in the last 7 days: a person decides what they do"
                )
            if line.touched_runs:
                told = again(f"`bridgehead why {line.touched_runs[0]}` tells what")
                click.echo(
                    f"{line.source}.{line.table}  {len(line.touched_runs)} runs read it since it was last in "
                    f"order, and did {line.touched_effects} things; {told}"
                )
    return 0 if all(line.standing == "in order" for line in found) else 1
