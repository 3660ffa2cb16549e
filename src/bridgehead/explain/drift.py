"""How far the columns of a table lie from what a person accepted, and from which size on that matters.

In: the rows that ``watch`` writes. Out: a line for each column, the worst first, and everything about one of
them. Never: looks at data, shows a value of a personal column, calls a column in order that was not compared.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, Row, select

from bridgehead.store import tables as t
from bridgehead.watch.distributions import rows
from bridgehead.watch.distributions.judging import FAULT
from bridgehead.watch.distributions.plainly import labels
from bridgehead.watch.distributions.rows import Kept
from bridgehead.watch.distributions.written import profile_of
from bridgehead.watch.profile import Column, ColumnFrame

Standing = Literal["moved", "within", "not watched", "not compared"]
Counted = Literal["numbers", "values", "missing only"]
_ORDER: tuple[Standing, ...] = ("moved", "not compared", "within", "not watched")
HISTORY = 60
"""Batches of which the history of a column is shown."""
_NAMES = {
    "psi": "how values are spread (PSI)",
    "ks": "how far values have shifted (KS distance)",
    "tv": "how often each value occurs (total variation)",
    "null_rate": "more missing values",
    "unseen": "values never seen before",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One distance: its ``size``, from which size on it ``matters``, and the ``noise`` chance alone brings.

    ``times`` is the size as a multiple of what matters. ``before`` and ``now`` are the shares it compares,
    where it compares shares.
    """

    measure: str
    name: str
    size: float
    matters: float
    noise: float
    times: float
    before: float
    now: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnLine:
    """A column: how it is counted, how it stands, and the distance that is largest beside what matters."""

    column: str
    counted: Counted
    personal: bool
    standing: Standing
    worst: Measured | None
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TableDrift:
    """A table's columns beside its baseline. ``accepted_by`` is empty where nobody accepted one; ``newest``
    is the batch or day that was counted last."""

    source: str
    table: str
    accepted_by: str
    accepted_at: str
    batches: tuple[str, ...]
    rows: int
    newest: str
    newest_rows: int
    counted: int
    columns: tuple[ColumnLine, ...]

    @property
    def moved(self) -> tuple[str, ...]:
        """Return the columns that have moved."""
        return tuple(line.column for line in self.columns if line.standing == "moved")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A bin, or a value: the share of rows in it that were accepted, and of the newest batch."""

    label: str
    before: float
    now: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A batch of the past: how far the column lay from the baseline that held then, as a multiple of what
    matters. ``older``: that baseline has been replaced."""

    part: str
    day: str
    times: float
    measure: str
    moved: bool
    older: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnDrift:
    """Everything about one column. ``missing`` are the shares of rows without a value: accepted, now."""

    table: TableDrift
    line: ColumnLine
    bars: tuple[Bar, ...]
    missing: tuple[float, float]
    measured: tuple[Measured, ...]
    history: tuple[Moment, ...]
    means: str


def drift(connection: Connection, source: str, table: str, now: datetime) -> TableDrift | None:
    """Return how the columns of a table stand; None where it was never counted."""
    kept = _kept(connection, source, table, now)
    if kept is None:
        return None
    newest = next(iter(_parts(connection, source, table, kept.frame.digest, 1)), None)
    judged = json.loads(newest.judged) if newest is not None else {}
    lines = [_line(one, judged.get(one.name), kept) for one in kept.frame.columns]
    return TableDrift(
        source=source,
        table=table,
        accepted_by=kept.accepted_by,
        accepted_at=kept.made_at if kept.accepted_by else "",
        batches=kept.batches,
        rows=kept.accepted.rows,
        newest=newest.part if newest is not None else "",
        newest_rows=newest.rows if newest is not None else 0,
        counted=len(_parts(connection, source, table, kept.frame.digest, rows.KEPT)),
        columns=tuple(sorted(lines, key=_badness)),
    )


def column(connection: Connection, source: str, table: str, name: str, now: datetime) -> ColumnDrift | None:
    """Return everything about a column; None where it was never counted."""
    whole, kept = drift(connection, source, table, now), _kept(connection, source, table, now)
    line = next((each for each in whole.columns if each.column == name), None) if whole else None
    if whole is None or kept is None or line is None:
        return None
    parts = _parts(connection, source, table, kept.frame.digest, HISTORY)
    frame, before = kept.frame.column(name), kept.accepted.column(name)
    latest = profile_of(kept.frame.digest, parts[0].rows, parts[0].columns).column(name) if parts else before
    judged = json.loads(parts[0].judged) if parts else {}
    return ColumnDrift(
        table=whole,
        line=line,
        bars=tuple(_bars(frame, before, latest)),
        missing=(_share(before.nulls, before.rows), _share(latest.nulls, latest.rows)),
        measured=tuple(_measured(judged.get(name))),
        history=(*_before(connection, source, table, name, kept, now), *_history(reversed(parts), name))[
            -HISTORY:
        ],
        means=_means(whole, line),
    )


def moved(connection: Connection) -> dict[str, list[str]]:
    """Return the columns that have moved now, by ``source.table``."""
    found: dict[str, list[str]] = {}
    like = t.breach.c.clause.startswith("drift.")
    for row in connection.execute(select(t.breach).where(like).order_by(t.breach.c.clause)):
        column = row.clause.removeprefix("drift.")
        found.setdefault(f"{row.source}.{row.object}", [])
        if row.clause != FAULT:
            found[f"{row.source}.{row.object}"].append(column)
    return found


def standings(connection: Connection) -> dict[str, str]:
    """Return by ``source.table`` who accepted what it looks like; empty text where nobody did."""
    found = connection.execute(select(t.baseline).where(t.baseline.c.state != "overlap"))
    return {f"{row.source}.{row.object}": row.accepted_by for row in found}


def _kept(connection: Connection, source: str, table: str, now: datetime) -> Kept | None:
    return next(iter(rows.live(connection, source, table, now)), None)


def _parts(connection: Connection, source: str, table: str, frame: str, most: int) -> Sequence[Row[Any]]:
    """Return parts, the newest first."""
    here = (t.profile.c.source == source, t.profile.c.object == table, t.profile.c.frame == frame)
    order = (t.profile.c.day.desc(), t.profile.c.at.desc())
    return connection.execute(select(t.profile).where(*here).order_by(*order).limit(most)).all()


def _line(one: ColumnFrame, judged: Mapping[str, Any] | None, kept: Kept) -> ColumnLine:
    measured = tuple(_measured(judged))
    worst = max(measured, key=lambda each: each.times, default=None)
    standing: Standing = "within"
    if not kept.accepted_by or judged is None:
        standing = "not compared"
    elif judged["level"]:
        standing = "moved"
    elif not judged["watched"]:
        standing = "not watched"
    return ColumnLine(
        column=one.name,
        counted="numbers" if one.numeric else "values" if one.top or one.known else "missing only",
        personal=one.keyed,
        standing=standing,
        worst=worst,
        words=judged["words"] if judged else "",
    )


def _badness(line: ColumnLine) -> tuple[int, float, str]:
    return _ORDER.index(line.standing), -(line.worst.times if line.worst else 0.0), line.column


def _measured(judged: Mapping[str, Any] | None) -> Iterator[Measured]:
    for each in judged["effects"] if judged else ():
        yield Measured(
            measure=each["measure"],
            name=_NAMES[each["measure"]],
            size=each["size"],
            matters=each["matters"],
            noise=each["floor"],
            times=each["size"] / each["matters"],
            before=each["before"],
            now=each["now"],
        )


def _before(
    connection: Connection, source: str, table: str, name: str, kept: Kept, now: datetime
) -> Iterator[Moment]:
    """Yield the batches that were compared with the baseline before, up to when it was replaced."""
    for each in rows.live(connection, source, table, now):
        if each.state == "overlap":
            parts = _parts(connection, source, table, each.frame.digest, HISTORY)
            then = [row for row in reversed(parts) if row.at <= kept.made_at]
            yield from (replace(one, older=True) for one in _history(iter(then), name))


def _history(parts: Iterator[Row[Any]], name: str) -> Iterator[Moment]:
    for row in parts:
        judged = json.loads(row.judged).get(name)
        worst = max(_measured(judged), key=lambda each: each.times, default=None)
        if worst is None:
            continue
        yield Moment(
            part=row.part,
            day=row.day,
            times=max(worst.times, 0.0),
            measure=worst.name,
            moved=bool(judged["level"]),
        )


def _bars(frame: ColumnFrame, before: Column, now: Column) -> Iterator[Bar]:
    for label, was, becomes in zip(labels(frame), before.counts, now.counts, strict=True):
        if was or becomes or not frame.numeric:
            yield Bar(label=label, before=_share(was, before.present), now=_share(becomes, now.present))


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _means(table: TableDrift, line: ColumnLine) -> str:
    """Return in one sentence what it means for whoever answers for it."""
    if line.standing == "moved":
        return (
            f"{line.words} More results of what reads it are drawn for people to look at, until a batch is "
            "within what was accepted again, or somebody accepts a new baseline; nothing is held back."
        )
    if not table.accepted_by:
        return "Nobody has accepted what is normal for it: nothing is compared, and nobody would hear."
    if line.standing == "not compared":
        return "No batch has come since the baseline was accepted; the next one is compared with it."
    if line.standing == "not watched":
        return "The contract says that it moves by nature (bridgeheadDrift: off): nobody is told of it."
    if line.worst is None:
        return "There was nothing to compare: a side has no rows."
    return (
        f"Within what was accepted. Furthest off is {_said(line.worst)}; "
        f"chance alone brings about {line.worst.noise:.2g}."
    )


def _said(worst: Measured) -> str:
    if worst.measure in ("null_rate", "unseen"):
        return f"{worst.name}: {worst.size:+.1%} of rows, where {worst.matters:.1%} would matter"
    return f"{worst.name}: {worst.size:.2f}, where {worst.matters:.2f} would matter"
