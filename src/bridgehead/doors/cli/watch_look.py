"""``bridgehead watch look``: every source with a contract is looked at, and what is found counts at once."""

from __future__ import annotations

from pathlib import Path

import click

from bridgehead.doors.cli.terminal import deployment_options, opened
from bridgehead.doors.cli.watch_status import tell


@click.command(name="look")
@click.option("--source", "only", multiple=True, help="Look at this source only; may be repeated.")
@deployment_options
def watch_look(folder: Path, state: Path | None, as_json: bool, only: tuple[str, ...]) -> int:
    """Look at every source of the active release that has a contract, now, and write down what was found.

    The next call of every reader is decided by it. `bridgehead up` and `bridgehead worker` look too.
    Exit code 0: everything is in order. 1: something is not.
    """
    from bridgehead.assemble.watching import look_at, watched

    with opened(folder, state) as house:
        known = watched(house)
        for name in only:
            if name not in known:
                raise click.BadParameter(
                    f"no source {name!r} has a contract; known: {', '.join(known) or 'none'}",
                    param_hint="--source",
                )
        for name in only or known:
            look_at(house, name)
        return tell(house, as_json)
