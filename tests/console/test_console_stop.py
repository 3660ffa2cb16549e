"""The stop switch: one confirmation that names what stops; only the owner starts it again."""

from __future__ import annotations

import pytest

from bridgehead.assemble import House
from bridgehead.enforce.stop import in_force
from fixtures.console_caller import SignIn

ONE = "/deployments/retail-support"


def stopped(house: House) -> bool:
    with house.store.reading() as connection:
        return in_force(connection) is not None


def test_looking_at_the_switch_stops_nothing(house: House, sign_in: SignIn) -> None:
    shown = sign_in("ruth").get(f"{ONE}/stop")
    assert "What stops" in shown.text and "What goes on" in shown.text
    assert not stopped(house)


@pytest.mark.parametrize("person", ["ruth", "noor"])
def test_one_press_stops_the_deployment_and_says_who_did(person: str, house: House, sign_in: SignIn) -> None:
    caller = sign_in(person)
    assert caller.post(f"{ONE}/stop", {"reason": "odd refunds"}).to == ONE
    assert stopped(house)
    shown = sign_in("jens").get(ONE).text
    assert "Stopped by" in shown and "odd refunds" in shown


@pytest.mark.parametrize("person", ["priya", "maya", "jens"])
def test_who_may_not_stop_it_is_told_so(person: str, house: House, sign_in: SignIn) -> None:
    answer = sign_in(person).post(f"{ONE}/stop", {"reason": "x"})
    assert answer.status == 403
    assert "BH-DOO-003" in answer.text
    assert not stopped(house)


def test_the_owner_starts_it_again_with_a_reason(house: House, sign_in: SignIn) -> None:
    ruth = sign_in("ruth")
    ruth.post(f"{ONE}/stop", {"reason": "odd refunds"})
    missing = ruth.post(f"{ONE}/resume", {"reason": "  "})
    assert missing.status == 422
    assert "BH-DOO-007" in missing.text
    assert stopped(house)
    assert ruth.post(f"{ONE}/resume", {"reason": "checked all of them"}).to == ONE
    assert not stopped(house)


def test_nobody_else_starts_it_again(house: House, sign_in: SignIn) -> None:
    sign_in("noor").post(f"{ONE}/stop", {"reason": ""})
    assert sign_in("noor").post(f"{ONE}/resume", {"reason": "mine"}).status == 403
    assert stopped(house)


def test_there_is_nothing_to_start_again_when_it_runs(sign_in: SignIn) -> None:
    ruth = sign_in("ruth")
    assert "nothing to start again" in ruth.get(f"{ONE}/resume").text
    answer = ruth.post(f"{ONE}/resume", {"reason": "x"})
    assert answer.status == 409
    assert "BH-APR-011" in answer.text
