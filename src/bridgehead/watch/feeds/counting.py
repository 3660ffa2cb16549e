"""Every published batch is counted, column by column, and compared with what somebody accepted.

In the order in which batches were published; what a process left undone the next look does, so that a batch
that people released is counted too. Never: part of the verdict over a batch.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, select

from bridgehead.enforce.snapshots import members, newest
from bridgehead.kernel.clock import unstamp
from bridgehead.kernel.errors import LedgerError, StoreError
from bridgehead.store import tables as t
from bridgehead.watch.checks.engine import Limits, Unmeasured
from bridgehead.watch.checks.where import Place, place_of
from bridgehead.watch.distributions import rows
from bridgehead.watch.distributions.framing import framed
from bridgehead.watch.distributions.judging import counting
from bridgehead.watch.distributions.measuring import profiled
from bridgehead.watch.distributions.personal import keys
from bridgehead.watch.distributions.rows import Kept, Part
from bridgehead.watch.feeds.published import copies, files_of
from bridgehead.watch.feeds.publishing import label_of
from bridgehead.watch.feeds.supply import Supply
from bridgehead.watch.profile import Frame

LOOKED_BACK = 30
"""Batches that are counted where nobody counted any yet."""
_log = logging.getLogger("bridgehead.watch")


def count_batches(supply: Supply) -> None:
    """Count what was published and not counted yet. Raises ``StoreError`` or ``LedgerError`` where it cannot
    be written down; whatever else goes wrong is said of the batch."""
    if supply.promised is None:
        return
    for row in supply.boundary.store.look(lambda connection: _waiting(connection, supply)):
        try:
            _count(supply, row)
        except (StoreError, LedgerError):
            raise
        except Exception as error:
            _log.exception("a batch was not counted")
            words = error.words if isinstance(error, Unmeasured) else type(error).__name__
            unit = counting(supply.boundary, supply.contract, part_of(supply, row), fault=words)
            supply.boundary.ledger.append(unit)


def opened(supply: Supply, batches: Sequence[Row[Any]]) -> Place:
    """Open the copies of batches as one table. Raises ``WatchError``; ``Unmeasured`` where none is here."""
    assert supply.promised is not None
    folders = [supply.boundary.state / row.file for row in batches]
    files = files_of([file for folder in folders for file in copies(folder)])
    return place_of({supply.table: files}, [supply.promised], limits=Limits(), clock=supply.boundary.clock)


def part_of(supply: Supply, row: Row[Any]) -> Part:
    """Return a batch as it is counted: by what its sender calls it, and the latest day it is about."""
    days = [date.fromisoformat(day) for day in json.loads(row.about)]
    return Part(
        source=supply.source,
        table=supply.table,
        part=label_of(row.name),
        name=row.name,
        day=max(days, default=unstamp(row.first_seen_at).date()),
        at=unstamp(row.decided_at),
    )


def _count(supply: Supply, row: Row[Any]) -> None:
    boundary, table = supply.boundary, supply.promised
    assert table is not None
    live = boundary.store.look(lambda connection: _live(connection, supply))
    hidden = keys(boundary, supply.source, table)
    with opened(supply, [row]) as place:
        frames: list[Frame] = [kept.frame for kept in live] or [framed(table, place.engine, hidden)]
        counted = {each.digest: profiled(each, table, place.engine, hidden) for each in frames}
    part = replace(part_of(supply, row), profiles=counted)
    there = boundary.store.look(lambda connection: _there(connection, supply))
    boundary.ledger.append(
        counting(
            boundary,
            supply.contract,
            part,
            frame=None if live else frames[0],
            only=there,
        )
    )


def _there(connection: Connection, supply: Supply) -> tuple[str, ...] | None:
    """Return the batches that a table whose batches add up consists of; of others, None."""
    found = newest(connection, supply.source, supply.table)
    if found is None or supply.feed.holds != "new":
        return None
    return members(connection, supply.source, supply.table, found.number)


def _live(connection: Connection, supply: Supply) -> tuple[Kept, ...]:
    return rows.live(connection, supply.source, supply.table, supply.boundary.clock.now())


def _waiting(connection: Connection, supply: Supply) -> list[Row[Any]]:
    """Return published batches that were not counted, in order: those since the last one that was."""
    here = (t.batch.c.source == supply.source, t.batch.c.object == supply.table)
    ready = (*here, t.batch.c.state == "published", t.batch.c.file != "", t.batch.c.decided_at.is_not(None))
    live = _live(connection, supply)
    if not live:
        last = select(t.batch).where(*ready).order_by(t.batch.c.first_seen_at.desc()).limit(LOOKED_BACK)
        return list(reversed(connection.execute(last).all()))
    frame = live[0].frame.digest
    since = rows.counted_until(connection, supply.source, supply.table, frame) or live[0].made_at
    found = connection.execute(
        select(t.batch)
        .where(*ready, t.batch.c.decided_at >= since)
        .order_by(t.batch.c.decided_at, t.batch.c.first_seen_at)
    ).all()
    done = rows.counted(connection, supply.source, supply.table, frame)
    return [row for row in found if row.name not in done]
