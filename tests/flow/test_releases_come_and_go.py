"""Which release is at work, while others become active and are taken back at the same moment."""

from __future__ import annotations

from typing import Any

import pytest

from bridgehead.assemble import house
from bridgehead.kernel.errors import CharterError
from fixtures.houses import Desk
from fixtures.undoing import Undoing


@pytest.fixture
def undoing(desk: Desk) -> Undoing:
    return Undoing(desk)


def without(desk: Desk, text: str) -> str:
    """Take text out of the policy again, and activate the folder; return the release."""
    desk.change(text, "", "policy.cedar")
    return desk.activate()


def test_the_release_that_was_active_just_before_takes_over_also_from_one_that_came_back(
    desk: Desk, undoing: Undoing
) -> None:
    """The good one, the bad one, a third, the bad one again."""
    desk.add("\n// a third release\n")
    third = desk.activate()
    without(desk, "\n// a third release\n")
    assert desk.house.deployment.digest == undoing.bad
    undoing.order()
    desk.clock.advance(2)
    assert desk.house.deployment.digest == third
    undoing.order(third)
    desk.clock.advance(2)
    assert desk.house.deployment.digest == undoing.good


def test_a_release_that_is_taken_back_while_it_becomes_active_does_not(
    desk: Desk, undoing: Undoing, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = (desk.folder / "policy.cedar").read_text()
    assert without(desk, "\n// the bad release\n") == undoing.good
    (desk.folder / "policy.cedar").write_text(bad)
    real = house.snapshot

    def meanwhile(*given: Any) -> Any:
        undoing.order()
        return real(*given)

    monkeypatch.setattr(house, "snapshot", meanwhile)
    with pytest.raises(CharterError) as refused:
        desk.activate()
    assert refused.value.code == "BH-ASM-007"
    assert desk.house.deployment.digest == undoing.good
