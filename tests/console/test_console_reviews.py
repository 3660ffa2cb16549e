"""Results to review in the console: blind, one after the other, only for those who may judge them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bridgehead.doors.console import console, make_link
from fixtures.audited import NOTE, audited, decide, items, look, look_at
from fixtures.console_caller import HOST, Caller
from fixtures.houses import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = audited(tmp_path)
    yield made
    made.close()


@pytest.fixture
def signed_in(desk: Desk) -> Callable[[str], Caller]:
    def sign(person: str) -> Caller:
        caller = Caller(console([desk.house], clock=desk.clock))
        link = make_link(desk.house.store, person, desk.clock, f"http://{HOST}")
        assert caller.post(link.removeprefix(f"http://{HOST}")).status == 303
        return caller

    return sign


def test_a_reviewer_answers_and_the_next_one_follows(desk: Desk, signed_in: Callable[[str], Caller]) -> None:
    first, second = asyncio.run(decide(desk, range(2)))
    rhea = signed_in("rhea")
    assert "2 results to look at" in rhea.get("/reviews").text
    page = rhea.get(f"/deployments/desk/reviews/{first}")
    assert "Was this decision right?" in page.text and "1000" in page.text
    assert "0.9" not in page.text.replace("0.90", "")  # the proxy
    answered = rhea.post(f"/deployments/desk/reviews/{first}", {"verdict": "right", "reason": ""})
    assert answered.status == 303 and f"/reviews/{second}" in answered.to
    assert "it was right" in rhea.get(answered.to).text
    last = rhea.post(f"/deployments/desk/reviews/{second}", {"verdict": "wrong", "reason": "No."})
    assert last.to.startswith("/reviews?")
    assert "Nothing to look at" in rhea.get("/reviews").text
    assert [row.verdict for row in items(desk).values()] == ["right", "wrong"]


def test_wrong_needs_a_reason_and_an_odd_answer_is_none(
    desk: Desk, signed_in: Callable[[str], Caller]
) -> None:
    (run,) = asyncio.run(decide(desk, [1]))
    rhea, path = signed_in("rhea"), f"/deployments/desk/reviews/{run}"
    refused = rhea.post(path, {"verdict": "wrong", "reason": " "})
    assert refused.status == 422 and "BH-WAT-077" in refused.text
    assert rhea.post(path, {"verdict": "perhaps", "reason": "x"}).status == 400
    assert rhea.post(path, {"verdict": "right"}).status == 400
    assert items(desk)[run].answers == 0


def test_there_is_no_such_page_for_anybody_else(desk: Desk, signed_in: Callable[[str], Caller]) -> None:
    (run,) = asyncio.run(decide(desk, [1]))
    for person in ("maya", "olga", "sam"):
        caller = signed_in(person)
        assert caller.get(f"/deployments/desk/reviews/{run}").status == 404
        form = {"verdict": "right", "reason": ""}
        assert caller.post(f"/deployments/desk/reviews/{run}", form).status == 404
        assert "To review" not in caller.get("/reviews").text
    assert items(desk)[run].answers == 0


def test_of_two_reviewers_the_slower_one_is_told(desk: Desk, signed_in: Callable[[str], Caller]) -> None:
    (run,) = [run for run in asyncio.run(decide(desk, range(8))) if items(desk)[run].wanted == 1][:1]
    rhea = signed_in("rhea")
    look(desk, run, "wrong", person="lee")
    late = rhea.post(f"/deployments/desk/reviews/{run}", {"verdict": "right", "reason": ""})
    assert late.status == 409 and "BH-WAT-076" in late.text
    assert "wrong" not in rhea.get(f"/deployments/desk/reviews/{run}.json").text.replace("wrong_", "")


def test_the_data_page_says_how_often_it_is_right(desk: Desk, signed_in: Callable[[str], Caller]) -> None:
    olga = signed_in("olga")
    page = olga.get("/deployments/desk/health").text
    assert "Not known in the last 4 weeks. Nobody has audited anything of it yet." in page
    runs = asyncio.run(decide(desk, range(12), then=[NOTE]))
    for run in runs[:6]:
        look(desk, run, "right")
    page = olga.get("/deployments/desk/health").text
    assert "from 6 audited results in the last 4 weeks; assumes random audit." in page
    assert "neither is proved" in page  # six right answers do not prove nine in ten
    assert look_at(desk, runs[6:], [True] * 6)
    page = olga.get("/deployments/desk/health").text
    assert "proved to be right too seldom" in page and "which did" in page
    said = olga.get("/deployments/desk/health.json").json()["workflows"][0]
    assert said["touched_runs"] == runs[6:] and said["touched_effects"] == 6
    assert said["lately"]["interval"]["labels"] == 12 - len([r for r in runs if not items(desk)[r].verdict])
