"""Tables of sources, and who sees what of them: every group, column and table named must be declared."""

from __future__ import annotations

from collections.abc import Iterator

from bridgehead.declare.deployment import Deployment
from bridgehead.declare.model import Grant, Table
from bridgehead.declare.naming import fault, unknown
from bridgehead.kernel.errors import CharterError


def errors(deployment: Deployment) -> Iterator[CharterError]:
    """Yield BH-CHA-021 and BH-CHA-100 to BH-CHA-102 for names nobody declared."""
    for source, settings in deployment.charter.sources.items():
        for name, table in settings.tables.items():
            yield from _table(deployment, source, name, table)
    yield from _agents(deployment)


def _table(d: Deployment, source: str, name: str, table: Table) -> Iterator[CharterError]:
    place = ("sources", source, "tables", name)
    if table.key and table.key not in table.columns:
        yield unknown(d, "BH-CHA-100", table.key, "columns", table.columns, *place, "key")
    for index, grant in enumerate(table.grants):
        yield from _grant(d, table, grant, (*place, "grants", index))


def _grant(d: Deployment, table: Table, grant: Grant, place: tuple[str | int, ...]) -> Iterator[CharterError]:
    for index, group in enumerate(grant.to):
        if group not in d.charter.groups:
            yield unknown(d, "BH-CHA-021", group, "groups", d.charter.groups, *place, "to", index)
    for index, column in enumerate(grant.show):
        if column not in table.columns:
            yield unknown(d, "BH-CHA-100", column, "columns", table.columns, *place, "show", index)
        if column in grant.mask:
            yield fault(
                d,
                "BH-CHA-101",
                f"`{column}` is shown and masked by one grant",
                "List it under `show` or under `mask`.",
                *place,
            )
    for column in grant.mask:
        if column not in table.columns:
            yield unknown(d, "BH-CHA-100", column, "columns", table.columns, *place, "mask", column)
    if table.key and table.key not in grant.show:
        yield fault(
            d,
            "BH-CHA-101",
            f"the `key` {table.key} is not shown by this grant, so its groups cannot be counted",
            "List it under `show`; only figures over groups are given of this table.",
            *place,
        )


def _agents(d: Deployment) -> Iterator[CharterError]:
    known = {f"{source}.{table}" for source, s in d.charter.sources.items() for table in s.tables}
    for name, agent in d.charter.agents.items():
        for index, table in enumerate(agent.tables):
            if table not in known:
                yield unknown(d, "BH-CHA-102", table, "sources", known, "agents", name, "tables", index)
