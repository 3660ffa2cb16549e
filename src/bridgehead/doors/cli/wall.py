"""``bridgehead entitle install``: the second wall of a PostgreSQL source, put up and taken down."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bridgehead.doors.cli.terminal import IN_FOLDER, JSON, STATE, opened, print_json, visible
from bridgehead.kernel.errors import ConfigError

if TYPE_CHECKING:
    from bridgehead.assemble import House
    from bridgehead.declare import Deployment

_STANDS = {
    "absent": "It is not installed.",
    "as declared": "It stands as the charter declares it: there is nothing to do.",
    "other": "It stands, made of other grants, keys or another version; --apply renews it.",
}
_APPLIED = {
    "absent": "Installed.",
    "as declared": "It stood as the charter declares it.",
    "other": "Renewed.",
}
_REMOVED = {
    "absent": "It was not installed: nothing was changed.",
    "as declared": "Removed: the database is as it was.",
    "other": "Removed: the database is as it was.",
}


@click.command()
@click.argument("source")
@click.option("--plan", "what", flag_value="plan", default="plan", help="Show the SQL, change nothing.")
@click.option("--apply", "what", flag_value="apply", help="Put it up, or renew it, in one transaction.")
@click.option("--remove", "what", flag_value="remove", help="Take it down: the database is as it was.")
@IN_FOLDER
@STATE
@JSON
def install(folder: Path, state: Path | None, as_json: bool, source: str, what: str) -> None:
    """Hold the grants of SOURCE inside its PostgreSQL database, too: the second wall.

    The charter names it (`wall:`). The variable ADDRESS_ADMIN, after the source's own `address`, holds the
    address of somebody who may make roles and owns the tables. Without --apply or --remove nothing is
    changed. Exit code 1: something keeps it from being put up.
    """
    from bridgehead.declare import load

    with opened(folder, state) as house:
        deployment = load(folder)
        if what == "plan":
            click.get_current_context().exit(_plan(house, deployment, source, as_json))
        from bridgehead.assemble import walls

        made = walls.installer(house, deployment, source)
        stood = made.up() if what == "apply" else made.down()
        words = (_APPLIED if what == "apply" else _REMOVED)[stood]
        told = walls.reads_as_declared(deployment.charter.sources[source])
    if as_json:
        print_json({"source": source, "stood": stood, "words": words, "address_is_the_wall": told})
        return
    click.echo(words)
    if what == "apply" and not told:
        _say_address(deployment, source)
    elif what == "apply":
        settings = deployment.charter.sources[source]
        click.echo(f"The password of {settings.wall} is that of {settings.address}, where it holds one.")


def _plan(house: House, d: Deployment, source: str, as_json: bool) -> int:
    from bridgehead.assemble import walls

    built = walls.wall(d, source)
    steps = walls.statements(built)
    stands, unseen = "", ""
    obstacles: tuple[str, ...] = ()
    try:
        looked = walls.installer(house, d, source).look()
        stands, obstacles = looked.state, looked.obstacles
    except ConfigError as error:
        if error.code != "BH-ASM-032":
            raise
        unseen = f"The database was not looked at: {error.what}."
    if as_json:
        found: dict[str, Any] = {
            "source": source,
            "digest": built.digest,
            "stands": stands or None,
            "obstacles": list(obstacles),
            "statements": [{"sql": sql, "says": says} for sql, says in steps],
        }
        print_json(found)
        return 1 if obstacles else 0
    for sql, says in steps:
        click.echo(f"{visible(sql)};" + (f"  -- {says}" if says else ""))
    click.echo()
    click.echo(_STANDS.get(stands, unseen))
    for obstacle in obstacles:
        click.echo(f"In the way: {visible(obstacle)}")
    click.echo("Nothing was changed." if stands == "as declared" else "Nothing was changed; --apply does it.")
    return 1 if obstacles else 0


def _say_address(d: Deployment, source: str) -> None:
    settings = d.charter.sources[source]
    click.echo(
        f"The reading role is {settings.wall}. Give it a password (in psql: \\password {settings.wall}) and "
        f"let {settings.address} hold its address; or set that first, and --apply sets the password."
    )
