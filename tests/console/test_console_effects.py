"""Effects in the console: who sees them, and who settles one, by the form and by nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from bridgehead.assemble import House
from bridgehead.doors.cli import cli
from bridgehead.store.tables import crossing, incident
from fixtures.console_caller import Answer, Caller, SignIn
from fixtures.unclear import lose_an_answer

ONE = "/deployments/retail-support"


@pytest.fixture
def lost(house: House) -> str:
    """The address of an effect nobody heard back from."""
    run, position = lose_an_answer(house)
    return f"{ONE}/effects/{run}/{position}"


def say(caller: Caller, address: str, answer: str = "happened", reason: str = "seen in the shop") -> Answer:
    """Settle as a person does: open the page, press a button of its form."""
    digest = caller.get(address).hidden("digest")
    form = {"answer": answer, "digest": digest, "reason": reason, "receipt": "W-17"}
    return caller.post(address, form)


def row(house: House, address: str) -> tuple[str, str]:
    run, position = address.split("/")[-2:]
    with house.store.reading() as connection:
        found = connection.execute(
            select(crossing.c.state, crossing.c.settled).where(
                crossing.c.run == run, crossing.c.position == position
            )
        ).one()
    return found.state, found.settled


def test_the_right_person_settles_it_and_the_list_says_so(house: House, lost: str, sign_in: SignIn) -> None:
    sam = sign_in("sam")
    page = sam.get("/effects")
    assert "One effect waits for you" in page.text
    assert lost in page.text
    assert "{customer}" not in page.text  # what waits for people is told in the words they are asked with
    went = say(sam, lost)
    assert went.status == 303
    after = sam.get(went.to)
    assert "It happened:" in after.text
    assert "No effect" in after.text
    assert row(house, lost) == ("done", "happened")
    with house.store.reading() as connection:
        assert connection.execute(select(incident.c.closed_at)).scalar_one() is not None
    told = sam.get(lost.replace("/effects/", "/runs/").rpartition("/")[0]).text
    assert "Sam Whitfield said: it happened. seen in the shop" in told


def test_it_is_linked_from_where_people_come_by(lost: str, sign_in: SignIn) -> None:
    ruth = sign_in("ruth")
    assert 'href="/effects"' in ruth.get("/deployments").text
    assert f'href="{lost}"' in ruth.get(ONE).text
    run = lost.split("/")[-2]
    assert f'href="{lost}"' in ruth.get(f"{ONE}/runs/{run}").text
    assert 'href="/effects"' not in sign_in("maya").get("/inbox").text


def test_whoever_it_was_done_for_reads_and_cannot_answer(house: House, lost: str, sign_in: SignIn) -> None:
    ruth = sign_in("ruth")  # the owner, and the agent acts on her behalf
    page = ruth.get(lost)
    assert "Nobody settles what was asked for on their behalf" in page.text
    assert "Who can: Sam Whitfield." in page.text
    answer = say(ruth, lost)
    assert answer.status == 409
    assert "BH-SET-004" in answer.text
    assert row(house, lost) == ("unknown", "")


def test_who_may_neither_see_runs_nor_settle_sees_nothing(lost: str, sign_in: SignIn) -> None:
    maya = sign_in("maya")
    assert maya.get(lost).status == 404
    assert maya.get("/effects.json").json()["effects"] == []
    form = {"answer": "happened", "digest": "x", "reason": "y", "receipt": ""}
    assert maya.post(lost, form).status == 404


def test_an_answer_to_another_page_does_not_count(house: House, lost: str, sign_in: SignIn) -> None:
    sam = sign_in("sam")
    form = {"answer": "happened", "digest": "0" * 64, "reason": "seen", "receipt": ""}
    answer = sam.post(lost, form)
    assert (answer.status, "BH-SET-003" in answer.text) == (409, True)
    assert say(sam, lost, reason=" ").status == 422
    assert say(sam, lost, answer="perhaps").status == 400
    assert row(house, lost) == ("unknown", "")


@pytest.mark.parametrize(
    "headers",
    [{"sec-fetch-site": "cross-site", "origin": "http://evil.test"}, {}],
    ids=["another site", "no proof"],
)
def test_another_site_settles_nothing(
    house: House, lost: str, sign_in: SignIn, headers: dict[str, str]
) -> None:
    sam = sign_in("sam")
    digest = sam.get(lost).hidden("digest")
    body = f"answer=happened&digest={digest}&reason=x&receipt=".encode()
    content = {"content-type": "application/x-www-form-urlencoded"}
    assert sam.send("POST", lost, body, content | headers).status == 403
    assert sam.get(f"{lost}?answer=happened&digest={digest}&reason=x").status == 200
    assert row(house, lost) == ("unknown", "")


def test_a_second_press_says_that_it_is_settled(lost: str, sign_in: SignIn) -> None:
    sam = sign_in("sam")
    digest = sam.get(lost).hidden("digest")
    form = {"answer": "leave", "digest": digest, "reason": "nobody knows", "receipt": ""}
    assert sam.post(lost, form).status == 303
    again = sam.post(lost, form)
    assert again.status == 409
    assert "Your answer was not counted" in again.text or "BH-SET-002" in again.text
    assert "nobody can tell" in sam.get("/effects").text  # left, so it stays on the list


def test_the_same_list_at_the_terminal(house: House, lost: str, tmp_path: Path) -> None:
    run, position = lost.split("/")[-2:]
    folder = str(house.folder)
    runner = CliRunner()

    def said(*words: str) -> str:
        result = runner.invoke(cli, ["effects", *words, "--in", folder])
        assert result.exit_code == 0, (result.output, result.exception)
        return str(result.output)

    (line,) = json.loads(said("--unknown", "--json"))["lines"]
    assert (line["run"], line["position"], line["people"]) == (run, position, ["Sam Whitfield"])
    assert line["next"] == "a person says what became of it"
    assert "owner or deputy" in said("--unknown")
    shown = json.loads(said("show", run, position, "--json"))
    words = ["settle", run, position, "--happened", "--reason", "seen", "--as", "sam"]
    settled = json.loads(said(*words, "--digest", shown["digest"], "--receipt", '{"n": 7}', "--json"))
    assert settled == {"run": run, "position": position, "state": "done", "run_goes_on": False}
    assert said("--unknown").startswith("No effect is open.")
    assert "people answer, or it is refused" in said()
    assert len(json.loads(said(run, "--all", "--json"))["lines"]) >= 1
    asked = runner.invoke(cli, ["effects", *words, "--in", folder], input="y\n")
    assert asked.exit_code != 0
    assert getattr(asked.exception, "code", "") == "BH-SET-002"
