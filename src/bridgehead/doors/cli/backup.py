"""``bridgehead backup``: everything a deployment needs to go on elsewhere, in one folder."""

from __future__ import annotations

from pathlib import Path

import click

from bridgehead.doors.cli.terminal import FOLDER, JSON, STATE, opened, print_json


@click.command()
@FOLDER
@STATE
@JSON
@click.option(
    "--to", "target", required=True, type=click.Path(path_type=Path), help="The new folder to make it in."
)
@click.option(
    "--with-keys",
    is_flag=True,
    help="Put the ledger's keys in too. Whoever has such a backup can read everything and sign checkpoints.",
)
def backup(folder: Path, state: Path | None, as_json: bool, target: Path, with_keys: bool) -> None:
    """Back up FOLDER's store, releases and checkpoint while it is at work."""
    from bridgehead.backup.take import take

    with opened(folder, state) as house:
        now = house.clock.now()
        taken = take(house.store, house.ledger, house.state, target, now=now, with_keys=with_keys)
    said = taken.manifest
    if as_json:
        print_json(
            {
                "backup": str(taken.place),
                "manifest_sha256": taken.digest,
                "taken_at": said.taken_at,
                "database": said.database,
                "entries": said.size,
                "with_keys": said.with_keys,
            }
        )
        return
    click.echo(f"Backed up {said.origin} to {taken.place}: {said.size:,} entries are under its checkpoint.")
    click.echo(f"  manifest  {taken.digest}")
    click.echo(
        "Keep that line, and the file `checkpoint`, somewhere else: they show later that it is this one."
    )
    if with_keys:
        click.echo(
            "It holds the keys: whoever can read it can read every body and sign. Keep it locked away.",
            err=True,
        )
    else:
        click.echo("The keys are not in it. Without their own copy nothing can be restored.")
