"""The credit example, shortened: real applications, files and letters; figures recomputed beside it."""

from __future__ import annotations

import asyncio
import csv
import json
import math
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bridgehead.doors.cli.play import example_module
from bridgehead.record.export import export
from bridgehead.record.verify import verify_export

FOLDER = Path(__file__).parents[2] / "examples" / "credit-decisions"
SICK = {(1, 2): "renamed", (2, 0): "silent", (2, 3): "gaps", (3, 3): "partial"}
SHORT = {"weeks": 3, "nightly": 8, "everyone_from": 1}


class Played:
    """A play that is over: its result, its bank, and the applicants as the data set has them."""

    def __init__(self, place: Path, script: dict[tuple[int, int], str], floor: str = "0.90") -> None:
        folder = place / "example"
        shutil.copytree(FOLDER, folder, ignore=shutil.ignore_patterns(".bridgehead", "__pycache__"))
        charter = (folder / "charter.yaml").read_text()
        (folder / "charter.yaml").write_text(charter.replace("floor: 0.90", f"floor: {floor}"))
        module = example_module(FOLDER, "twelve_weeks")
        play = module.Play.set_up(place, folder, script=script, **SHORT)
        self.lines: list[str] = []
        self.result: dict[str, Any] = asyncio.run(play.carry_on(self.lines.append))
        self.model = json.loads((place / "deployment" / "model.json").read_text())
        self.people = {one.number: one._asdict() for one in module.applicants()}
        self.bank = sqlite3.connect(place / "bank" / "bank.sqlite")
        self.house, self.place = play.house, place

    def letters(self) -> dict[int, tuple[str, int, str]]:
        """Return decision, risk and day by application, from the bank's own file."""
        rows = self.bank.execute("select application, decision, risk, decided from decisions")
        return {row[0]: tuple(row[1:]) for row in rows}

    def risk(self, number: int) -> int:
        """Return what the model says of all that is known, in arithmetic of this file's own."""
        one, model = self.people[number], self.model
        logit = model["intercept"]
        for name, line in model["features"].items():
            if name == "share":
                given = one["amount"] / one["price"]
            elif one[name] is None:
                given = line["median"]
            else:
                given = one[name] if name in ("term", "expenses") else math.log(1 + one[name])
            logit += line["weight"] * (given - line["mean"]) / line["spread"]
        calibrated = model["calibration"]["slope"] * logit + model["calibration"]["offset"]
        return round(1000 / (1 + math.exp(-calibrated)))


@pytest.fixture(scope="module", autouse=True)
def _bytecode_and_logging_as_before() -> Iterator[None]:
    before = sys.dont_write_bytecode
    yield
    sys.dont_write_bytecode = before


@pytest.fixture(scope="module")
def sick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    played = Played(tmp_path_factory.mktemp("sick"), SICK, floor="0.50")
    yield played
    played.bank.close()
    played.house.close()


def test_no_letter_goes_out_on_figures_nobody_reported(sick: Played) -> None:
    letters = sick.letters()
    assert len(letters) > 60
    assert {number: risk for number, (_, risk, _) in letters.items()} == {
        number: sick.risk(number) for number in letters
    }
    assert sick.result["with"]["on_made_up_figures"] == 0


def test_the_figures_are_those_of_the_letters_and_of_how_loans_ended(sick: Played) -> None:
    letters = sick.letters()
    right = sum(
        (decision == "decline") == sick.people[number]["bad"] for number, (decision, *_) in letters.items()
    )
    found = sick.result["with"]
    assert (found["letters"], found["right"]) == (len(letters), right)
    assert sum(week["with"]["letters"] for week in sick.result["weeks"]) == len(letters)


def test_every_fault_stops_the_letters_of_that_morning_until_the_file_is_there(sick: Played) -> None:
    by_day = {event["day"]: event for event in sick.result["events"] if event["what"] in SICK.values()}
    assert len(by_day) == len(SICK)
    for event in by_day.values():
        assert " 0 letters at six" in event["with"], event
        assert not event["without"].startswith("0 letters"), event
    kinds = {incident["kind"] for incident in sick.result["incidents"]}
    assert kinds == {"data:bureau.reports", "arrivals:bureau.reports"}  # broken or late; never came
    assert sick.result["with"]["batches"]["released by the owner"] == 1  # the whole file after its part
    assert all(incident["closed"] for incident in sick.result["incidents"])


def test_without_bridgehead_the_same_model_sends_letters_on_what_it_made_up(sick: Played) -> None:
    made_up = 0
    for number, day in sick.bank.execute("select number, received from applications"):
        file = sick.place / "drop" / f"reports_{day}.csv"  # what lay there that morning
        came = list(csv.DictReader(file.read_text().splitlines())) if file.exists() else []
        row = next((row for row in came if row["application"] == str(number)), {})
        known = sick.people[number]
        made_up += any(known[name] is not None and not row.get(name) for name in ("income", "assets", "debt"))
    assert sick.result["without"]["on_made_up_figures"] == made_up > 20
    assert sick.result["without"]["letters"] == sick.result["applications"]


def test_nothing_is_lost_and_nothing_is_sent_twice(sick: Played) -> None:
    handed = {row[0] for row in sick.bank.execute("select application from by_hand")}
    booked = {row[0] for row in sick.bank.execute("select number from applications")}
    letters = set(sick.letters())
    assert letters | handed == booked
    assert not letters & handed
    assert sick.result["with"]["open"] == 0


def test_a_gap_or_a_large_decline_goes_to_a_credit_officer(sick: Played) -> None:
    for number in sick.letters():
        one = sick.people[number]
        assert None not in (one["income"], one["assets"], one["debt"]), number
    questions = sick.result["with"]["questions"]
    large = [
        n
        for n, (decision, *_) in sick.letters().items()
        if decision == "decline" and sick.people[n]["amount"] > 1000
    ]
    assert questions.get("large-decline", 0) >= len(large)


def test_a_stranger_can_verify_all_of_it(sick: Played) -> None:
    sick.house.ledger.close()
    out = sick.place / "ledger.jsonl"
    with out.open("w", encoding="utf-8") as stream:
        export(sick.house.store, stream)
    assert verify_export(out, vkey=(sick.house.state / "keys" / "ledger.vkey").read_text()).ok


def test_with_nothing_injected_only_the_promise_is_found_broken(
    tmp_path: Path,
) -> None:
    twin = Played(tmp_path, {})
    try:
        found = twin.result
        assert [incident["kind"].partition(":")[0] for incident in found["incidents"]] == ["accuracy"]
        assert [event["what"] for event in found["events"]] == ["alarm"]
        assert set(found["with"]["questions"]) <= {"sick-data", "large-decline"}
        assert found["without"]["on_made_up_figures"] == found["with"]["on_made_up_figures"] == 0
        assert found["with"]["alarm_after"] == proved_after(heard(twin), floor=0.9)
        assert (twin.place / "deployment" / "charter.yaml").read_text().count("pilot-only.cedar") == 1
    finally:
        twin.bank.close()
        twin.house.close()


def heard(played: Played) -> list[bool]:
    """Return whether each decision the alarm heard of was wrong, in its order, from how loans ended."""
    store = sqlite3.connect(played.place / "state" / "store.db")
    rows = store.execute(
        "select r.title from audit_item i join run r on r.id = i.run join alarm_path p "
        "on p.release = i.release and p.number = i.path where p.raised_at is not null order by i.place"
    ).fetchall()
    store.close()
    numbers = [int(row[0].removeprefix("Application ")) for row in rows]
    letters = played.letters()
    return [(letters[n][0] == "decline") != played.people[n]["bad"] for n in numbers]


def proved_after(wrong: list[bool], floor: float) -> int:
    """Return the label at which stakes on 19 bets against the floor, laid step by step, come to 100."""
    error = 1 - floor
    for end in range(1, len(wrong) + 1):
        stakes = [(0, 0.8)] + [(20 * k, 0.2 / ((k + 1) * k)) for k in range(1, end // 20 + 1)]
        evidence = 0.2 / (end // 20 + 1)
        for begin, stake in stakes:
            for bet in range(1, 20):
                gain = [1 + 0.9 * bet / 20 * (one - error) / error for one in wrong[begin:end]]
                evidence += stake * math.prod(gain) / 19
        if evidence >= 100:
            return end
    return 0
