"""Two segments of a run may be ready; one is handed over, and one is carried, at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import update

from bridgehead.enforce import ending, rows
from bridgehead.enforce.stop import wake
from bridgehead.kernel.clock import SystemClock, stamp
from bridgehead.kernel.decision import Reason, Refuse
from bridgehead.run import leftovers, runs, segments
from bridgehead.store import tables as t
from fixtures.engines import Works
from fixtures.houses import IDENTIFY, Desk, act

NO = Refuse(step=4, reasons=(Reason(rule="limits", words="Too late for that."),))


@pytest.fixture
def desk_of_many(postgresql_url: str, tmp_path: Path) -> Iterator[Desk]:
    """A desk on PostgreSQL."""
    made = Desk(tmp_path, store=postgresql_url, engine="dbos", clock=SystemClock())
    yield made
    made.close()


def handed(desk: Desk) -> list[int]:
    with desk.house.store.writing() as connection:
        return [segment.number for segment in segments.hand_over(connection, desk.clock, 200)]


def answer(desk: Desk, run: str) -> None:
    """Wake a run, as a vote does."""
    with desk.house.store.writing() as connection:
        wake(connection, [run], stamp(desk.clock.now()))


@pytest.mark.postgresql
def test_a_segment_given_back_and_one_woken_meanwhile(desk_of_many: Desk) -> None:
    desk, store = desk_of_many, desk_of_many.house.store
    run = desk.start(IDENTIFY)
    assert handed(desk) == [1] and segments.take(store, "w1", run, 1)
    answer(desk, run)
    assert handed(desk) == [], "the first is under way"
    with store.writing() as connection:
        assert segments.release(connection, "w1") == [(run, 1)]
    assert (handed(desk), handed(desk)) == ([1], []), "the earlier one, alone"
    assert segments.take(store, "w2", run, 1)


@pytest.mark.postgresql
def test_a_segment_is_not_taken_beside_another_one(desk_of_many: Desk) -> None:
    """Both are in the queue: rows of an older version, or of an operator's hand."""
    desk, store = desk_of_many, desk_of_many.house.store
    run = desk.start(IDENTIFY)
    assert handed(desk) == [1] and segments.take(store, "w1", run, 1)
    answer(desk, run)
    with store.writing() as connection:
        connection.execute(update(t.segment).where(t.segment.c.number == 2).values(state="queued"))
    with pytest.raises(segments.Beside):
        segments.take(store, "w2", run, 2)
    with store.writing() as connection:
        assert segments.give_back(connection, "w2", run, 2)
        assert not segments.give_back(connection, "w2", run, 1), "that is another's"
    assert segments.take(store, "w2", run, 1), "taken over, as from a dead worker"


@pytest.mark.postgresql
def test_runs_woken_while_their_engine_was_stopped(workshop: Works) -> None:
    """Embedded carried them, somebody answered, it was stopped; then workers start on the same store."""
    ids = [workshop.start(f"inv-{n}", f"inv-{n}-b") for n in range(3)]
    store, clock = workshop.house.store, SystemClock()
    assert len(segments.claim_due(store, clock, "embedded-1", 100)) == 3
    with store.writing() as connection:
        wake(connection, ids, stamp(clock.now()))
        segments.release(connection, "embedded-1")
    workshop.worker()
    assert [workshop.ended(run) for run in ids] == [["Done", "Done"]] * 3
    assert (workshop.incidents(), workshop.count("run.ended")) == ([], 3)
    assert len(workshop.booked()) == len(set(workshop.booked())) == 6


async def test_a_refusal_overwrites_nothing_that_has_its_end(desk: Desk) -> None:
    """A decision that took long comes second: the effect is on record as what it was."""
    run = desk.start(IDENTIFY, act("refund", order_id="o1", amount=20))
    await desk.work()
    boundary, place = desk.house.boundary, rows.at(run, "2")
    with desk.house.store.reading() as connection:
        row = rows.find(connection, run, "2")
        whole = runs.row_of(connection, run)
        segment = segments.Segment(run=run, number=1, attempt=1, release=whole.release)
        state = runs.state_of(whole, segment, runs.principal_of(boundary.charter.people, whole))
        assert row is not None and row.state == "done"
        crossing = leftovers._crossing(connection, boundary, state, row)
    for now in ("done", "failed"):
        with desk.house.store.writing() as connection:
            connection.execute(update(t.crossing).where(*place).values(state=now))
        with pytest.raises(ending.SettledElsewhere):
            await ending.refuse(boundary, crossing, NO)
        assert [one.state for one in desk.crossings(run, "refund")] == [now]
