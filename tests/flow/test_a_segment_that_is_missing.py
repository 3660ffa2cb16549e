"""All of a region is missing from a batch with the usual number of rows: it is noticed before it is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridgehead.kernel.principal import Principal
from bridgehead.watch.accepting import Accepted, accepted
from bridgehead.watch.awaited import promise
from bridgehead.watch.checks.engine import Limits
from bridgehead.watch.draft.place import drafted_from
from bridgehead.watch.feeds.deciding import decide
from fixtures.fed import ROWS, FedDesk, richer

SEGMENT = "      - {property: bridgeheadSegment, value: region}\n"
STALENESS = "      - {property: bridgeheadMaxStaleness, value: 2d}\n"


def segmented(path: Path, column: str = "region") -> FedDesk:
    desk = FedDesk(path)
    return desk.change(STALENESS, STALENESS + SEGMENT.replace("region", column), "sales.odcs.yaml")


def test_a_batch_without_a_region_that_always_came_is_kept_apart(tmp_path: Path) -> None:
    desk = segmented(tmp_path)
    for number in range(15):
        desk.sender.sends(f"customers_2026-02-{14 + number}.csv", richer(ROWS, number))
    assert desk.look().broken == ()
    desk.sender.sends("customers_2026-03-01.csv", [row.replace(",us,", ",eu,") for row in richer(ROWS, 99)])
    words = desk.look().broken[0].words
    assert list(desk.batches().values()) == ["published"] * 15 + ["quarantined"]
    assert "has no rows at all for us: about 20 were expected" in words
    desk.sender.sends("customers_2026-03-01b.csv", richer(ROWS, 100))
    assert desk.look().broken == ()
    assert list(desk.batches().values())[-2:] == ["replaced", "published"]
    desk.close()


def test_a_contract_as_it_was_drafted_keeps_such_a_batch_apart(tmp_path: Path) -> None:
    desk = FedDesk(tmp_path)
    for number in range(15):
        desk.sender.sends(f"customers_2026-02-{14 + number}.csv", richer(ROWS, number))
    made = drafted_from(
        str(desk.sender.folder), name="sales", only=(), limits=Limits(), clock=desk.clock, say=lambda _: None
    )
    (desk.folder / "sales.odcs.yaml").write_text(made.text)
    assert "each of the 2 values of `region` is in all 15 files, of the rarest about 20 rows" in made.text
    assert [one.words for one in desk.house.findings() if one.severity == "block"] == []
    assert desk.look().broken == ()
    desk.sender.sends("customers_2026-03-01.csv", [row.replace(",us,", ",eu,") for row in richer(ROWS, 99)])
    assert "no rows at all for us" in "".join(broken.words for broken in desk.look().broken)
    assert list(desk.batches().values()) == ["published"] * 15 + ["quarantined"]
    desk.close()


def owner(desk: FedDesk) -> Principal:
    return desk.house.person("olga", "test")


def accept_rows(desk: FedDesk, why: str) -> None:
    """What `bridgehead watch accept sales.customers --rows` does."""
    promised = promise(desk.house.boundary, "sales", "customers")
    assert promised is not None
    accepted(desk.house.boundary, promised, Accepted(what="rows"), owner(desk), why)


@pytest.mark.parametrize("said", [True, False])
def test_a_region_that_was_given_up_is_missed_until_the_owner_says_so(tmp_path: Path, said: bool) -> None:
    desk = segmented(tmp_path)
    for number in range(15):
        desk.sender.sends(f"customers_2026-02-{14 + number}.csv", richer(ROWS, number))
    gone = [[row.replace(",us,", ",eu,") for row in richer(ROWS, 99 + n)] for n in range(2)]
    desk.sender.sends("customers_2026-03-01.csv", gone[0])
    assert "no rows at all for us" in desk.look().broken[0].words
    if said:
        accept_rows(desk, "us is sold")
    newest = desk.batch_rows()[-1].name
    decide(desk.house.boundary, "sales.customers", newest, "release", owner(desk), "us is sold")
    assert desk.look().broken == ()
    desk.sender.sends("customers_2026-03-02.csv", gone[1])
    found = [broken.words for broken in desk.look().broken]
    assert ("no rows at all for us" in "".join(found)) is not said, "a release speaks of one batch alone"
    assert list(desk.batches().values())[-2:] == ["published", "published" if said else "quarantined"]
    desk.close()


def test_values_of_a_column_that_is_named_no_more_are_not_missed(tmp_path: Path) -> None:
    desk = segmented(tmp_path)
    for number in range(15):
        desk.sender.sends(f"customers_2026-02-{14 + number}.csv", richer(ROWS, number))
    assert desk.look().broken == ()
    desk.change("bridgeheadSegment, value: region", "bridgeheadSegment, value: name", "sales.odcs.yaml")
    desk.reopen()
    desk.activate()
    desk.sender.sends("customers_2026-03-01.csv", richer(ROWS, 99))
    assert desk.look().broken == ()
    assert set(desk.batches().values()) == {"published"}
    desk.close()


def test_values_that_not_everybody_may_see_are_no_segments(tmp_path: Path) -> None:
    for column, refused in (("region", False), ("iban", True), ("income", True), ("name", False)):
        (tmp_path / column).mkdir()
        house = segmented(tmp_path / column, column).another()
        rules = {each.rule for each in house.findings()}
        house.close()
        assert ("BH-CHK-114" in rules) is refused, column
