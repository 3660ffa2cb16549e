"""Baselines and profiles in the store: a batch that comes again replaces its own, and old ones go.

Read and written in the unit that uses them. A table has one baseline that somebody accepted, or the frame its
first batch was counted in (``learning``); and for eight weeks the one before, so that both are seen.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, select, update

from bridgehead.kernel.clock import stamp
from bridgehead.store import tables as t
from bridgehead.watch import stored
from bridgehead.watch.distributions.written import columns_text, frame_of, frame_text, profile_of
from bridgehead.watch.drift.judging import TOGETHER, WEEKS, Dated, DriftState
from bridgehead.watch.profile import Column, Frame, Profile

State = Literal["learning", "current", "overlap"]
OVERLAP = timedelta(weeks=WEEKS[1])
"""For how long batches are counted in the bins of the baseline before, too."""
KEPT = 400
"""Profiles that are kept of a table in each frame."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A frame batches are counted in, and what was accepted in it, where anybody accepted it."""

    frame: Frame
    state: State
    accepted: Profile
    made_at: str
    accepted_by: str = ""
    batches: tuple[str, ...] = ()
    until: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A batch, or a day of a table that is looked at whole, as it was counted: ``profiles`` by the digest of
    their frame. ``name`` is the row of ``batch``, where there is one."""

    source: str
    table: str
    part: str
    day: date
    at: datetime
    name: str = ""
    profiles: Mapping[str, Profile] = field(default_factory=dict)


def live(connection: Connection, source: str, table: str, now: datetime) -> tuple[Kept, ...]:
    """Return the frames that batches of a table are counted in now, the accepted one first."""
    rows = connection.execute(select(t.baseline).where(*_of(t.baseline, source, table))).all()
    found = [_kept(row) for row in rows if row.state != "overlap" or row.until > stamp(now)]
    order: tuple[State, ...] = ("current", "learning", "overlap")
    return tuple(sorted(found, key=lambda one: order.index(one.state)))


def begin(connection: Connection, part: Part, frame: Frame, now: datetime) -> Kept:
    """Count a table's batches in a frame that nobody accepted yet, beginning with one; return it."""
    seen = part.profiles[frame.digest]
    kept = Kept(frame=frame, state="learning", accepted=seen, made_at=stamp(part.at), batches=(part.part,))
    _insert(connection, part.source, part.table, kept)
    return kept


def replace_baseline(connection: Connection, source: str, table: str, kept: Kept, now: datetime) -> str:
    """Let a baseline hold from now on; return the digest of the one it replaces, or nothing. That one's bins
    are kept for ``OVERLAP``."""
    here = _of(t.baseline, source, table)
    before = connection.execute(
        select(t.baseline.c.frame).where(*here, t.baseline.c.state == "current")
    ).scalar()
    for state in ("learning", "overlap"):
        _drop(connection, source, table, t.baseline.c.state == state)
    if before == kept.frame.digest:  # the very same data again: another person, another day
        connection.execute(delete(t.baseline).where(*here, t.baseline.c.frame == before))
    connection.execute(
        update(t.baseline)
        .where(*here, t.baseline.c.state == "current")
        .values(state="overlap", until=stamp(now + OVERLAP))
    )
    _insert(connection, source, table, kept)
    return before or ""


def keep(
    connection: Connection, part: Part, frame: str, judged: Mapping[str, Any], state: DriftState | None, *,
    drifted: bool,
) -> None:  # fmt: skip
    """Write a part's profile down in a frame; what was known of that part before is gone."""
    profile, here = part.profiles[frame], _of(t.profile, part.source, part.table)
    connection.execute(
        delete(t.profile).where(*here, t.profile.c.frame == frame, t.profile.c.part == part.part)
    )
    connection.execute(
        insert(t.profile).values(
            source=part.source,
            object=part.table,
            frame=frame,
            part=part.part,
            batch=part.name,
            day=part.day.isoformat(),
            at=stamp(part.at),
            rows=profile.rows,
            columns=columns_text(profile),
            drifted=int(drifted),
            judged=json.dumps(judged, sort_keys=True, separators=(",", ":")),
            state=json.dumps(stored.plain(state)) if state is not None else "",
        )
    )


def counted(connection: Connection, source: str, table: str, frame: str) -> frozenset[str]:
    """Return the rows of ``batch`` that were counted in a frame."""
    here = (*_of(t.profile, source, table), t.profile.c.frame == frame)
    return frozenset(connection.execute(select(t.profile.c.batch).where(*here)).scalars())


def counted_until(connection: Connection, source: str, table: str, frame: str) -> str:
    """Return when the batch was published that was counted last; empty before the first."""
    here = (*_of(t.profile, source, table), t.profile.c.frame == frame)
    return connection.execute(select(func.max(t.profile.c.at)).where(*here)).scalar() or ""


def only(connection: Connection, source: str, table: str, batches: Collection[str]) -> None:
    """Drop the profiles of batches that are not among these: another one has taken their place."""
    here = _of(t.profile, source, table)
    known = connection.execute(select(t.profile.c.batch).where(*here).distinct()).scalars().all()
    for name in set(known) - set(batches):
        connection.execute(delete(t.profile).where(*here, t.profile.c.batch == name))


def sweep(connection: Connection, source: str, table: str, now: datetime) -> None:
    """Drop frames whose overlap is over, and profiles beyond the newest ``KEPT`` of each frame."""
    ended = (t.baseline.c.state == "overlap") & (t.baseline.c.until <= stamp(now))
    _drop(connection, source, table, ended)
    here = _of(t.profile, source, table)
    for frame in connection.execute(select(t.profile.c.frame).where(*here).distinct()).scalars().all():
        mine = (*here, t.profile.c.frame == frame)
        order = (t.profile.c.day.desc(), t.profile.c.at.desc())
        old = connection.execute(
            select(t.profile.c.part).where(*mine).order_by(*order).offset(KEPT)
        ).scalars()
        for part in old.all():
            connection.execute(delete(t.profile).where(*mine, t.profile.c.part == part))


def history(connection: Connection, part: Part, frame: str) -> tuple[Dated, ...]:
    """Return the parts before that one is compared with: of the same weekday, and the last ones."""
    rows = connection.execute(
        select(t.profile.c.part, t.profile.c.day, t.profile.c.drifted)
        .where(
            *_of(t.profile, part.source, part.table),
            t.profile.c.frame == frame,
            t.profile.c.day < part.day.isoformat(),
            t.profile.c.part != part.part,
        )
        .order_by(t.profile.c.day.desc(), t.profile.c.at.desc())
    ).all()
    weekday = part.day.weekday()
    same = [row for row in rows if date.fromisoformat(row.day).weekday() == weekday and not row.drifted]
    wanted = {row.part for row in (*same[: WEEKS[1]], *rows[: TOGETHER - 1])}
    found = connection.execute(
        select(t.profile).where(
            *_of(t.profile, part.source, part.table), t.profile.c.frame == frame, t.profile.c.part.in_(wanted)
        )
    )
    return tuple(
        Dated(
            day=date.fromisoformat(row.day),
            profile=profile_of(frame, row.rows, row.columns),
            drifted=bool(row.drifted),
        )
        for row in found
    )


def last(connection: Connection, part: Part, frame: str) -> Row[Any] | None:
    """Return the row of the part that was judged before this one; None for the first."""
    return connection.execute(
        select(t.profile)
        .where(
            *_of(t.profile, part.source, part.table),
            t.profile.c.frame == frame,
            t.profile.c.part != part.part,
            t.profile.c.state != "",
        )
        .order_by(t.profile.c.at.desc(), t.profile.c.day.desc())
        .limit(1)
    ).first()


def is_same(row: Row[Any], profile: Profile) -> bool:
    """Say whether a part that was judged had the very same figures: counts, and the smallest and largest.
    Sums of fractions depend on the order in which an engine adds."""
    return bool(row.rows == profile.rows) and _counts(
        profile_of(profile.frame, row.rows, row.columns)
    ) == _counts(profile)


def again(connection: Connection, part: Part, frame: str, row: Row[Any]) -> None:
    """Write a part down of which nothing changed since another one: what was said of that holds."""
    state = stored.read(DriftState, json.loads(row.state))
    keep(connection, part, frame, json.loads(row.judged), state, drifted=bool(row.drifted))


def newest_day(connection: Connection, source: str, table: str, frame: str) -> str:
    """Return the latest business day that was counted; empty where none was."""
    found: str | None = connection.execute(
        select(t.profile.c.day)
        .where(*_of(t.profile, source, table), t.profile.c.frame == frame)
        .order_by(t.profile.c.day.desc())
        .limit(1)
    ).scalar()
    return found or ""


def _counts(profile: Profile) -> tuple[Column, ...]:
    return tuple(replace(one, total="", squares="") for one in profile.columns)


def _kept(row: Row[Any]) -> Kept:
    return Kept(
        frame=frame_of(row.counted),
        state=row.state,
        accepted=profile_of(row.frame, row.rows, row.columns),
        made_at=row.made_at,
        accepted_by=row.accepted_by,
        batches=tuple(json.loads(row.batches)),
        until=row.until,
    )


def _insert(connection: Connection, source: str, table: str, kept: Kept) -> None:
    connection.execute(
        insert(t.baseline).values(
            source=source,
            object=table,
            frame=kept.frame.digest,
            state=kept.state,
            counted=frame_text(kept.frame),
            columns=columns_text(kept.accepted),
            rows=kept.accepted.rows,
            batches=json.dumps(list(kept.batches)),
            made_at=kept.made_at,
            accepted_by=kept.accepted_by,
            until=kept.until,
        )
    )


def _drop(connection: Connection, source: str, table: str, which: ColumnElement[bool]) -> None:
    """Drop baselines together with the profiles in their frames."""
    here = _of(t.baseline, source, table)
    frames = connection.execute(select(t.baseline.c.frame).where(*here, which)).scalars().all()
    connection.execute(delete(t.profile).where(*_of(t.profile, source, table), t.profile.c.frame.in_(frames)))
    connection.execute(delete(t.baseline).where(*here, t.baseline.c.frame.in_(frames)))


def _of(table: Any, source: str, name: str) -> tuple[ColumnElement[bool], ...]:
    return table.c.source == source, table.c.object == name
