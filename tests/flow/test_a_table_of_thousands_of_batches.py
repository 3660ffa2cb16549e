"""An hourly table that adds up: each batch costs the store the same, and every state of it is still read."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert, select

from bridgehead.enforce.snapshots import folders_of, members, newest
from bridgehead.kernel.clock import stamp
from bridgehead.record import Work
from bridgehead.store import tables as t
from bridgehead.watch.feeds import publishing
from bridgehead.watch.feeds.supply import Supply
from bridgehead.watch.promised import contract_of
from fixtures.fed import FedDesk
from fixtures.stores import store_url as store_url

MANY = 2000
TABLE = ("sales", "customers")


def test_two_thousand_batches_take_as_much_each_as_the_first(tmp_path: Path, store_url: str) -> None:
    desk = FedDesk(tmp_path, store=store_url, holds="new")
    desk.activate()
    boundary = desk.house.boundary
    supply = Supply(
        boundary=boundary, source="sales", table="customers", contract=contract_of(boundary, "sales")
    )
    for first in range(0, MANY, 500):
        boundary.ledger.append(partial(_published, supply, range(first, first + 500)))
    with desk.house.store.reading() as connection:
        sizes = _sizes(connection)
        assert len(sizes) == MANY
        assert max(sizes) - min(sizes) < 20, "figures grow longer, and nothing else"
        found = newest(connection, *TABLE)
        assert found is not None and found.number == MANY
        assert members(connection, *TABLE, MANY) == tuple(_name(n) for n in range(MANY))
        assert members(connection, *TABLE, 7) == tuple(_name(n) for n in range(7))
        assert folders_of(connection, *TABLE, found)[:2] == ("feeds/0", "feeds/1")
    boundary.ledger.append(partial(_published, supply, [MANY], corrects=_name(3).partition("@")[0]))
    with desk.house.store.reading() as connection:
        assert _name(3) in members(connection, *TABLE, MANY), "a run that pinned it reads it still"
        after = members(connection, *TABLE, MANY + 1)
        assert _name(3) not in after and after[-1] == _name(MANY) and len(after) == MANY
    assert desk.verified().ok
    desk.close()


def _name(number: int) -> str:
    return f"customers_{number:04}.csv@abc"


def _published(supply: Supply, numbers: Any, connection: Connection, corrects: str = "") -> Work:
    for number in numbers:
        name, now = _name(number), stamp(supply.boundary.clock.now())
        values = {"source": "sales", "object": "customers", "name": name, "state": "published"}
        values |= {"file": f"feeds/{number}", "first_seen_at": now, "decided_at": now}
        connection.execute(insert(t.batch).values(**values))
        one = publishing.Batch(name=name, label=publishing.label_of(name), data_as_of=now, corrects=corrects)
        publishing.publish(connection, supply, one)
    return Work()


def _sizes(connection: Connection) -> list[int]:
    """Return what each batch and its snapshot take, in characters, in the order of the snapshots."""
    batches = connection.execute(select(t.batch).order_by(t.batch.c.enters)).all()
    snapshots = connection.execute(select(t.snapshot).order_by(t.snapshot.c.number)).all()
    return [
        len(repr(tuple(one))) + len(repr(tuple(other))) for one, other in zip(batches, snapshots, strict=True)
    ]
