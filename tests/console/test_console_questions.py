"""What the pages offer besides yes and no: take it back, change it, permit at once, answer in another's
place. Each by its own button, after the page has said what follows."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridgehead.doors.console import console, make_link
from fixtures.console_caller import HOST, Caller
from fixtures.houses import IDENTIFY, Desk, act
from fixtures.questions import editable, emergency

ONE = "/deployments/desk"


@pytest.fixture
def asking(tmp_path: Path) -> Iterator[Desk]:
    """A desk in which one question is open, whose amount may be changed and which knows an emergency."""
    desk = emergency(editable(Desk(tmp_path)))
    desk.start(IDENTIFY, act("refund", order_id="o1", amount=150))
    asyncio.run(desk.work())
    yield desk
    desk.close()


def signed_in(desk: Desk, person: str) -> Caller:
    caller = Caller(console([desk.house], clock=desk.clock))
    link = make_link(desk.house.store, person, desk.clock, f"http://{HOST}")
    assert caller.post(link.removeprefix(f"http://{HOST}")).status == 303
    return caller


def page(desk: Desk, what: str = "") -> str:
    return f"{ONE}/approvals/{desk.question().id}{what}"


def test_a_change_is_asked_of_others_with_what_changed(asking: Desk) -> None:
    maya = signed_in(asking, "maya")
    first = page(asking)
    assert "Change what is asked" in maya.get(first).text
    shown = maya.get(f"{first}/change")
    form = {
        "argument": "amount",
        "value": "120",
        "digest": shown.hidden("digest"),
        "reason": "half is enough",
    }
    assert maya.post(f"{first}/change", form).to == first
    asyncio.run(asking.work())
    second = page(asking)
    seen = signed_in(asking, "tomas").get(second).text
    assert "What changed since it was asked before" in seen
    assert "Maya Lead changed what is asked" in seen
    assert "<strong>120.00 USD</strong>" in seen
    assert "whoever changed the action does not decide" in maya.get(second).text.lower()
    assert "This has changed" in maya.get(first).text


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"value": "a lot"}, 422, "BH-DOO-011"),
        ({"value": "-5"}, 409, "BH-APR-029"),
        ({"value": "150"}, 409, "BH-APR-029"),
        ({"reason": ""}, 409, "BH-APR-027"),
        ({"digest": "0" * 64}, 409, "BH-APR-003"),
        ({"argument": "order_id"}, 403, "BH-DOO-010"),
    ],
)
def test_what_is_not_changed(asking: Desk, change: dict[str, str], status: int, code: str) -> None:
    maya = signed_in(asking, "maya")
    digest = asking.question().digest()
    form = {"argument": "amount", "value": "120", "digest": digest, "reason": "why not"} | change
    answer = maya.post(page(asking, "/change"), form)
    assert (answer.status, code in answer.text) == (status, True)
    assert asking.question().digest() == digest


def test_a_yes_is_taken_back_and_the_page_knows_when_it_is_too_late(asking: Desk) -> None:
    maya = signed_in(asking, "maya")
    question = page(asking)
    assert maya.get(f"{question}/revoke").status == 403
    asking.vote("maya")
    assert "Take your yes back" in maya.get(question).text
    assert "This yes can be used until" in maya.get(question).text
    assert maya.post(f"{question}/revoke", {"reason": " "}).status == 409
    assert maya.post(f"{question}/revoke", {"reason": "wrong order"}).to == question
    asyncio.run(asking.work())
    assert asking.shop.refunds == []
    assert "revoked" in maya.get(question).text


def test_too_late_it_says_that_nothing_takes_a_final_effect_back(asking: Desk) -> None:
    maya, question = signed_in(asking, "maya"), page(asking)
    asking.vote("maya")
    asyncio.run(asking.work())
    answer = maya.post(f"{question}/revoke", {"reason": "wrong order"})
    assert answer.status == 409
    assert "Its effect is final: no action takes it back." in answer.text


def test_an_emergency_is_permitted_by_whom_the_rule_names_and_reviewed_by_others(asking: Desk) -> None:
    rhea, question = signed_in(asking, "rhea"), page(asking)
    assert signed_in(asking, "maya").get(f"{question}/emergency").status == 403
    shown = rhea.get(f"{question}/emergency")
    assert "You have no part in that answer" in shown.text
    form = {"digest": shown.hidden("digest"), "reason": "the shop burns"}
    assert rhea.post(f"{question}/emergency", form).to == question
    asyncio.run(asking.work())
    assert asking.shop.refunds == [("o1", "150")]
    assert "permitted in an emergency" in rhea.get(question).text
    review = signed_in(asking, "maya").get(page(asking)).text
    assert "Was it in order that rhea permitted in an emergency" in review
    assert "otherwise it is an incident" in review
    assert "the shop burns" in review


def test_the_page_says_who_agreed_and_who_is_still_needed(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.start(IDENTIFY, act("refund", order_id="o2", amount=150))
    asyncio.run(desk.work())
    desk.vote("maya")
    seen = signed_in(desk, "rhea").get(page(desk)).text
    desk.close()
    assert "<dt>1 of leads</dt><dd>Maya Lead agreed</dd>" in seen
    assert "<dt>1 of risk</dt><dd>nobody agreed yet; 1 person still needed</dd>" in seen


def test_somebody_answers_in_anothers_place(asking: Desk) -> None:
    tomas = signed_in(asking, "tomas")
    form = {
        "deployment": "desk",
        "to": "dan",
        "rule": "every rule",
        "until": "2026-03-03T09:00",
        "reason": "leave",
    }
    assert tomas.post("/delegations", form).to == "/delegations"
    listed = tomas.get("/delegations.json").json()["deployments"][0]["delegations"]
    assert [(each["delegate"], each["state"]) for each in listed] == [("Dan Deputy", "in force")]
    dan, question = signed_in(asking, "dan"), page(asking)
    digest = dan.get(question).hidden("digest")
    assert dan.post(question, {"answer": "approve", "digest": digest, "reason": ""}).status == 303
    assert "in place of Tomas Lead" in signed_in(asking, "maya").get(question).text
    end = {"deployment": "desk", "id": listed[0]["given"]["id"], "reason": ""}
    assert signed_in(asking, "maya").post("/delegations/end", end).status == 409
    assert tomas.post("/delegations/end", end).to == "/delegations"


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"until": "soon"}, 422),
        ({"until": "2020-01-01T00:00"}, 409),
        ({"to": "tomas"}, 409),
        ({"rule": "risk-look"}, 409),
    ],
)
def test_what_cannot_be_delegated_is_said(asking: Desk, change: dict[str, str], status: int) -> None:
    form = {
        "deployment": "desk",
        "to": "rhea",
        "rule": "large-refund",
        "until": "2026-03-03T09:00",
        "reason": "",
    }
    assert signed_in(asking, "tomas").post("/delegations", form | change).status == status
    assert asking.entries("delegation.given") == []


def test_another_deployment_is_not_reached_through_the_form(asking: Desk) -> None:
    form = {
        "deployment": "other",
        "to": "rhea",
        "rule": "every rule",
        "until": "2026-03-03T09:00",
        "reason": "",
    }
    assert signed_in(asking, "tomas").post("/delegations", form).status == 404
