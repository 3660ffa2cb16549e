"""A batch that was kept apart is published or left out by people who may say so, with a reason."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridgehead.kernel.errors import ApprovalError
from bridgehead.watch.feeds.deciding import Answer, Decided, decide, deciders
from fixtures.fed import ROWS, FedDesk, richer
from fixtures.sales_contract import CONTRACT

CRITICAL = CONTRACT + "customProperties:\n  - {property: bridgeheadCriticality, value: critical}\n"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[FedDesk]:
    made = FedDesk(tmp_path)
    kept_apart(made)
    yield made
    made.close()


def kept_apart(desk: FedDesk) -> None:
    """Let a good batch come, and one after it in which half of the regions are missing."""
    desk.sender.sends("customers_01.csv")
    desk.look()
    desk.sender.sends("customers_02.csv", [row.replace(",us,", ",,") for row in richer(ROWS)])
    desk.look()
    assert desk.batches()["customers_02.csv"] == "quarantined"


def says(
    desk: FedDesk, person: str, answer: Answer = "release", reason: str = "Asked the sender."
) -> Decided:
    return decide(
        desk.house.boundary, "sales.customers", "customers_02.csv", answer, desk.person(person), reason
    )


def test_the_owner_releases_a_batch_and_new_runs_read_it(desk: FedDesk) -> None:
    decided = says(desk, "olga")
    assert (decided.state, decided.snapshot) == ("published", 2)
    assert desk.breaches() == {}
    assert [row.closed_at is not None for row in desk.incidents() if row.kind == "data:sales.customers"] == [
        True
    ]
    (body,) = desk.bodies("batch.released")
    assert (body["reason"], body["snapshot"]) == ("Asked the sender.", 2)
    assert desk.verified().ok


def test_what_is_discarded_is_never_read_and_holds_nothing_back(desk: FedDesk) -> None:
    assert says(desk, "olga", "discard").state == "discarded"
    assert (len(desk.snapshots()), desk.breaches()) == (1, {})
    desk.look()
    assert desk.batches()["customers_02.csv"] == "discarded"


@pytest.mark.parametrize("name", ["customers_02.csv", "customers_03.csv"])
def test_what_was_discarded_by_mistake_is_released_once_it_is_sent_again(desk: FedDesk, name: str) -> None:
    says(desk, "olga", "discard")
    desk.sender.sends(name, [row.replace(",us,", ",,") for row in richer(ROWS)])
    desk.look()
    *_, earlier, again = desk.batch_rows()
    assert (earlier.state, again.state) == ("discarded", "quarantined")
    words = [one["words"] for one in json.loads(again.said)["said"]]
    assert any("held, which was discarded" in each for each in words), words
    assert any("region" in each for each in words), "on its own merits, too"
    desk.sender.sends(name, [row.replace(",us,", ",,") for row in richer(ROWS)])
    desk.look()
    assert desk.batch_rows()[-1].state == "set aside", "people are asked once"
    place = (desk.house.boundary, "sales.customers", again.name)
    assert decide(*place, "release", desk.person("olga"), "It was right.").state == "published"
    assert desk.breaches() == {}
    assert desk.verified().ok


def test_what_was_discarded_is_no_part_of_a_table_that_adds_up_and_comes_back_whole(tmp_path: Path) -> None:
    desk = FedDesk(tmp_path, holds="new")
    kept_apart(desk)
    says(desk, "olga", "discard")
    for _ in range(2):
        desk.sender.sends("customers_03.csv", [row.replace(",us,", ",,") for row in richer(ROWS)])
        desk.look()
        again = desk.batch_rows()[-1]
        assert again.state == "quarantined"
        kinds = [one["kind"] for one in json.loads(again.said)["said"]]
        assert "duplicate" not in kinds and "overlap" not in kinds, kinds
        place = (desk.house.boundary, "sales.customers", again.name)
        decide(*place, "discard", desk.person("olga"), "No.")
    desk.close()


def test_who_does_not_decide_about_sick_data_does_not_decide_about_batches(desk: FedDesk) -> None:
    assert "ana" not in deciders(desk.house.boundary)
    with pytest.raises(ApprovalError, match="BH-WAT-048"):
        says(desk, "ana")
    with pytest.raises(ApprovalError, match="BH-WAT-049"):
        says(desk, "olga", reason=" ")
    says(desk, "olga")
    with pytest.raises(ApprovalError, match="BH-WAT-047"):
        says(desk, "olga")


def test_two_different_people_release_a_batch_of_a_critical_table(tmp_path: Path) -> None:
    desk = FedDesk(tmp_path, contract=CRITICAL)
    kept_apart(desk)
    assert (says(desk, "olga").state, len(desk.snapshots())) == ("quarantined", 1)
    with pytest.raises(ApprovalError, match="another person must too"):
        says(desk, "olga")
    assert says(desk, "maya").state == "published"
    assert len(desk.bodies("batch.released")) == 2
    desk.close()


def test_a_yes_counts_while_whoever_gave_it_may_still_give_it(tmp_path: Path) -> None:
    desk = FedDesk(tmp_path, contract=CRITICAL)
    kept_apart(desk)
    assert says(desk, "maya").lacking == 1
    desk.change("  maya: {name: Maya Lead,", "  maya: {active: false, name: Maya Lead,")
    desk.activate()
    decided = says(desk, "olga")
    assert (decided.state, decided.lacking, len(desk.snapshots())) == ("quarantined", 1, 1)
    assert says(desk, "tomas").state == "published"
    desk.close()
