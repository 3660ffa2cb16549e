"""Undo in the console: planned, ordered as it was seen, agreed to by others, followed and certified."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from bridgehead.doors.cli import cli
from bridgehead.doors.console import console, make_link
from bridgehead.enforce.stop import set_stop
from bridgehead.explain import Viewer
from bridgehead.kernel.errors import BridgeheadError
from bridgehead.record.verify import main as stand_alone
from bridgehead.rollout.certificate import certified
from bridgehead.store import tables as t
from fixtures.console_caller import HOST, Answer, Caller
from fixtures.houses import IDENTIFY, Desk, act
from fixtures.undoing import Undoing

ONE = "/deployments/desk"
MOVE = act("change_address", order_id="o1", address="2 Lane")
MOVE_OTHER = act("change_address", order_id="o2", address="9 Hill")
REFUND = act("refund", order_id="o1", amount=20)
WATCHERS = (
    "  jens: {name: Jens Exec, email: jens@example.com, roles: [executive]}\n"
    "  priya: {name: Priya Audit, email: priya@example.com, roles: [auditor]}\n"
    "  ivo: {name:"
)


class Console:
    """The desk's console, with a bad release in it that moved an address and paid a refund."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk.change("  ivo: {name:", WATCHERS)
        self.undoing = Undoing(desk)
        self.run = desk.start(IDENTIFY, MOVE_OTHER, REFUND, title="Refund for Ana")
        self.work()
        self.app = console([desk.house], clock=desk.clock)

    def work(self) -> None:
        """Carry everything as far as it goes now."""
        asyncio.run(self.desk.work())

    def sign_in(self, person: str) -> Caller:
        """Sign somebody in through their link."""
        caller = Caller(self.app)
        link = make_link(self.desk.house.store, person, self.desk.clock, f"http://{HOST}")
        assert caller.post(link.removeprefix(f"http://{HOST}")).status == 303
        return caller

    def plan(self, caller: Caller, what: str = "") -> str:
        """Have a plan made from the page of a release or a run; return the address of the undo."""
        went = caller.post(f"{ONE}/{what or f'releases/{self.undoing.bad}'}/undo")
        assert went.status == 303, went.text
        self.work()
        return went.to

    def order(self, caller: Caller, address: str, **other: str) -> Answer:
        """Press the button of a plan's page."""
        form = {"digest": caller.get(address).hidden("digest"), "reason": "wrong address", "rate": ""}
        return caller.post(address, form | other)

    def taken_back(self, caller: Caller) -> str:
        """Plan, order, agree, and carry it to its end; return its address."""
        went = self.order(caller, self.plan(caller))
        assert went.status == 303, went.text
        self.work()
        self.desk.vote("olga")
        self.work()
        return went.to

    def undos(self) -> list[Any]:
        """Return what was planned or ordered, oldest first."""
        with self.desk.house.store.reading() as connection:
            return list(connection.execute(select(t.undo).order_by(t.undo.c.ordered_entry)).all())


@pytest.fixture
def there(desk: Desk) -> Console:
    return Console(desk)


def test_a_release_is_planned_ordered_agreed_to_and_certified(there: Console) -> None:
    sam = there.sign_in("sam")
    release = f"{ONE}/releases/{there.undoing.bad}/undo"
    assert release in sam.get(ONE).text
    assert "2 effects" in sam.get(release).text
    planned = there.plan(sam)
    page = sam.get(planned).text
    assert "take it back?" in page
    assert "1 will be taken back; 1 cannot be taken back." in page
    assert "20.00 USD moved, of which 0.00 USD would come back." in page
    assert "Send order o2 to 9 Hill" in page  # what it was, in words
    assert f'href="{ONE}/runs/{there.run}#at-2"' in page
    assert "credit or charge 20.00 USD" in page  # the remedy
    assert f"Release {there.undoing.good[:12]}… is active again" in page
    assert "Olga Owner, Dan Deputy are asked to agree" in page
    assert there.desk.house.deployment.digest == there.undoing.bad  # a plan stops nothing

    went = there.order(sam, planned)
    assert (went.status, went.to != planned) == (303, True)
    assert "comes to rest" in sam.get(went.to).text or "is stopped" in sam.get(went.to).text
    there.work()
    asking = sam.get(went.to).text
    assert f'href="{ONE}/approvals/{there.desk.question().id}"' in asking
    assert there.desk.shop.orders["o2"]["address"] == "9 Hill"
    there.desk.vote("olga")
    there.work()
    ended = sam.get(went.to).text
    assert "was taken back in part" in ended
    assert "Of 2 effects, 1 was taken back; 1 cannot be taken back." in ended
    assert "Olga Owner sees to the rest until" in ended
    assert "wrong address" in ended and "agreed by" in ended
    assert there.desk.shop.orders["o2"]["address"] == "1 Road"
    assert "1 of 2 effects taken back" in sam.get(f"{ONE}/runs/{there.run}").text
    listed = sam.get(f"{ONE}/undos")
    assert went.to in listed.text and "What was taken back" in listed.text
    assert [one["undone"] for one in sam.get(f"{ONE}/undos.json").json()["undos"]] == [1, 0]


def test_the_certificate_begins_with_one_sentence_and_verifies_offline(
    there: Console, tmp_path: Path
) -> None:
    sam = there.sign_in("sam")
    address = there.taken_back(sam) + "/certificate"
    page = sam.get(address).text
    lede = page.index("Of 2 effects, 1 was taken back; 1 cannot be taken back.")
    assert "Of 20.00 USD moved, 0.00 USD came back and 20.00 USD remain." in page
    assert lede < page.index("Counted to the last effect") < page.index("bridgehead verify --certificate")
    assert "signed, and it adds up" in page
    file, key = tmp_path / "certificate.json", there.desk.state / "keys" / "ledger.vkey"
    file.write_text(sam.get(f"{address}.json").text)
    assert f'href="{address}.json" download=' in page
    said = CliRunner().invoke(cli, ["verify", "--certificate", str(file), "--vkey", str(key)])
    assert said.exit_code == 0, said.output
    assert "Its signature holds, and every count adds up." in said.output
    assert stand_alone([str(file), "--certificate", "--vkey", str(key)]) == 0
    changed = json.loads(file.read_text())
    changed["certificate"] = changed["certificate"].replace("impossible: 1", "impossible: 0")
    file.write_text(json.dumps(changed))
    assert stand_alone([str(file), "--certificate", "--vkey", str(key)]) == 1
    for odd in ('{"certificate": 7}', "{}", "{", '{"certificate": "x"}'):
        file.write_text(odd)
        assert stand_alone([str(file), "--certificate", "--vkey", str(key)]) == 2


def test_one_run_is_taken_back_from_its_own_page(there: Console) -> None:
    sam = there.sign_in("sam")
    run = f"{ONE}/runs/{there.run}"
    assert f'href="{run}/undo"' in sam.get(run).text
    assert "Take back what run Refund for Ana did?" in sam.get(f"{run}/undo").text
    planned = there.plan(sam, f"runs/{there.run}")
    assert "Its release stays as it is." in sam.get(planned).text
    went = there.order(sam, planned)
    there.work()
    question = there.desk.question()
    asked = there.sign_in("olga").get(f"{ONE}/approvals/{question.id}").text
    assert f'href="{went.to}"' in asked  # who agrees can read the plan, effect by effect
    there.desk.vote("olga")
    there.work()
    assert there.desk.shop.orders["o2"]["address"] == "1 Road"
    saga = there.undos()[-1].run
    left = sam.get(there.plan(sam, f"runs/{there.run}")).text
    assert "Nothing of it would be taken back." in left and "It was taken back already" in left
    assert f'href="{went.to}"' in sam.get(f"{ONE}/runs/{saga}").text
    assert sam.get(f"{ONE}/runs/{saga}/undo").status == 404  # what takes back is not taken back itself


def test_who_may_order_here_is_who_may_order_at_the_terminal(there: Console) -> None:
    charter = there.desk.house.deployment.charter
    for person, declared in charter.people.items():
        viewer = Viewer.of(charter, person)
        assert (viewer is not None) == declared.active
        may = True
        try:
            there.undoing.order(by=person, execute=False)
        except BridgeheadError as error:
            assert error.code == "BH-UND-003"
            may = False
        assert (viewer is not None and viewer.may("undo")) == may, person


@pytest.mark.parametrize("person", ["priya", "jens", "maya"])
def test_who_may_not_order_sees_no_button_and_cannot_post(there: Console, person: str) -> None:
    planned = there.plan(there.sign_in("sam"))
    before, watcher = len(there.undos()), there.sign_in(person)
    page = watcher.get(planned)
    assert page.status == (404 if person == "maya" else 200)
    assert "<textarea" not in page.text
    digest = there.undos()[0].plan_digest
    assert watcher.post(planned, {"digest": digest, "reason": "x", "rate": ""}).status == 403
    for what in (f"releases/{there.undoing.bad}", f"runs/{there.run}"):
        assert watcher.get(f"{ONE}/{what}/undo").status == 403
        assert watcher.post(f"{ONE}/{what}/undo").status == 403
    assert len(there.undos()) == before
    assert there.desk.house.deployment.digest == there.undoing.bad


def test_an_order_counts_for_the_plan_that_was_seen_and_for_no_other(there: Console) -> None:
    sam = there.sign_in("sam")
    first = there.plan(sam)
    seen = sam.get(first).hidden("digest")
    answer = there.order(sam, first, digest="0" * 64)
    assert (answer.status, "BH-DOO-044" in answer.text) == (409, True)
    answer = there.order(sam, first, reason="  ")
    assert (answer.status, "BH-DOO-041" in answer.text) == (422, True)
    answer = there.order(sam, first, rate="fast")
    assert (answer.status, "BH-UND-006" in answer.text, 'value="fast"' in answer.text) == (422, True, True)
    there.desk.start(IDENTIFY, MOVE)
    there.work()
    second = there.plan(sam)
    old = sam.get(first).text
    assert "A newer plan is another one" in old and f'href="{second}"' in old
    assert "<textarea" not in old
    form = {"digest": seen, "reason": "x", "rate": ""}
    answer = sam.post(first, form)
    assert (answer.status, "BH-DOO-044" in answer.text) == (409, True)
    assert [one.state for one in there.undos()] == ["planned", "planned"]
    assert there.order(sam, second).status == 303


def test_a_plan_that_changes_after_the_order_is_asked_about_as_it_is_now(there: Console) -> None:
    sam = there.sign_in("sam")
    planned = there.plan(sam)
    there.desk.start(IDENTIFY, MOVE)
    there.work()  # the release did one thing more
    there.desk.shop.orders["o2"]["address"] = "5 Quay"  # and somebody changed what it did before
    went = there.order(sam, planned)
    there.work()
    page = sam.get(went.to).text
    assert "The plan changed after it was ordered" in page
    assert "not in it" in page and "left as they are" in page
    changed = sam.get(f"{went.to}.json").json()["undo"]["changed"]
    assert [(one["was"], one["now"]) for one in changed] == [
        ("taken back once the plan is agreed to", "left as they are"),
        ("not in it", "taken back once the plan is agreed to"),
    ]
    seen = there.desk.question()
    assert there.undos()[-1].expected == there.undos()[0].plan_digest
    assert there.undos()[-1].expected in json.dumps(seen.arguments)


def test_a_second_press_orders_nothing_more(there: Console) -> None:
    sam = there.sign_in("sam")
    planned = there.plan(sam)
    form = {"digest": sam.get(planned).hidden("digest"), "reason": "twice", "rate": ""}
    first, second = sam.post(planned, form), sam.post(planned, form)
    assert (second.status, second.to) == (303, first.to)
    assert len(there.undos()) == 2
    assert "It was ordered since" in sam.get(planned).text
    other = there.sign_in("olga").post(planned, form)
    assert (other.status, "BH-DOO-044" in other.text) == (409, True)
    no_plan = there.sign_in("olga").post(first.to, form)  # what is under way
    assert (no_plan.status, "BH-DOO-043" in no_plan.text) == (409, True)
    twice = [sam.post(f"{ONE}/runs/{there.run}/undo").to for _ in range(2)]
    assert twice[0] == twice[1]


@pytest.mark.parametrize(
    "headers",
    [{"sec-fetch-site": "cross-site", "origin": "http://evil.test"}, {}],
    ids=["another site", "no proof"],
)
def test_another_site_plans_and_orders_nothing(there: Console, headers: dict[str, str]) -> None:
    sam = there.sign_in("sam")
    planned = there.plan(sam)
    body = f"digest={sam.get(planned).hidden('digest')}&reason=x&rate=".encode()
    content = {"content-type": "application/x-www-form-urlencoded"}
    assert sam.send("POST", planned, body, content | headers).status == 403
    assert sam.send("POST", f"{ONE}/runs/{there.run}/undo", b"", content | headers).status == 403
    assert sam.get(f"{planned}?{body.decode()}").status == 200
    assert [one.state for one in there.undos()] == ["planned"]


def test_an_executive_reads_what_it_came_to_and_no_single_run(there: Console) -> None:
    sam, jens = there.sign_in("sam"), there.sign_in("jens")
    run = there.plan(sam, f"runs/{there.run}")
    address = there.taken_back(sam)
    page, certificate = jens.get(address).text, jens.get(f"{address}/certificate").text
    for text in (page, certificate):
        assert "Of 2 effects, 1 was taken back; 1 cannot be taken back." in text
        assert "Of 20.00 USD moved, 0.00 USD came back and 20.00 USD remain." in text
        assert there.run not in text and "Refund for Ana" not in text and "order o2" not in text
    data = jens.get(f"{address}/certificate.json").json()
    assert data["certificate"] == "" and data["report"]["counts"]["undone"] == 1
    assert there.run not in json.dumps(jens.get(f"{address}.json").json())
    assert jens.get(run).status == jens.get(f"{run}/certificate").status == 404
    listed = jens.get(f"{ONE}/undos").text
    assert address in listed and run not in listed and there.run not in listed
    assert jens.get(f"{ONE}/queries/undo-effects").status == 200


def test_who_agrees_is_told_what_a_yes_does_and_stays_with_the_question(there: Console) -> None:
    there.order(there.sign_in("sam"), there.plan(there.sign_in("sam")))
    there.work()
    asked, olga = there.desk.question(), there.sign_in("olga")
    address = f"{ONE}/approvals/{asked.id}"
    page = olga.get(address)
    assert "Take back 1 effect of release" in page.text and "??" not in page.text
    assert "Of 2 effects, 1 will be taken back; 1 cannot be taken back." in page.text
    assert "It changes nothing." not in page.text and "No fact was read" not in page.text
    assert (
        "1 taken back once the plan is agreed to: a policy may still ask about one first; 1 cannot"
        in page.text
    )
    form = {"answer": "approve", "digest": page.hidden("digest"), "reason": "seen"}
    went = olga.post(address, form)
    assert (went.status, went.to.partition("?")[0]) == (303, address)  # an owner has no inbox
    assert "You approved:" in olga.get(went.to).text


def test_whoever_a_charter_asks_about_an_undo_sees_its_plan(tmp_path: Path) -> None:
    desk = Desk(tmp_path).change(
        "approvals:\n", "approvals:\n  undo: {question: Is it to be taken back, who: risk, within: 72h}\n"
    )
    there = Console(desk)
    sam, rhea, maya = there.sign_in("sam"), there.sign_in("rhea"), there.sign_in("maya")
    planned = there.plan(sam)
    assert "Lee Both, Rhea Risk are asked to agree" in sam.get(planned).text
    went = there.order(sam, planned).to
    there.work()
    question = f"{ONE}/approvals/{there.desk.question().id}"
    assert f'href="{went}"' in rhea.get(question).text
    plan = rhea.get(went)
    assert "Send order o2 to 9 Hill" in plan.text and "/runs/" not in plan.text.partition("</main>")[0]
    assert rhea.get(planned).status == maya.get(went).status == 404
    for link in ("undos", "undos/undo_x", f"{went.removeprefix(ONE)[1:]}/certificate"):
        assert rhea.get(f"{ONE}/{link}").status == 404
    desk.close()


def test_looking_writes_nothing_and_an_interim_certificate_says_so(there: Console) -> None:
    sam = there.sign_in("sam")
    went = there.order(sam, there.plan(sam))
    there.work()
    size = there.desk.house.ledger.size_and_root()
    undo = went.to.rpartition("/")[2]
    for path in ("undos", f"undos/{undo}", f"undos/{undo}/certificate", f"runs/{there.run}/undo"):
        sam.get(f"{ONE}/{path}")
        sam.get(f"{ONE}/{path}.json")
    assert there.desk.house.ledger.size_and_root() == size
    assert sam.get(f"{went.to}/certificate").status == 404  # none was signed yet
    assert "signs an interim one" in sam.get(went.to).text
    certified(there.desk.house.boundary, undo)
    page = sam.get(f"{went.to}/certificate").text
    assert "This one is interim" in page and "1 is still to come" in page


def test_a_stopped_deployment_says_what_the_undo_waits_for(there: Console) -> None:
    set_stop(there.desk.house.boundary, by=there.desk.person("olga"), reason="odd")
    sam = there.sign_in("sam")
    page = sam.get(there.plan(sam)).text
    assert "a plan is being made" in page
    assert "The deployment is stopped: this waits until the stop is lifted" in page


def test_a_long_group_is_read_in_pages(there: Console) -> None:
    for street in ("Lane", "Alley", "Road", "Hill"):
        moves = [act("change_address", order_id="o1", address=f"{number} {street}") for number in range(6)]
        there.desk.start(IDENTIFY, *moves)
        there.work()
    sam = there.sign_in("sam")
    planned = there.plan(sam)
    first = sam.get(planned)
    assert first.text.count('id="effect-') == 20 + 1  # and the refund, in a group of its own
    assert f'href="{planned}?group=automatic&amp;from=0">All 25<' in first.text
    whole = sam.get(f"{planned}?group=automatic")
    assert whole.text.count('id="effect-') == 25
    for odd in ("group=none", "group=automatic&from=-1", "group=automatic&from=x", "from=3"):
        assert sam.get(f"{planned}?{odd}").status == 200


def test_what_is_not_there_is_not_taken_back(there: Console) -> None:
    sam = there.sign_in("sam")
    for path in ("runs/run_x/undo", "releases/abc/undo", "undos/undo_x", "undos/undo_x/certificate"):
        assert sam.get(f"{ONE}/{path}").status == 404
    assert sam.post(f"{ONE}/runs/run_x/undo").status == 404
    assert sam.post(f"{ONE}/undos/undo_x", {"digest": "x", "reason": "x", "rate": ""}).status == 404
    assert there.undos() == []
