"""``bridgehead watch release``: somebody decides about a batch that was kept apart."""

from __future__ import annotations

from pathlib import Path

import click

from bridgehead.doors.cli.batch_deciding import say
from bridgehead.doors.cli.terminal import AS, REASON, deployment_options


@click.command(name="release")
@click.argument("name", metavar="SOURCE.TABLE")
@click.argument("batch")
@AS
@REASON
@deployment_options
def watch_release(
    folder: Path, state: Path | None, as_json: bool, name: str, batch: str, person: str, reason: str
) -> None:
    """Publish BATCH of SOURCE.TABLE as it is, though something was noticed about it: new runs read it.

    Two different people must say so where the contract calls the table critical. `bridgehead watch batches`
    lists what waits.
    """
    say(folder, state, as_json, name, batch, "release", person, reason)
