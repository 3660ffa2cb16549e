"""What only many processes and a wire can do to a ledger: lost answers, deadlocks, servers that come back."""

from __future__ import annotations

import threading
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Connection, insert, select, text, update

from bridgehead.kernel.clock import SetClock
from bridgehead.kernel.errors import StoreError
from bridgehead.record import Keys, Ledger, Work
from bridgehead.store import Store
from bridgehead.store import tables as t
from fixtures.cut_wire import Cut, Wire
from fixtures.ledgers import ORIGIN, entry, recording
from fixtures.postgres import Server

pytestmark = pytest.mark.postgresql
WHEN = "2026-03-01T09:00:00.000000Z"


class Noted:
    """A unit that adds a row, records an entry about it, and counts how often it was called."""

    def __init__(self, name: str) -> None:
        self.name, self.calls = name, 0

    def __call__(self, connection: Connection) -> Work:
        self.calls += 1
        row = {"id": self.name, "kind": "k", "words": "w", "opened_at": WHEN}
        connection.execute(insert(t.incident), row)

        def then(connection: Connection, written: object) -> None:
            index = written[0].index  # type: ignore[index]
            connection.execute(update(t.incident).where(t.incident.c.id == self.name).values(entry=index))

        return Work(drafts=(entry("finding.raised", "", {"words": "w"}),), then=then)


def noted(store: Store) -> list[tuple[str, int]]:
    """Return each row with the entry it points to, which must be there, and no entry without its row."""
    with store.reading() as connection:
        rows = connection.execute(select(t.incident.c.id, t.incident.c.entry).order_by(t.incident.c.entry))
        found = [(row.id, row.entry) for row in rows]
        raised = connection.scalars(select(t.entry.c.idx).where(t.entry.c.kind == "finding.raised"))
        assert [index for _, index in found] == sorted(raised)
        indexes = list(connection.scalars(select(t.entry.c.idx).order_by(t.entry.c.idx)))
        assert indexes == list(range(len(indexes)))
    return found


@pytest.fixture
def opened(wire: Wire, keys: Keys, clock: SetClock) -> tuple[Store, Ledger]:
    """A store and its ledger at the end of the wire, with one entry."""
    store = Store.open(wire.url, lock_seconds=5)
    ledger = Ledger.open(store, keys, origin=ORIGIN, clock=clock)
    ledger.append(Noted("first"))
    return store, ledger


@pytest.mark.parametrize(("cut", "calls"), [("answer", 1), ("request", 2)])
def test_a_commit_without_an_answer_is_looked_up_never_guessed(
    wire: Wire, opened: tuple[Store, Ledger], cut: Cut, calls: int
) -> None:
    """Landed: acknowledged, not appended again. Not landed: appended once more. It is there once."""
    store, ledger = opened
    unit, wire.cut = Noted("second"), cut
    receipt = ledger.append(unit)
    assert (wire.cuts, unit.calls, receipt.entries[0].index) == (1, calls, 1)
    assert ledger.append(Noted("third")).entries[0].index == 2
    assert noted(store) == [("first", 0), ("second", 1), ("third", 2)]
    ledger.close()
    store.close()


def test_where_nobody_can_be_asked_it_says_so_and_appends_nothing_again(
    wire: Wire, keys: Keys, clock: SetClock, postgresql_url: str
) -> None:
    store = Store.open(wire.url, lock_seconds=0.2)
    ledger = Ledger.open(store, keys, origin=ORIGIN, clock=clock)
    unit, wire.cut, wire.dead_after_cut = Noted("second"), "answer", True
    with pytest.raises(StoreError) as fault:
        ledger.append(unit)
    assert (fault.value.code, unit.calls) == ("BH-STO-011", 1)
    assert "may have been committed, or not" in fault.value.means
    wire.dead_after_cut = False  # the server can be reached again
    assert ledger.append(Noted("third")).entries[0].index == 1
    assert noted(store) == [("second", 0), ("third", 1)]
    ledger.close()
    store.close()


def test_a_commit_of_rows_alone_that_was_not_answered_is_told_as_unknown(
    wire: Wire, opened: tuple[Store, Ledger]
) -> None:
    """A unit that records nothing leaves nothing by which it could be found again."""
    store, ledger = opened
    wire.cut = "answer"
    with pytest.raises(StoreError) as fault:
        ledger.append(lambda _: Work())
    assert fault.value.code == "BH-STO-011"
    ledger.close()
    store.close()


def test_a_connection_lost_inside_a_unit_takes_nobody_down(
    opened: tuple[Store, Ledger], postgresql: Server, postgresql_url: str
) -> None:
    """The server ends the session in the middle: the batch was taken back, and is made once more."""
    store, ledger = opened
    unit = Noted("second")

    def ended(connection: Connection) -> Work:
        work = unit(connection)
        if unit.calls == 1:
            pid = connection.execute(text("select pg_backend_pid()")).scalar_one()
            with psycopg.connect(postgresql.conninfo(postgresql_url.rpartition("/")[2])) as other:
                other.execute("select pg_terminate_backend(%s, 5000)", (pid,))
        return work

    assert ledger.append(ended).entries[0].index == 1
    assert unit.calls == 2
    assert noted(store) == [("first", 0), ("second", 1)]
    ledger.close()
    store.close()


def test_a_server_that_crashed_and_came_back_is_found_again(
    postgresql_url: str, keys: Keys, clock: SetClock, postgresql: Server
) -> None:
    """Connections in the pool are from before: nobody has to restart, and nothing acknowledged is gone."""
    store = Store.open(postgresql_url)
    ledger = Ledger.open(store, keys, origin=ORIGIN, clock=clock)
    for name in "abc":
        ledger.append(Noted(name))
    postgresql.crash()
    assert ledger.append(Noted("d")).entries[0].index == 3
    assert noted(store) == [("a", 0), ("b", 1), ("c", 2), ("d", 3)]
    ledger.close()
    store.close()


def test_a_unit_in_a_deadlock_is_tried_again_and_its_neighbours_stay(
    postgresql_url: str, keys: Keys, clock: SetClock
) -> None:
    """Somebody locks b, then a, while a batch locked a and wants b: the database ends one of the two."""
    store = Store.open(postgresql_url)
    ledger = Ledger.open(store, keys, origin=ORIGIN, clock=clock)
    for name in "ab":
        ledger.append(Noted(name))
    holds_b, wants_a = threading.Event(), threading.Event()
    touch = {name: text(f"update incident set words = words || '.' where id = '{name}'") for name in "ab"}

    def other() -> None:
        with store.writing() as connection:
            connection.execute(text("set local deadlock_timeout = '10s'"))  # the batch will notice first
            connection.execute(touch["b"])
            holds_b.set()
            wants_a.wait(10)
            connection.execute(touch["a"])

    thread = threading.Thread(target=other)
    thread.start()
    assert holds_b.wait(10)
    calls = []

    def unit(connection: Connection) -> Work:
        calls.append(1)
        connection.execute(touch["a"])
        wants_a.set()
        connection.execute(touch["b"])
        return Work(drafts=(entry("finding.raised", ""),))

    receipt = ledger.append(unit)
    thread.join()
    assert len(calls) > 1 and receipt.entries[0].index == 2  # a slow machine may meet the lock twice
    with store.reading() as connection:
        assert set(connection.scalars(select(t.incident.c.words))) == {"w.."}
    ledger.close()
    store.close()


def test_the_defaults_of_a_server_do_not_weaken_what_is_promised(
    postgresql: Server, postgresql_url: str, keys: Keys, clock: SetClock
) -> None:
    name = postgresql_url.rpartition("/")[2]
    with psycopg.connect(postgresql.conninfo(name), autocommit=True) as owner:
        for setting in (
            "default_transaction_isolation = 'serializable'",
            "synchronous_commit = off",
            "lock_timeout = 1",
        ):
            owner.execute(f'alter database "{name}" set {setting}')  # type: ignore[arg-type]
    store = Store.open(postgresql_url)
    with store.writing() as connection:
        settings = ("transaction_isolation", "synchronous_commit", "lock_timeout", "transaction_read_only")
        said = [connection.execute(text(f"show {name}")).scalar() for name in settings]
    assert said == ["read committed", "on", "15s", "off"]
    ledgers = [Ledger.open(store, keys, origin=ORIGIN, clock=clock) for _ in range(3)]
    threads = [
        threading.Thread(
            target=lambda ledger=ledger: [ledger.append(recording(entry("run.noted", ""))) for _ in "abc"]
        )
        for ledger in ledgers
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ledgers[0].size_and_root()[0] == 9
    for ledger in ledgers:
        ledger.close()
    store.close()


def test_a_writer_that_fell_silent_does_not_hold_the_log_for_long(postgresql_url: str) -> None:
    """A machine that lost its power holds the head until the server gives up on it: sooner than others do."""
    store = Store.open(postgresql_url)
    with store.writing() as connection:
        silent = connection.execute(text("show idle_in_transaction_session_timeout")).scalar_one()
        patience = connection.execute(text("show lock_timeout")).scalar_one()
    assert (silent, patience) == ("10s", "15s")
    store.close()


def test_what_others_appended_is_learned_and_what_they_erased_is_forgotten(
    store: Store, keys: Keys, clock: SetClock, tmp_path: Path
) -> None:
    one, other = (Ledger.open(store, keys, origin=ORIGIN, clock=clock) for _ in range(2))
    one.append(recording(entry("run.started", "r1", {"n": 1}, "zoe")))
    other.append(recording(entry("run.noted", "r1", {"n": 2}, "zoe"), entry("run.started", "r2")))
    one.append(recording(entry("run.noted", "r1", {"n": 3}, "zoe"), entry("run.noted", "r2")))
    with store.reading() as connection:
        rows = connection.execute(select(t.entry.c.run, t.entry.c.seq).order_by(t.entry.c.idx)).all()
        before = set(connection.scalars(select(t.body.c.kid)))
    assert [tuple(row) for row in rows] == [("r1", 1), ("r1", 2), ("r2", 1), ("r1", 3), ("r2", 2)]
    other.erase_subject("zoe", by="human:ines", basis="gdpr-art-17", reason="asked")
    index = one.append(recording(entry("run.noted", "r1", {"n": 4}, "zoe"))).entries[0].index
    with store.reading() as connection:
        assert connection.scalar(select(t.body.c.kid).where(t.body.c.idx == index)) not in before
        assert one.body(connection, index) == {"n": 4}
    one.close()
    other.close()
