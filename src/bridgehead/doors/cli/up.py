"""``bridgehead up``: a deployment at work, with its console."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from bridgehead.doors.cli.terminal import FOLDER, JSON, STATE, again, opened, operator, print_json


@click.command()
@FOLDER
@STATE
@JSON
@click.option("--host", default="127.0.0.1", show_default=True, help="Address of the console.")
@click.option("--port", default=8321, show_default=True, help="Port of the console; 0 takes a free one.")
@click.option("--until-idle", is_flag=True, help="Carry runs as far as they go, then end. No console.")
@click.option("--no-work", is_flag=True, help="Only the console; `bridgehead worker` carries the runs.")
def up(
    folder: Path,
    state: Path | None,
    as_json: bool,
    host: str,
    port: int,
    until_idle: bool,
    no_work: bool,
) -> None:
    """Make FOLDER the active release, carry its runs forward, serve its console.

    A release that was taken back does not become active again: then the console is served and what is under
    way, the undo above all, is carried on, and no new run starts under it.
    """
    from bridgehead.doors.cli.serving import carry, listening, print_links, serve

    with opened(folder, state) as house:
        if not no_work:
            house.require_free()  # before anything is activated or printed
        told = house.taken_back()
        digest = house.deployment.digest if told else house.activate(by=operator())
        found = {"release": digest, **({"taken_back": told} if told else {})}
        if told and not as_json:
            click.echo(told)
        if until_idle:
            asyncio.run(carry(house))
            if as_json:
                print_json(found)
            return
        with listening(host, port) as bound:
            url = f"http://{host}:{bound.getsockname()[1]}"
            if as_json:
                print_json(found | {"url": url})
            else:
                if not told:
                    click.echo(f"Release {digest[:12]} of {house.deployment.charter.name} is at work.")
                click.echo(f"Console: {url}   Sign in, once each:")
                print_links(house, url)
                if no_work:
                    click.echo(again("This process carries no runs: start `bridgehead worker` for that."))
                click.echo("Stop this process with Ctrl-C; nothing is lost.")
            asyncio.run(serve([house], bound, work=not no_work))
