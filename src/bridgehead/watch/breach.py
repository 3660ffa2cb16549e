"""A clause that does not hold, as its readers meet it: what it does to them, in words that quote no row."""

from __future__ import annotations

import logging

from bridgehead.enforce.boundary import Boundary
from bridgehead.kernel.canonical import recordable
from bridgehead.kernel.errors import BridgeheadError
from bridgehead.watch.checks.ir import (
    Age,
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
from bridgehead.watch.health import Broken

NOT_LOOKED = "quarantine"
"""What it does to every reader of a table that it could not be looked at."""

_log = logging.getLogger("bridgehead.watch")


def not_looked(boundary: Boundary, source: str, error: Exception) -> Broken:
    """Return what breaks a table that could not be looked at. Only our own words are stored: others may quote
    the data."""
    inside, where = f"{boundary.deployment.folder}/", boundary.where("sources", source, "contract")
    if isinstance(error, BridgeheadError):
        why, where = error.what.replace(inside, ""), error.where.removeprefix(inside) or where
    else:
        why = type(error).__name__
        _log.exception("data could not be looked at")
    words = recordable(f"It could not be looked at: {why}.")
    return Broken(clause="look", response=NOT_LOOKED, words=words, where=where)


def said_of(verdict: Verdict) -> Broken:
    """Return a breach as its readers meet it: what it does, and words that quote no row."""
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
