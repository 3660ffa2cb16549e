"""``bridgehead watch discard``: somebody decides about a batch that was kept apart."""

from __future__ import annotations

from pathlib import Path

import click

from bridgehead.doors.cli.batch_deciding import say
from bridgehead.doors.cli.terminal import AS, REASON, deployment_options


@click.command(name="discard")
@click.argument("name", metavar="SOURCE.TABLE")
@click.argument("batch")
@AS
@REASON
@deployment_options
def watch_discard(
    folder: Path, state: Path | None, as_json: bool, name: str, batch: str, person: str, reason: str
) -> None:
    """Leave BATCH of SOURCE.TABLE out for good: what was published before stays what is read.

    `bridgehead watch batches` lists what waits.
    """
    say(folder, state, as_json, name, batch, "discard", person, reason)
