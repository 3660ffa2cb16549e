"""``bridgehead undo``: what people read, what programs read, and what is refused in words."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from bridgehead.assemble import House
from bridgehead.doors.cli import cli
from bridgehead.doors.cli.serving import carry
from bridgehead.kernel.errors import BridgeheadError
from bridgehead.store import tables as t
from bridgehead.testing import HostileErp
from fixtures.charters import ROOT

EXAMPLE = ROOT / "examples" / "hostile-erp"


class Terminal:
    """The hostile example in a folder of its own, two orders posted, and a terminal in it."""

    def __init__(self, path: Path, erp: HostileErp) -> None:
        self.folder, self.erp = path / "folder", erp
        shutil.copytree(EXAMPLE, self.folder, ignore=shutil.ignore_patterns(".bridgehead", "__pycache__"))
        self.run = self.posts("o-1", "o-2")
        (self.release,) = self.reads("undo", "--list")["releases"]

    def posts(self, *names: str, now: bool = True) -> str:
        """Start a run that posts orders, and carry it here unless it is left to others; return its id."""
        orders = [{"reference": name, "customer": "Ana", "amount": "12.00"} for name in names]
        given = json.dumps({"orders": orders, "settled_by": "probe"})
        return str(self.reads("run", "post", "--input", given, *(() if now else ("--no-wait",)))["run"])

    def types(self, *words: str, answer: str = "", at: bool = False) -> Result:
        """Type a command; ``at`` where the folder is its argument and no option."""
        where = [str(self.folder)] if at else ["--in", str(self.folder)]
        return CliRunner().invoke(cli, [*words, *where], input=answer)

    def reads(self, *words: str) -> Any:
        """Return what a command tells programs."""
        told = self.types(*words, "--json")
        assert told.exit_code == 0, told.output
        return json.loads(told.stdout)

    def carry(self) -> None:
        """Carry on what waits, as ``bridgehead up`` does."""
        house = House.open(self.folder)
        asyncio.run(carry(house))
        house.close()

    def refused(self, *words: str) -> str:
        """Return the code of what a command is refused with."""
        told = self.types("undo", *words)
        assert isinstance(told.exception, BridgeheadError), told.output
        return told.exception.code


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    with HostileErp.start(tmp_path / "erp") as erp:
        monkeypatch.setenv("HOSTILE_ERP", erp.url)
        yield Terminal(tmp_path, erp)


def test_from_the_list_to_the_certificate(terminal: Terminal) -> None:
    release = terminal.release["digest"]
    assert (terminal.release["words"], terminal.release["runs"], terminal.release["effects"]) == (
        "active",
        1,
        2,
    )
    listed = terminal.types("undo", "--list").output
    assert release[:16] in listed and "active" in listed

    plan = terminal.types("undo", "--release", release[:12], "--as", "noor").output
    assert "2  taken back after somebody agrees to each by itself" in plan
    assert "cancel_posting cannot be taken back itself." in plan
    assert f"--release {release[:16]} --execute --digest" in plan
    as_value = terminal.reads("undo", "--release", release, "--as", "noor")
    assert (as_value["state"], [item["group"] for item in as_value["items"]]) == ("planned", ["approval"] * 2)
    assert as_value["plan_digest"] in plan

    digest = as_value["plan_digest"]
    words = ("--execute", "--as", "noor", "--reason", "wrong", "--digest", digest, "--rate", "")
    ordered = terminal.types("undo", "--release", release, *words).output
    assert "waits until somebody agrees to the plan" in ordered
    for _ in range(3):  # the plan, then each by itself
        question = terminal.reads("approvals")["waiting"][0]["id"]
        said = terminal.types("approve", question, "--as", "olga", "--reason", "seen", answer="y\n")
        assert said.exit_code == 0, said.output
        terminal.carry()
    listed = terminal.reads("undo", "--list")
    assert [one["state"] for one in listed["undos"]] == ["ended", "planned", "planned"]
    assert [one["words"] for one in listed["releases"]] == ["stopped"]

    note = terminal.types("undo", "--release", release, "--certificate").stdout
    assert terminal.reads("undo", "--release", release, "--certificate")["certificate"] == note
    assert "\nundone: 2\n" in note and "\nmoney: EUR moved=24.00 taken-back=24.00" in note
    assert terminal.erp.judge(["o-1", "o-2"]).once == 2
    file = terminal.folder / "certificate.txt"
    file.write_text(note)
    verified = CliRunner().invoke(cli, ["verify", str(terminal.folder), "--certificate", str(file)])
    assert verified.exit_code == 0, verified.output


@pytest.mark.parametrize("words", [(), ("--execute", "--reason", "wrong")], ids=["plan", "execute"])
def test_an_undo_carries_nobody_else_s_runs(terminal: Terminal, words: tuple[str, ...]) -> None:
    terminal.posts("o-3", now=False)  # somebody else's, for the workers to carry
    found = terminal.reads("undo", terminal.run, "--as", "noor", *words)
    assert found["state"] == ("asking" if words else "planned")
    assert terminal.erp.judge(["o-3"]).missing == 1
    terminal.carry()
    assert terminal.erp.judge(["o-3"]).once == 1


REFUSED = [
    (("--release", "RELEASE"), "BH-DOO-040"),
    (("--release", "RELEASE", "--as", "noor", "--execute"), "BH-DOO-041"),
    (("--as", "noor"), "BH-DOO-042"),
    (("run_x", "--release", "RELEASE", "--as", "noor"), "BH-DOO-042"),
    (("--release", "ffff", "--as", "noor"), "BH-UND-001"),
    (("--release", "RELEASE", "--as", "maya"), "BH-UND-003"),
    (("--release", "RELEASE", "--certificate"), "BH-UND-005"),
    (("--release", "RELEASE", "--as", "noor", "--rate", "fast"), "BH-UND-006"),
]


def test_what_is_refused_is_refused_with_a_code(terminal: Terminal) -> None:
    release = terminal.release["digest"]
    for words, code in REFUSED:
        assert terminal.refused(*(release if word == "RELEASE" else word for word in words)) == code, words
    assert terminal.reads("undo", "--list")["releases"][0]["words"] == "active"


def test_an_undo_of_the_only_release_is_carried_by_up_once_it_is_agreed_to(terminal: Terminal) -> None:
    release = terminal.release["digest"]
    terminal.reads("undo", "--release", release, "--as", "noor", "--execute", "--reason", "wrong")
    question = terminal.reads("approvals")["waiting"][0]["id"]
    assert "waits until somebody agrees to the plan" in terminal.types("undo", "--list").output
    terminal.types("approve", question, "--as", "olga", "--reason", "seen", answer="y\n")
    assert terminal.reads("undo", "--list")["undos"][0]["words"] == "agreed, not yet carried on"

    carried = terminal.types("up", "--until-idle", at=True)
    assert carried.exit_code == 0, carried.output
    assert f"holds release {release[:12]}, which was taken back by undo_" in carried.output
    assert "the release before it" not in carried.output
    assert terminal.reads("undo", "--list")["undos"][0]["state"] == "running"
    assert len(terminal.reads("approvals")["waiting"]) == 1  # the first compensation asks for its own yes
    started = terminal.types("run", "post", "--input", '{"orders": [], "settled_by": "probe"}')
    assert isinstance(started.exception, BridgeheadError) and started.exception.code == "BH-ASM-007"


def test_a_plan_nobody_finished_is_dropped_when_a_newer_one_is_made(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = terminal.release["digest"]
    with monkeypatch.context() as killed:
        killed.setattr(
            "bridgehead.doors.cli.undo._carry", lambda *_: None
        )  # as if the process had been ended here
        terminal.reads("undo", "--release", release, "--as", "noor")
    assert terminal.reads("undo", "--list")["undos"][0]["words"] == "its records are being read"
    terminal.reads("undo", "--release", release, "--as", "noor")
    newer, older = terminal.reads("undo", "--list")["undos"]
    assert (newer["state"], older["state"]) == ("planned", "dropped")
    assert "was dropped" in older["words"]
    terminal.carry()
    house = House.open(terminal.folder)
    with house.store.reading() as connection:
        carried = connection.execute(
            select(t.run.c.status).join(t.undo, t.undo.c.run == t.run.c.id).where(t.undo.c.id == older["id"])
        ).scalar()
        looked = connection.execute(
            select(t.crossing.c.position)
            .join(t.undo, t.undo.c.run == t.crossing.c.run)
            .where(t.undo.c.id == older["id"])
        ).all()
    house.close()
    assert (carried, looked) == ("done", [])


def test_the_question_of_an_undo_says_what_yes_does(terminal: Terminal) -> None:
    release = terminal.release["digest"]
    ordered = terminal.types("undo", "--release", release, "--as", "noor", "--execute", "--reason", "wrong")
    question = terminal.reads("approvals")["waiting"][0]["id"]
    assert f"bridgehead approve {question} --as PERSON --in {terminal.folder}\n" in ordered.output

    shown = terminal.types("approve", question, "--as", "olga", answer="n\n").output
    assert "Take back 2 effects of release" in shown and shown.count("Take back 2 effects") == 1
    assert "Of 2 effects" in shown or "All 2 effects" in shown
    assert "24.00 EUR moved, of which 24.00 EUR would come back." in shown
    assert "Yes takes back what the plan says" in shown and "No leaves everything as it is" in shown
    assert "2 taken back after somebody agrees to each by itself" in shown
    assert terminal.reads("undo", "--list")["undos"][0]["plan_digest"] in shown
    assert f"bridgehead undo --release {release[:16]} --as olga --in {terminal.folder}\n" in shown
    assert "It changes nothing" not in shown and "{" not in shown


def test_who_may_not_answer_is_told_before_they_read_the_question(terminal: Terminal) -> None:
    release = terminal.release["digest"]
    terminal.reads("undo", "--release", release, "--as", "noor", "--execute", "--reason", "wrong")
    question = terminal.reads("approvals")["waiting"][0]["id"]
    barred = terminal.types("approve", question, "--as", "noor", answer="y\n")
    assert isinstance(barred.exception, BridgeheadError) and barred.exception.code == "BH-APR-004"
    assert "Take back" not in barred.output


def test_a_run_is_named_by_the_beginning_of_its_id(terminal: Terminal) -> None:
    found = terminal.reads("effects", terminal.run[:20], "--all")
    assert {line["run"] for line in found["lines"]} == {terminal.run}
    position = found["lines"][0]["position"]
    assert terminal.reads("effects", "show", terminal.run[:20], position)["run"] == terminal.run


def test_why_says_that_nothing_is_at_a_position(terminal: Terminal) -> None:
    told = terminal.types("why", terminal.run, "99")
    assert isinstance(told.exception, BridgeheadError) and told.exception.code == "BH-DOO-046"


def test_a_list_for_nobody_says_of_nobody_that_they_may_not(terminal: Terminal) -> None:
    terminal.reads("undo", terminal.run, "--as", "noor", "--execute", "--reason", "wrong")
    (waiting,) = terminal.reads("approvals")["waiting"]
    assert (waiting["why_not"], waiting["mine"]) == ("", False)


def test_a_certificate_without_a_key_says_where_none_was_found(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "certificate.txt"
    file.write_text("a certificate")
    away = tmp_path / "elsewhere"
    told = CliRunner().invoke(
        cli, ["verify", str(terminal.folder), "--state", str(away), "--certificate", str(file)]
    )
    assert isinstance(told.exception, BridgeheadError) and told.exception.code == "BH-REC-041"
    assert str(away / "keys" / "ledger.vkey") in told.exception.what


def test_without_a_terminal_an_answer_names_what_it_needs(terminal: Terminal) -> None:
    terminal.types("undo", terminal.run, "--execute", "--as", "noor", "--reason", "wrong", "--rate", "")
    (asked,) = terminal.reads("approvals")["waiting"]
    told = terminal.types("approve", asked["id"], "--as", "olga", "--reason", "seen")
    assert told.exit_code == 2
    assert "give --digest with the digest of what you saw" in " ".join(told.output.split())
    assert terminal.reads("approvals")["waiting"] == [asked]  # nothing was counted
    said = terminal.types("approve", asked["id"], "--as", "olga", "--digest", asked["digest"])
    assert "The question is approved." in said.output
