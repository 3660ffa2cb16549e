"""Look at the sources of a deployment: every clause of their contracts, where the data live.

::

    for look in looks(boundary, "bank"):
        await boundary.ledger.commit(recording(boundary, look))

In: a source of the charter with a contract. Out: a ``Look`` for each of its tables. What could not be looked
at is broken, not fine: a contract that cannot be read, data that are away, a table the contract leaves out.
Never: writes anything down.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from bridgehead.declare.model import Source
from bridgehead.enforce.boundary import Boundary
from bridgehead.kernel.canonical import recordable
from bridgehead.kernel.errors import BridgeheadError, WatchError
from bridgehead.watch.checks import baseline
from bridgehead.watch.checks.check import Report, check
from bridgehead.watch.checks.engine import Limits
from bridgehead.watch.checks.ir import (
    Age,
    Aggregate,
    Check,
    Distance,
    InvalidCount,
    MissingCount,
    NullCount,
    OneOf,
    Pattern,
    TypeFailures,
    Within,
)
from bridgehead.watch.checks.judge import Verdict
from bridgehead.watch.checks.where import Place, place, place_of
from bridgehead.watch.contract.model import Contract, Table
from bridgehead.watch.contract.read import read
from bridgehead.watch.health import Broken, Look

WATCH = "_WATCH"
"""Ends the name of the environment variable that holds the address of a role which reads whole tables, where
the one that ``address`` names sees them through a wall."""
BASELINE = ".baseline.json"
"""Takes the place of a contract's suffixes in the name of its frozen distributions, where there are any."""
NOT_LOOKED = "quarantine"
"""What it does to every reader of a table that it could not be looked at."""


_log = logging.getLogger("bridgehead.watch")


def looks(boundary: Boundary, source: str) -> Iterator[Look]:
    """Yield what is found of each table of a source now. Its contract is one of this release's files."""
    declared, now = boundary.charter.sources[source], boundary.clock.now()
    where = boundary.where("sources", source, "contract")
    inside = f"{boundary.deployment.folder}/"
    try:
        contract = _contract(boundary, declared)
        report = _checked(boundary, declared, contract)
    except Exception as error:  # whatever it was: nobody knows whether the contract is kept
        failed = _not_looked(error, inside, where)
        for table in declared.tables:
            yield Look(source=source, table=table, at=now, broken=(failed,), whole=False)
        return
    for table in declared.tables:
        found = _broken(contract, report, table, where)
        yield Look(
            source=source,
            table=table,
            at=now,
            broken=tuple(replace(each, where=each.where.removeprefix(inside)) for each in found),
            data_as_of=_as_of(report, table),
        )


def _not_looked(error: Exception, inside: str, where: str) -> Broken:
    """Return what breaks a table that could not be looked at. Only our own words are stored: others may quote
    the data."""
    if isinstance(error, BridgeheadError):
        why, where = error.what.replace(inside, ""), error.where.removeprefix(inside) or where
    else:
        why = type(error).__name__
        _log.exception("data could not be looked at")
    words = recordable(f"It could not be looked at: {why}.")
    return Broken(clause="look", response=NOT_LOOKED, words=words, where=where)


def _contract(boundary: Boundary, declared: Source) -> Contract:
    return read(boundary.deployment.folder / declared.contract)


def _checked(boundary: Boundary, declared: Source, contract: Contract) -> Report:
    named = tuple(table for table in contract.tables if table.name in declared.tables)
    file = boundary.deployment.folder / declared.contract
    frozen = file.with_name(f"{file.name.partition('.')[0]}{BASELINE}")
    with _place(boundary, declared, named) as found:
        return check(
            contract,
            found,
            now=boundary.clock.now(),
            baseline=baseline.read(frozen) if frozen.is_file() else None,
            tables=tuple(table.name for table in named) or ("",),
            samples=False,
        )


def _place(boundary: Boundary, declared: Source, tables: Sequence[Table]) -> Place:
    limits, clock, folder = Limits(), boundary.clock, boundary.deployment.folder
    if declared.driver == "postgresql":
        return place(_address(declared), tables, limits=limits, clock=clock)
    if declared.path:
        return place(str(folder / declared.path), tables, limits=limits, clock=clock)
    files = {table.name: Path(folder / declared.tables[table.name].file) for table in tables}
    return place_of(files, tables, limits=limits, clock=clock)


def _address(declared: Source) -> str:
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
    return tuple(_said(verdict) for verdict in report.breaches if verdict.check.table == table)


def _said(verdict: Verdict) -> Broken:
    one = verdict.check
    columns = ", ".join(one.columns)
    words = f"{columns}: {verdict.plain}" if columns else verdict.plain
    return Broken(
        clause=one.id,
        response=one.on_breach.default if one.on_breach is not None else usual(one),
        readers=dict(one.on_breach.readers) if one.on_breach is not None else {},
        words=recordable(f"{words} (promised: {one.source.clause})."),
        where=one.source.where,
    )


def usual(one: Check) -> str:
    """Return what a broken check does where its contract does not say (``docs/concepts/sick-data.md``)."""
    if one.severity != "block":
        return "warn" if one.severity == "warn" else "record"
    if isinstance(one.test, Distance):
        return "raiseAudit"
    if isinstance(one.test, Age):
        return "lastGood"
    match one.metric:
        case TypeFailures() | NullCount() | MissingCount():
            return "hold"
        case InvalidCount(rule=Pattern() | OneOf()):
            return "quarantine"
        case InvalidCount(rule=Within()):
            return "hold"
        case _:
            return "quarantine"


def _as_of(report: Report, table: str) -> str:
    """Return the newest moment that a freshness clause found; empty where there is none."""
    for verdict in report.verdicts:
        one = verdict.check
        if one.table == table and isinstance(one.test, Age) and isinstance(one.metric, Aggregate):
            value = report.numbers.values.get((table, one.metric))
            return value if isinstance(value, str) else ""
    return ""
