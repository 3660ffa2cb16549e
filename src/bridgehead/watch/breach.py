"""A clause that does not hold, as its readers meet it: what it does to them, in words that quote no row."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from bridgehead.enforce.boundary import Boundary
from bridgehead.kernel.canonical import recordable
from bridgehead.kernel.errors import BridgeheadError
from bridgehead.watch.checks.ir import (
    Age,
    Bound,
    Check,
    Distance,
    DuplicateCount,
    InvalidCount,
    MissingCount,
    NullCount,
    OneOf,
    OrphanCount,
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
    words = f"{columns}: {_plainly(verdict)}" if columns else _plainly(verdict)
    promise = _promise(one)
    words += f"; {promise} promised ({one.source.clause})" if promise else f" (promised: {one.source.clause})"
    return Broken(
        clause=one.id,
        response=one.on_breach.default if one.on_breach is not None else usual(one),
        readers=dict(one.on_breach.readers) if one.on_breach is not None else {},
        words=recordable(f"{words}."),
        where=one.source.where,
    )


_THEY: Mapping[type, str] = {
    NullCount: "have no value",
    MissingCount: "have no value",
    InvalidCount: "have a value that is not allowed",
    DuplicateCount: "have a value that occurs more than once",
    OrphanCount: "refer to something that is not there",
    TypeFailures: "have a value of another type",
}
_BOUNDS = {
    "mustBe": "{0}",
    "mustNotBe": "anything but {0}",
    "mustBeGreaterThan": "more than {0}",
    "mustBeGreaterOrEqualTo": "at least {0}",
    "mustBeLessThan": "less than {0}",
    "mustBeLessOrEqualTo": "at most {0}",
    "mustBeBetween": "{0} to {1}",
    "mustNotBeBetween": "not {0} to {1}",
}


def _plainly(verdict: Verdict) -> str:
    """Return what was found as somebody says it who reads no contracts."""
    they = _THEY.get(type(verdict.check.metric))
    if isinstance(verdict.check.test, Distance) and verdict.number is not None:
        return f"the values are spread otherwise than in the baseline ({verdict.plain})"
    absent = verdict.plain.startswith("there is no column")
    if absent or they is None or not isinstance(verdict.number, int | float):
        return verdict.plain
    if verdict.check.unit == "percent":
        return f"{verdict.plain} {they}"
    return f"{verdict.number:,} {'row' if verdict.number == 1 else 'rows'} {they}"


def _promise(one: Check) -> str:
    """Return what was promised of rows in words, with its verb; empty where the clause says it best."""
    if type(one.metric) not in _THEY or not isinstance(one.test, Bound):
        return ""
    low, high = one.test.threshold.value, one.test.threshold.upper
    unit = " %" if one.unit == "percent" else ""
    if one.test.threshold.operator == "mustBe" and low == 0:
        return "none is"
    told = _BOUNDS[one.test.threshold.operator].format(f"{low:g}", f"{high or 0:g}")
    return f"{told}{unit} is"


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
