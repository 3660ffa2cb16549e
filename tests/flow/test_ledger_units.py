"""A unit of work: row changes and the entries that speak of them happen together, or not at all."""

from __future__ import annotations

import asyncio
import threading

import pytest
from sqlalchemy import Connection, insert, select, text
from sqlalchemy.exc import IntegrityError, ProgrammingError

from bridgehead.kernel.clock import SetClock
from bridgehead.kernel.entry import Written
from bridgehead.kernel.errors import LedgerError, StoreError
from bridgehead.record import Keys, Ledger, Work
from bridgehead.record.batch import Appender, Unit
from bridgehead.record.body import DataKeys
from bridgehead.record.entries import envelope_of
from bridgehead.store import Store
from bridgehead.store import tables as t
from fixtures.ledgers import ORIGIN, case, entry, recording


def head_of(run: str, seq: int = 0) -> object:
    """A row change that a test can see, in a table of our own: a run's head that nobody appends to."""
    return insert(t.run_head).values(run=run, seq=seq, prev="")


def rows(store: Store) -> set[str]:
    with store.reading() as connection:
        return set(connection.execute(select(t.run_head.c.run)).scalars())


def test_a_receipt_tells_where_the_entries_went(ledger: Ledger, store: Store) -> None:
    receipt = ledger.append(recording(entry("run.started", "r1"), entry("run.ended", "r1"), value=42))
    assert receipt.value == 42
    assert [written.index for written in receipt.entries] == [0, 1]
    with store.reading() as connection:
        first, second = (envelope_of(connection, index) for index in (0, 1))
    assert (first["seq"], first["prev"]) == (1, "")
    assert (second["seq"], second["prev"]) == (2, receipt.entries[0].leaf)
    assert first["origin"] == ORIGIN
    assert first["time"] == "2026-03-01T09:00:00.000000Z"
    assert ledger.size_and_root()[0] == 2


def test_then_stores_the_indexes_in_rows_of_the_same_transaction(ledger: Ledger, store: Store) -> None:
    def then(connection: Connection, written: tuple[Written, ...]) -> None:
        connection.execute(head_of("points-at", written[0].index))

    ledger.append(recording(entry("run.started", "r1")))
    ledger.append(lambda _: Work(drafts=(entry("run.ended", "r1"),), then=then))
    with store.reading() as connection:
        pointer = connection.execute(
            select(t.run_head.c.seq).where(t.run_head.c.run == "points-at")
        ).scalar_one()
    assert pointer == 1


@pytest.mark.parametrize("where", ["work", "draft", "then"])
def test_a_unit_that_raises_leaves_nothing_behind(ledger: Ledger, store: Store, where: str) -> None:
    def then(connection: Connection, written: tuple[Written, ...]) -> None:
        raise KeyError("then")

    def work(connection: Connection) -> Work:
        connection.execute(head_of("half-done"))
        if where == "work":
            raise KeyError("work")
        extra = {"secret": "leaks"} if where == "draft" else {}
        return Work(drafts=(entry("run.started", "r1", {"b": 1}, "zoe", **extra),), then=then)

    with pytest.raises((KeyError, LedgerError)):
        ledger.append(work)
    assert rows(store) == set()
    assert ledger.size_and_root()[0] == 0
    # The data key that was made for zoe was undone as well, and is not remembered.
    ledger.append(recording(entry("run.started", "r1", {"b": 2}, "zoe")))
    with store.reading() as connection:
        assert ledger.body(connection, 0) == {"b": 2}


def test_a_conflict_undoes_only_its_own_unit(store: Store, keys: Keys, clock: SetClock) -> None:
    Ledger.open(store, keys, origin=ORIGIN, clock=clock).close()
    appender = Appender(store, DataKeys(keys.kek, ORIGIN), ORIGIN, clock)

    def unit(number: int) -> Unit:
        def work(connection: Connection) -> Work:
            connection.execute(head_of(f"row-{number // 2 * 2}"))  # odd ones collide with the one before
            return Work(drafts=tuple(case(f"r{number}", "zoe")), value=number)

        return Unit(work)

    units = [unit(number) for number in range(6)]
    taken, before, tree = appender.commit(units)
    assert (taken, before, tree.size) == (6, 0, 18)
    assert [isinstance(one.error, IntegrityError) for one in units] == [False, True] * 3
    indexes = [written.index for one in units if one.receipt for written in one.receipt.entries]
    assert indexes == list(range(18))
    assert {run for run in rows(store) if run.startswith("r") and "-" not in run} == {"r0", "r2", "r4"}


def test_a_batch_stops_at_512_entries_and_the_rest_waits_for_the_next(
    store: Store, keys: Keys, clock: SetClock
) -> None:
    Ledger.open(store, keys, origin=ORIGIN, clock=clock).close()
    appender = Appender(store, DataKeys(keys.kek, ORIGIN), ORIGIN, clock)
    entries = [entry("run.started", f"r{number}") for number in range(300)]
    units = [Unit(recording(*entries)) for _ in range(3)]
    assert appender.commit(units)[0] == 2
    assert units[2].receipt is None
    assert appender.commit(units[2:])[0] == 1
    assert [unit.receipt.entries[0].index for unit in units if unit.receipt] == [0, 300, 600]


async def test_many_callers_of_one_loop_each_get_their_own_answer(ledger: Ledger, store: Store) -> None:
    async def caller(number: int) -> int:
        if number % 10 == 3:
            with pytest.raises(LedgerError, match="BH-REC-003"):
                await ledger.commit(recording(entry("run.started", f"r{number}", secret="x")))
            return -1
        receipt = await ledger.commit(recording(entry("run.started", f"r{number}", {"n": number})))
        with store.reading() as connection:  # durable: another connection sees it
            assert ledger.body(connection, receipt.entries[0].index) == {"n": number}
        return receipt.entries[0].index

    indexes = await asyncio.gather(*(caller(number) for number in range(100)))
    assert sorted(index for index in indexes if index >= 0) == list(range(90))


async def test_a_cancelled_caller_does_not_take_its_neighbours_along(ledger: Ledger) -> None:
    gate = threading.Event()

    def held(_: Connection) -> Work:
        gate.wait()
        return Work(drafts=(entry("run.started", "r0"),))

    first = asyncio.create_task(ledger.commit(held))
    others = [asyncio.create_task(ledger.commit(recording(entry("run.started", f"r{n}")))) for n in (1, 2)]
    await asyncio.sleep(0)
    others[0].cancel()
    gate.set()
    await first
    assert (await others[1]).entries[0].index == 2
    with pytest.raises(asyncio.CancelledError):
        await others[0]


def test_many_threads_share_commits_and_lose_nothing(ledger: Ledger, store: Store) -> None:
    def caller(number: int) -> None:
        for draft in case(f"r{number}", f"person-{number}"):
            ledger.append(recording(draft))

    threads = [threading.Thread(target=caller, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.reading() as connection:
        found = connection.execute(select(t.entry.c.run, t.entry.c.seq).order_by(t.entry.c.idx)).all()
    assert len(found) == 16 * 6
    for number in range(16):
        assert [row.seq for row in found if row.run == f"r{number}"] == [1, 2, 3, 4, 5, 6]


def test_a_unit_that_appends_to_its_own_ledger_is_told_not_asked_to_wait(ledger: Ledger) -> None:
    with pytest.raises(LedgerError, match="BH-REC-015"):
        ledger.append(lambda _: ledger.append(recording()).value)


def test_a_closed_ledger_says_so(store: Store, keys: Keys, clock: SetClock) -> None:
    ledger = Ledger.open(store, keys, origin=ORIGIN, clock=clock)
    ledger.close()
    ledger.close()
    with pytest.raises(LedgerError, match="BH-REC-016"):
        ledger.append(recording())


def test_a_ledger_never_changes_its_name(ledger: Ledger, store: Store, keys: Keys, clock: SetClock) -> None:
    with pytest.raises(LedgerError, match="BH-REC-012"):
        Ledger.open(store, keys, origin="acme/payables", clock=clock)


def test_a_lost_head_row_stops_everything(ledger: Ledger, store: Store) -> None:
    with store.writing() as connection:
        connection.execute(text("delete from ledger_head"))
    with pytest.raises(LedgerError, match="BH-REC-013"):
        ledger.append(recording(entry("run.started", "r1")))
    with store.writing() as connection:
        connection.execute(insert(t.ledger_head).values(id=1, origin=ORIGIN, size=0, frontier=b""))


def test_a_bad_statement_in_a_unit_is_a_fault_of_the_store_in_our_words(ledger: Ledger) -> None:
    with pytest.raises((StoreError, ProgrammingError), match="no_such_table"):
        ledger.append(lambda connection: Work(value=connection.execute(text("select * from no_such_table"))))
    assert ledger.append(recording(entry("run.started", "r1"))).entries[0].index == 0
