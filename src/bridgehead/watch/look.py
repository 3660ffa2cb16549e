"""Look at the sources of a deployment: every clause of their contracts, where the data live.

::

    for look in looks(boundary, "bank"):
        await boundary.ledger.commit(recording(boundary, look))

In: a source of the charter with a contract. Out: a ``Look`` for each of its tables. What could not be looked
at is broken, not fine: a contract that cannot be read, data that are away, a table the contract leaves out.
Never: writes anything down.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from bridgehead.declare.model import Source
from bridgehead.enforce.boundary import Boundary
from bridgehead.kernel.errors import WatchError
from bridgehead.watch.breach import NOT_LOOKED, not_looked, said_of
from bridgehead.watch.checks.check import Report, check
from bridgehead.watch.checks.engine import Engine, Limits, Unmeasured
from bridgehead.watch.checks.files import Files, find
from bridgehead.watch.checks.ir import Age, Aggregate
from bridgehead.watch.checks.where import Place, place, place_of
from bridgehead.watch.contract.model import Contract, Table
from bridgehead.watch.feeds.published import files as published
from bridgehead.watch.health import Broken, Look
from bridgehead.watch.promised import baseline_of, contract_of
from bridgehead.watch.schema_change.accepted import by_new_names, mapping, table_of
from bridgehead.watch.schema_change.schema import Table as Schema

WATCH = "_WATCH"
"""Ends the name of the environment variable that holds the address of a role which reads whole tables, where
the one that ``address`` names sees them through a wall."""


Also = Callable[[Contract, Table, Engine], None]


def looks(boundary: Boundary, source: str, also: Also | None = None) -> Iterator[Look]:
    """Yield what is found of each table of a source now, but of those that come in batches (``feeds``). Its
    contract is one of this release's files. ``also`` is called with each of them while it is open."""
    declared, now = boundary.charter.sources[source], boundary.clock.now()
    where = boundary.where("sources", source, "contract")
    inside = f"{boundary.deployment.folder}/"
    whole = [name for name in declared.tables if name not in declared.feeds]
    if not whole:
        return
    try:
        contract = contract_of(boundary, source)
        schemas, report = _checked(boundary, source, contract, whole, also)
    except Exception as error:  # whatever it was: nobody knows whether the contract is kept
        failed = not_looked(boundary, source, error)
        for table in whole:
            yield Look(source=source, table=table, at=now, broken=(failed,), whole=False)
        return
    for table in whole:
        found = _broken(contract, report, table, where)
        yield Look(
            source=source,
            table=table,
            at=now,
            broken=tuple(replace(each, where=each.where.removeprefix(inside)) for each in found),
            data_as_of=_as_of(report, table),
            schema=schemas.get(table),
        )


def _checked(
    boundary: Boundary, source: str, contract: Contract, whole: Sequence[str], also: Also | None
) -> tuple[dict[str, Schema], Report]:
    """Return the schema of every table, seen before a row of it is read, and what became of the clauses."""
    declared = boundary.charter.sources[source]
    names = boundary.store.look(partial(mapping, source=source))
    contract = replace(
        contract, tables=tuple(by_new_names(one, names.get(one.name, {})) for one in contract.tables)
    )
    known = tuple(table for table in contract.tables if table.name in declared.tables)
    named = tuple(table.name for table in known if table.name in whole)
    with opened(boundary, source, known) as found:
        schemas = dict(_schemas(found, [table for table in known if table.name in whole]))
        report = check(
            contract,
            found,
            now=boundary.clock.now(),
            baseline=baseline_of(boundary, source),
            tables=named or ("",),
            samples=False,
        )
        if also is not None:
            for table in known:
                if table.name in whole:
                    also(contract, table, found.engine)
    return schemas, report


def _schemas(found: Place, tables: Sequence[Table]) -> Iterator[tuple[str, Schema]]:
    """Yield each table as its place describes it; one that cannot be opened, the checks tell of."""
    for table in tables:
        with suppress(Unmeasured):
            yield table.name, table_of(table.name, found.engine.open(table).native)


def opened(boundary: Boundary, source: str, tables: Sequence[Table]) -> Place:
    """Open where the tables of a source live. Those that come in batches are there for others to refer to."""
    declared, limits, clock = boundary.charter.sources[source], Limits(), boundary.clock
    folder = boundary.deployment.folder
    if declared.driver == "postgresql":
        return place(address(declared), tables, limits=limits, clock=clock)
    if declared.path:
        return place(str(folder / declared.path), tables, limits=limits, clock=clock)
    return place_of(
        {table.name: _files(boundary, source, table) for table in tables}, tables, limits=limits, clock=clock
    )


def _files(boundary: Boundary, source: str, table: Table) -> Files:
    declared = boundary.charter.sources[source]
    if table.name in declared.feeds:
        return published(boundary, source, table.name)
    file = boundary.deployment.folder / declared.tables[table.name].file
    return find(Path(file), (table,))[table.name]


def address(declared: Source) -> str:
    """Return the address of a role that reads whole tables. Raises ``WatchError`` (BH-WAT-035)."""
    name = f"{declared.address}{WATCH}" if declared.wall else declared.address
    address = os.environ.get(name, "")
    if not address:
        raise WatchError(
            "BH-WAT-035",
            f"the environment variable {name} is not set",
            means="Its tables were not looked at, which counts as broken.",
            fix="Set it to the address of a role that reads the whole tables and can do nothing else.",
        )
    return address


def _broken(contract: Contract, report: Report, table: str, where: str) -> tuple[Broken, ...]:
    if contract.table(table) is None:
        words = f"The contract {contract.name} says nothing of {table}."
        return (Broken(clause="look", response=NOT_LOOKED, words=words, where=where),)
    return tuple(said_of(verdict) for verdict in report.breaches if verdict.check.table == table)


def _as_of(report: Report, table: str) -> str:
    """Return the newest moment that a freshness clause found; empty where there is none."""
    for verdict in report.verdicts:
        one = verdict.check
        if one.table == table and isinstance(one.test, Age) and isinstance(one.metric, Aggregate):
            value = report.numbers.values.get((table, one.metric))
            return value if isinstance(value, str) else ""
    return ""
