"""What the batches of a table do to its readers: a ``Look`` from rows alone, made within a unit.

- What the published batch broke and was published with, it does.
- A batch that was kept apart: what was published before is read meanwhile, as if nothing were wrong while
  it is not older than ``bridgeheadMaxStaleness``; from then on like ``lastGood``. Where the contract does not
  say how old it may be, at once.
- How new the published data are is judged at every look, against the clock.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from bridgehead.enforce.snapshots import Snapshot, last_in, newest
from bridgehead.kernel.canonical import recordable
from bridgehead.kernel.clock import stamp, unstamp
from bridgehead.store import tables as t
from bridgehead.watch.breach import NOT_LOOKED, said_of
from bridgehead.watch.checks.compile import checks as compiled
from bridgehead.watch.checks.ir import Age, Numbers
from bridgehead.watch.checks.judge import judge
from bridgehead.watch.feeds import columns
from bridgehead.watch.feeds.judging import GOES_WITH_IT, moment
from bridgehead.watch.feeds.publishing import label_of
from bridgehead.watch.feeds.said import about, words_of
from bridgehead.watch.feeds.supply import Supply
from bridgehead.watch.health import Broken, Look, ahead_of


def standing(
    connection: Connection,
    supply: Supply,
    more: tuple[Broken, ...] = (),
    until: datetime | None = None,
) -> Look:
    """Return what is known of a table that comes in batches, now. ``more`` is what else is broken about it,
    ``until`` when that stops being true, if earlier than the next look."""
    now = supply.boundary.clock.now()
    inside = f"{supply.boundary.deployment.folder}/"
    found = newest(connection, supply.source, supply.table)
    ends = [until] if until is not None else []
    broken = [*more, *_left_out(supply)]
    if found is None:
        broken.append(_unpublished(supply))
    else:
        broken += [*_published(connection, supply, found), *_age(connection, supply, found, now)]
    for each, end in _apart(connection, supply, found, now):
        broken.append(each)
        ends += [end] if end is not None else []
    return Look(
        source=supply.source,
        table=supply.table,
        at=_not_before(connection, supply, now),
        broken=tuple(replace(each, where=each.where.removeprefix(inside)) for each in broken),
        data_as_of=found.data_as_of if found is not None else "",
        until=min(ends, default=None),
    )


def _not_before(connection: Connection, supply: Supply, now: datetime) -> datetime:
    """Return now, or the time of the last look where the clock of another machine is a little ahead: units
    follow one another, and this one has read what that one wrote. A time beyond that is of a clock that was
    wrong: kept, it would count as looked at until then."""
    last = connection.execute(
        select(t.looked_at.c.checked_at).where(
            t.looked_at.c.source == supply.source, t.looked_at.c.object == supply.table
        )
    ).scalar()
    return max(now, unstamp(last)) if last and last <= ahead_of(now) else now


def _left_out(supply: Supply) -> Iterator[Broken]:
    if supply.promised is None:
        words = f"The contract {supply.contract.name} says nothing of {supply.table}."
        yield Broken(clause="look", response=NOT_LOOKED, words=words, where=supply.where())


def _unpublished(supply: Supply) -> Broken:
    words = f"No batch of {supply.name} was published yet: whoever reads it is refused."
    return Broken(clause="published", response="lastGood", words=words, where=supply.where())


def _published(connection: Connection, supply: Supply, found: Snapshot) -> Iterator[Broken]:
    """Yield what the newest published batch broke, and was published with. People who released one have
    answered for the rest, but for what nobody could evaluate: they do not know it either. A change of its
    columns is over once they accepted it."""
    open_ = columns.still_open(connection, supply)
    for each in about(last_in(connection, supply.source, supply.table, found.number).said).said:
        if each.kind == "schema" and each.clause not in open_:
            continue
        if each.kind in ("clause", "schema") and (each.response in GOES_WITH_IT or each.unevaluated):
            went = each.response in GOES_WITH_IT
            yield Broken(
                clause=each.clause,
                response=each.response if went else "warn",
                words=each.words,
                where=each.where,
                readers=each.readers if went else {},
            )


def _age(connection: Connection, supply: Supply, found: Snapshot, now: datetime) -> Iterator[Broken]:
    """Yield the freshness clauses that the newest moments in the published data do not keep now."""
    fresh = [
        check
        for check in compiled(supply.contract)
        if check.table == supply.table and isinstance(check.test, Age)
    ]
    if not fresh:
        return
    known = about(last_in(connection, supply.source, supply.table, found.number).said).newest
    for check in fresh:
        value = known.get(check.id) or None
        numbers = Numbers(values={(check.table, check.metric): value}, faults={}, rows={}, stated={})
        verdict = judge(check, numbers, now)
        if verdict.is_breach:
            yield said_of(verdict)


def _apart(
    connection: Connection, supply: Supply, found: Snapshot | None, now: datetime
) -> Iterator[tuple[Broken, datetime | None]]:
    """Yield each batch that waits for people, and until when what was published before may be read as if
    nothing were wrong."""
    rows = connection.execute(
        select(t.batch)
        .where(
            t.batch.c.source == supply.source,
            t.batch.c.object == supply.table,
            t.batch.c.state == "quarantined",
        )
        .order_by(t.batch.c.first_seen_at)
    ).all()
    for row in rows:
        end = _bearable_until(supply, found, row.first_seen_at)
        bearable = end is not None and now < end
        read = f"what is read is as of {_told(found.data_as_of)}" if found else "nothing was published before"
        if bearable and end is not None:
            read += f", which may be so until {_told(stamp(end))}"
        known = f"Batch {label_of(row.name)} was not published, and {read}: {words_of(about(row.said).said)}"
        yield (
            Broken(
                clause=f"batch {row.name}",
                response="warn" if bearable else "lastGood",
                words=recordable(known[:2000]),
                where=supply.where(),
            ),
            end if bearable else None,
        )


def _told(text: str) -> str:
    """Return a moment as people read it; a day stays a day."""
    day, _, time = text.replace(" ", "T").partition("T")
    return f"{day} {time[:5]} UTC" if time else day


def _bearable_until(supply: Supply, found: Snapshot | None, came_at: str) -> datetime | None:
    """Return until when the last good data may be read as if nothing were wrong; None where never: nobody
    said how old they may be. Rows that are missing among newer ones are missing since they came; where
    nothing newer was published, all of it is as old as it says."""
    if supply.max_staleness is None or found is None:
        return None
    since = moment(found.data_as_of)
    if since is None:
        return None
    if supply.feed.holds == "new":
        since = min(since, unstamp(came_at))
    return since + timedelta(seconds=supply.max_staleness)
