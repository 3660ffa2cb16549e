"""People accept that a column is called otherwise while a batch is being read: the batch is read again."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridgehead.kernel.errors import ApprovalError
from bridgehead.watch.feeds import deciding, judging
from bridgehead.watch.feeds.deciding import decide
from bridgehead.watch.schema_accepting import accept_change
from fixtures.fed import HEADER, ROWS, FedDesk, richer

EARNED = HEADER.replace("income", "earned")
BAD = [richer(ROWS)[0].replace("1001", "a lot"), *richer(ROWS)[1:]]


def accepting(desk: FedDesk, place: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let somebody accept the new name right after a batch was read as if nobody had."""
    read = place.unread  # type: ignore[attr-defined]

    def and_then(*given: object) -> str:
        found = read(*given)
        monkeypatch.undo()
        boundary, olga = desk.house.boundary, desk.person("olga")
        accept_change(boundary, "sales", "customers", {"income": "earned"}, olga, "Their release 7.")
        return str(found)

    monkeypatch.setattr(place, "unread", and_then)


def test_a_batch_that_is_released_meanwhile_is_read_by_its_new_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = FedDesk(tmp_path)
    desk.sender.sends("customers_01.csv")
    desk.look()
    desk.sender.sends("customers_02.csv", BAD, EARNED)
    desk.look()
    accepting(desk, deciding, monkeypatch)
    with pytest.raises(ApprovalError, match=r"BH-WAT-119.*column income"):
        decide(
            desk.house.boundary, "sales.customers", "customers_02.csv", "release", desk.person("olga"), "Ok."
        )
    assert len(desk.snapshots()) == 1
    desk.close()


def test_a_batch_that_is_judged_meanwhile_is_judged_by_its_new_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = FedDesk(tmp_path)
    desk.sender.sends("customers_01.csv")
    desk.look()
    desk.sender.sends("customers_02.csv", richer(ROWS), EARNED)
    desk.look()
    desk.sender.sends("customers_03.csv", richer(ROWS, 2), EARNED)
    accepting(desk, judging, monkeypatch)
    desk.look()
    desk.look()
    assert list(desk.batches().values()) == ["published", "replaced", "published"]
    assert desk.breaches() == {}
    desk.close()
