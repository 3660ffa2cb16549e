"""``bridgehead worker``: one more process, on this machine or another, that carries a deployment's runs."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bridgehead.doors.cli.terminal import FOLDER, STATE, opened

if TYPE_CHECKING:
    from bridgehead.assemble import House


@click.command()
@FOLDER
@STATE
@click.option("--name", default="", help="What people call this worker; the name of its host if not given.")
@click.option("--concurrency", default=8, show_default=True, help="Runs it carries side by side.")
@click.option("--until-idle", is_flag=True, help="End when no worker has anything left to do.")
def worker(folder: Path, state: Path | None, name: str, concurrency: int, until_idle: bool) -> None:
    """Carry the runs of the deployment in FOLDER, beside other workers on the same PostgreSQL store.

    Releases come from the store; the keys must be in the state folder. Ctrl-C ends it in order: it sends
    nothing more, hears what it has sent, and leaves the rest to the others; a second one ends it at once.
    What a killed worker had under way is carried on by the others within twenty seconds.
    """
    from bridgehead.doors.cli.serving import require_in_step

    with opened(folder, state) as house:
        require_in_step(house)
        release = house.boundary.deployment.digest  # says at once where nothing was ever activated
        click.echo(
            f"Worker for {house.deployment.charter.name}, release {release[:12]}. Stop it with Ctrl-C."
        )
        asyncio.run(_work(house, name, concurrency, until_idle))


async def _work(house: House, name: str, concurrency: int, until_idle: bool) -> None:
    """Work until told to end."""
    from bridgehead.assemble.watching import keep_watch
    from bridgehead.doors.cli.serving import told_to_end

    async with house.at_work(engine="dbos", name=name, concurrency=concurrency) as engine:
        working = asyncio.create_task(engine.work(until_idle=until_idle))
        watching = asyncio.create_task(keep_watch(house))
        told_to_end(working.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await working
        watching.cancel()
