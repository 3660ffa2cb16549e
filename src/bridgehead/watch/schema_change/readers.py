"""What a change means to who reads the column: logic, not statistics; right for every reader or a bug.

We know the readers: every query passes the enforcement point. A reader names the columns it reads, ``*`` for
all of a table; whether it writes the table; which enums it switches on, and where it has no branch for null.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, assert_never

from bridgehead.kernel.finding import Finding, Severity
from bridgehead.watch.schema_change.compare import Change

Class = Literal["none", "additive", "behaviour", "breaking"]
Response = Literal["record", "notify", "rows to a person", "hold writes", "hold", "warn"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reads:
    """What one workflow reads: ``table.column`` or ``table.*``, in whatever case.

    ``writes`` are tables it writes. ``switches`` are columns on whose values it decides without a branch for
    others, ``no_null`` columns it reads without one for null; ``by_position`` tables read by the order of
    their columns. What is not known is assumed: a column read has no branch for null unless ``handles_null``
    names it, and one read switches on its values unless ``has_default`` does.
    """

    columns: frozenset[str]
    writes: frozenset[str] = frozenset()
    handles_null: frozenset[str] = frozenset()
    has_default: frozenset[str] = frozenset()
    by_position: frozenset[str] = frozenset()

    def reads(self, table: str, column: str = "") -> bool:
        """Whether a column is read; of a table, any of it."""
        if not column:
            return any(each.casefold().rpartition(".")[0] == table.casefold() for each in self.columns)
        return _names(self.columns, table, column) or _names(self.columns, table, "*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A change, what class it is for those who read it, and what is done before the next call."""

    change: Change
    kind: Class
    response: Response
    readers: tuple[str, ...]

    def finding(self) -> Finding:
        """Return it as a finding like any other."""
        severities: dict[Response, Severity] = {
            "hold": "block",
            "hold writes": "block",
            "rows to a person": "warn",
            "warn": "warn",
            "notify": "info",
            "record": "info",
        }
        place = ".".join(each for each in (self.change.table, self.change.column) if each)
        who = f"Read by {', '.join(self.readers)}." if self.readers else "Nothing here reads it."
        return Finding(
            rule=f"schema.{self.change.kind}",
            severity=severities[self.response],
            words=f"{place}: {_told(self.change)}. {who}",
            fix=_FIXES[self.response],
            where=place,
        )


def classified(changes: Sequence[Change], readers: Mapping[str, Reads]) -> tuple[Judged, ...]:
    """Return each change with its class and response. ``readers`` are workflows by name."""
    return tuple(_judged(change, readers) for change in changes)


def _judged(change: Change, readers: Mapping[str, Reads]) -> Judged:
    classes = {name: _class(change, reads) for name, reads in sorted(readers.items())}
    touched = tuple(name for name, kind in classes.items() if kind != "none")
    worst: Class = max(classes.values(), key=_ORDER.index, default="none")
    if worst == "none":
        breaks = _breaks_somebody(change)
        kind: Class = "breaking" if breaks else "additive" if change.kind in _ADDS else "none"
        return Judged(change=change, kind=kind, response="warn" if breaks else "record", readers=())
    return Judged(change=change, kind=worst, response=_response(change, worst), readers=touched)


_ORDER: tuple[Class, ...] = ("none", "additive", "behaviour", "breaking")
_ADDS = frozenset({"table_added", "column_added", "type_widened", "value_added", "unique_added"})


def _response(change: Change, kind: Class) -> Response:
    if kind == "breaking":
        return "hold writes" if change.kind in ("column_added", "null_forbidden") else "hold"
    return "rows to a person" if kind == "behaviour" else "notify"


def _class(change: Change, reads: Reads) -> Class:
    """Return what a change is for one reader; ``none`` where it does not touch what is read or written."""
    table, column = change.table, change.column
    read = reads.reads(table, column)
    written = table.casefold() in {each.casefold() for each in reads.writes}
    match change.kind:
        case "table_added":
            return "none"
        case "column_added":
            return _added(change, read=read or reads.reads(table), written=written)
        case "table_removed":
            return "breaking" if written or reads.reads(table) else "none"
        case "column_removed" | "type_changed" | "unit_changed" | "reference_changed" | "key_changed":
            return "breaking" if read or (written and change.kind != "reference_changed") else "none"
        case "unique_dropped":
            return "breaking" if reads.reads(table) else "none"
        case "unique_added":
            return "breaking" if written else "additive" if reads.reads(table) else "none"
        case "null_allowed":
            return _if(read, "additive" if _names(reads.handles_null, table, column) else "breaking")
        case "null_forbidden":
            return "breaking" if written else _if(read, "additive")
        case "value_added":
            return _if(read, "additive" if _names(reads.has_default, table, column) else "behaviour")
        case "value_removed":
            return "breaking" if read or written else "none"
        case "type_widened" | "default_changed":
            return "additive" if read or written else "none"
        case "order_changed":
            return (
                "breaking" if table.casefold() in {each.casefold() for each in reads.by_position} else "none"
            )
        case "type_respelled":
            return "none"
        case unreachable:
            assert_never(unreachable)


def _added(change: Change, *, read: bool, written: bool) -> Class:
    demanded = change.new is not None and not change.new.nullable and change.new.default is None
    if written and demanded:
        return "breaking"
    return "additive" if read or written else "none"


def _if(read: bool, kind: Class) -> Class:
    return kind if read else "none"


def _breaks_somebody(change: Change) -> bool:
    """Whether a change would break a reader: outside of this deployment there may be some."""
    somebody = Reads(columns=frozenset({f"{change.table}.*"}))
    return _class(change, somebody) == "breaking"


def _names(listed: frozenset[str], table: str, column: str) -> bool:
    return f"{table}.{column}".casefold() in {each.casefold() for each in listed}


_PLAINLY = {
    "column_removed": "the column is gone",
    "null_allowed": "it may be without a value now",
    "null_forbidden": "it must have a value now",
}


def _told(change: Change) -> str:
    if change.kind in _PLAINLY:
        return f"{_PLAINLY[change.kind]} ({change.kind.replace('_', ' ')})"
    if change.before and change.after:
        return f"{change.kind.replace('_', ' ')}, {change.before} before, {change.after} now"
    return f"{change.kind.replace('_', ' ')} {change.before or change.after}".strip()


_FIXES: dict[Response, str] = {
    "hold": "Runs that read it wait. Approve a mapping, or a new version of the contract.",
    "hold writes": "Actions that write it wait. Give the new field a value, or have it made optional.",
    "rows to a person": "Rows with the new value go to a person until the workflow knows it.",
    "warn": "Nothing here stops. Ask whether somebody outside reads it.",
    "notify": "Nothing to do; the owner is told.",
    "record": "Nothing to do.",
}
