"""Files that come into a drop folder are copied, audited, and then published, kept apart or set aside."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.fed import HEADER, ROWS, FedDesk, richer


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[FedDesk]:
    made = FedDesk(tmp_path)
    yield made
    made.close()


def test_a_good_file_is_published_and_the_next_takes_its_place(desk: FedDesk) -> None:
    desk.sender.sends("customers_2026-03-01.csv")
    look = desk.look()
    assert (look.broken, desk.batches()) == ((), {"customers_2026-03-01.csv": "published"})
    desk.sender.sends("customers_2026-03-02.csv", richer(ROWS))
    desk.look()
    assert list(desk.batches().values()) == ["published", "published"]
    first, second = desk.snapshots()
    assert (first.number, second.number) == (1, 2)
    ((one,), (other,)) = desk.contents()
    assert one.startswith("customers_2026-03-01.csv@") and other.startswith("customers_2026-03-02.csv@")
    assert [entry["note"] for entry in desk.entries("batch.published")] == ["data:sales.customers"] * 2


def test_what_was_copied_is_not_changed_by_its_sender(desk: FedDesk) -> None:
    file = desk.sender.sends("customers_2026-03-01.csv")
    desk.look()
    (row,) = desk.batch_rows()
    copy = desk.state / row.file / "0.csv"
    before = copy.read_bytes()
    file.write_text("gone")
    assert copy.read_bytes() == before == ("\n".join([HEADER, *ROWS]) + "\n").encode()


def test_a_file_that_breaks_the_contract_is_kept_apart(desk: FedDesk) -> None:
    desk.sender.sends("customers_2026-03-01.csv")
    desk.look()
    desk.sender.drops("customers_2026-03-02.csv", "\n".join([HEADER.replace("region", "area"), *ROWS]))
    look = desk.look()
    assert desk.batches()["customers_2026-03-02.csv"] == "quarantined"
    assert len(desk.snapshots()) == 1
    (clause,) = look.broken
    assert clause.response == "warn", "what was published before is young enough"
    assert "region" in clause.words


def test_yesterdays_file_again_is_set_aside(desk: FedDesk) -> None:
    desk.sender.sends("customers_2026-03-01.csv")
    desk.look()
    desk.sender.sends("customers_2026-03-02.csv")
    assert desk.look().broken == ()
    assert desk.batches()["customers_2026-03-02.csv"] == "set aside"
