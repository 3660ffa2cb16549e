"""A backup holds the copies of batches: what was published before is read after a restore."""

from __future__ import annotations

from pathlib import Path

from bridgehead.backup.restore import Evidence, Place, restore
from bridgehead.backup.take import take
from fixtures.fed import FedDesk


def test_published_batches_come_back(tmp_path: Path) -> None:
    desk = FedDesk(tmp_path)
    desk.sender.sends("customers_01.csv")
    desk.look()
    house = desk.house
    place = tmp_path / "backup"
    taken = take(house.store, house.ledger, house.state, place, now=desk.clock.now(), with_keys=True)
    (row,) = desk.batch_rows()
    assert f"{row.file}/0.csv" in taken.manifest.files
    desk.close()
    restored = Place(state=tmp_path / "new")
    restore(place, restored, Evidence(), clock=desk.clock, by="human:olga")
    assert (tmp_path / "new" / row.file / "0.csv").read_bytes() == (
        desk.state / row.file / "0.csv"
    ).read_bytes()
