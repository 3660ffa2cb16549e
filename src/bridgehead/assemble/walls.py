"""The second wall of a source: what the charter says of it, the deployment's keys, and who may put it up."""

from __future__ import annotations

import os
from urllib.parse import unquote, urlsplit

from bridgehead.assemble.house import House
from bridgehead.connect.sources import building
from bridgehead.connect.sources.install import Installer, Keys
from bridgehead.declare import Deployment
from bridgehead.declare.model import Source
from bridgehead.enforce.sql import claim
from bridgehead.enforce.sql.refused import SqlRefused
from bridgehead.enforce.sql.wall import Wall, wall_of
from bridgehead.kernel.errors import ConfigError


def wall(d: Deployment, source: str) -> Wall:
    """Return the wall a charter declares. Raises BH-ASM-030/031: none is declared, or none can be made."""
    settings = d.charter.sources.get(source)
    if settings is None or not settings.wall:
        declared = [name for name, other in d.charter.sources.items() if other.driver == "postgresql"]
        raise ConfigError(
            "BH-ASM-030",
            f"the charter declares no `wall` for a source {source!r}",
            means="Nothing was looked at.",
            fix=f"Write `wall: bridgehead_{source}` under a source that is PostgreSQL"
            f" ({', '.join(declared) or 'there is none'}).",
        )
    try:
        return wall_of(source, settings)
    except SqlRefused as refused:
        raise ConfigError(
            "BH-ASM-031",
            f"the grants of {source} cannot be held by views: {refused.words}",
            means="Nothing was changed.",
            fix="Compare the attribute with a column, as in `region = :region`.",
        ) from refused


def admin_of(settings: Source) -> str:
    """Return the environment variable that holds the address of somebody who may put the wall up."""
    return f"{settings.address}_ADMIN"


def installer(house: House, d: Deployment, source: str) -> Installer:
    """Return what puts the wall up. Raises BH-ASM-032 where nobody's address is given."""
    built, settings = wall(d, source), d.charter.sources[source]
    address = os.environ.get(admin_of(settings), "")
    if not address:
        raise ConfigError(
            "BH-ASM-032",
            f"the environment variable {admin_of(settings)} is not set",
            means="Nothing was changed, and the database was not looked at.",
            fix="Let it hold the address of whoever owns the tables and may make roles.",
        )
    keys = Keys(
        pads=claim.pads(claim.key_of(house.ledger.derived("wall"), source)),
        mask=house.ledger.derived("mask"),
    )
    return Installer(address, built, keys, password=_password(settings))


def statements(built: Wall) -> list[tuple[str, str]]:
    """Return what would be run to put a wall up, each with what it does; keys are not among it."""
    place = building.Place(database="(this database)", admin="(you)", superuser=False)
    return [(step.sql, step.says) for step in building.up(built, place, (b"", b""), "")]


def reads_as_declared(settings: Source) -> bool:
    """Say whether the address of the source is that of the reading role."""
    return _role(settings) == settings.wall


def _role(settings: Source) -> str:
    return unquote(urlsplit(os.environ.get(settings.address, "")).username or "")


def _password(settings: Source) -> str:
    if _role(settings) != settings.wall:
        return ""
    return unquote(urlsplit(os.environ.get(settings.address, "")).password or "")
