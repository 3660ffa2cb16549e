"""``bridgehead watch accept-baseline``: a person says what a table looks like when it is as it should be."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from bridgehead.doors.cli.terminal import AS, deployment_options, opened, print_json, tell_next, visible


@click.command(name="accept-baseline")
@click.argument("table", metavar="SOURCE.TABLE")
@click.option(
    "--batch", "batches", multiple=True, help="A published batch, by its sender's name; may be repeated."
)
@click.option("--last", type=click.IntRange(min=1), help="The last so many published batches.")
@AS
@click.option("--reason", required=True, help="Why this is normal; kept in the ledger under your name.")
@deployment_options
def watch_accept_baseline(
    folder: Path,
    state: Path | None,
    as_json: bool,
    table: str,
    batches: tuple[str, ...],
    last: int | None,
    person: str,
    reason: str,
) -> None:
    """Accept what SOURCE.TABLE looks like: later batches are compared with that.

    Without --batch and --last: the newest batch, or the last five where a batch holds new rows; of a table
    that does not come in batches, the rows that are there now. The owner and the deputy may, and whoever
    answers for sick data. What has moved from the baseline before is over with this.
    """
    from bridgehead.doors.cli.terminal import again, assurance
    from bridgehead.doors.cli.watch_accept import named
    from bridgehead.watch.baseline_accepting import accept_baseline

    if batches and last:
        raise click.UsageError("Name batches, or how many of the last ones: not both.")
    with opened(folder, state) as house:
        named(house.deployment.charter.sources, table)
        by = house.person(person, assurance())
        made = accept_baseline(house.boundary, table, by, reason, batches=batches, last=last or 0)
    if as_json:
        print_json(asdict(made))
        return
    what = ", ".join(visible(name) for name in made.batches[-5:])
    more = f" and {len(made.batches) - 5} before" if len(made.batches) > 5 else ""
    click.echo(f"Accepted for {table}: {made.rows:,} rows ({what}{more}).")
    click.echo(f"Compared from now on: {', '.join(made.columns) or 'nothing'}.")
    if made.presence:
        click.echo(f"Only how often they are missing: {', '.join(made.presence)}.")
    click.echo(f"In a batch of this size a move below a PSI of {made.finds:.2g} cannot be told from chance.")
    if made.replaces:
        click.echo("The baseline before is counted for eight weeks more.")
    tell_next([(again(f"bridgehead watch profile {table}"), "how far each column lies from it")])
