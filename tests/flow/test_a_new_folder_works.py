"""A newcomer types ``bridgehead init``: the folder is ready, and its three tickets run for real, on the
stand-in and on the folder's own help desk."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bridgehead.doors.cli.check import check
from bridgehead.doors.cli.init import init
from bridgehead.doors.cli.run import run
from bridgehead.doors.cli.show import show
from bridgehead.record import Keys


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    return tmp_path


def invoke(command: object, *arguments: str) -> Result:
    return CliRunner().invoke(command, list(arguments))  # type: ignore[arg-type]


def test_the_folder_is_ready_and_its_keys_are_its_own(here: Path) -> None:
    written = invoke(init, "help-desk", "--organisation", "acme", "--json")

    told = json.loads(written.output)
    keys = here / "help-desk" / ".bridgehead" / "keys"
    assert told == {
        "folder": "help-desk",
        "name": "help-desk",
        "origin": "acme/help-desk",
        "vkey": Keys.load(keys).vkey,
    }
    assert stat.S_IMODE((keys / "ledger.key").stat().st_mode) == 0o600
    assert ".bridgehead/" in (here / "help-desk" / ".gitignore").read_text()
    checked = invoke(check, "help-desk", "--json")
    assert checked.exit_code == 0
    assert json.loads(checked.output)["findings"] == []


def test_two_folders_never_share_a_key(here: Path) -> None:
    keys = {json.loads(invoke(init, name, "--json").output)["vkey"] for name in ("one", "two")}

    assert len(keys) == 2


def test_what_to_do_next_is_said(here: Path) -> None:
    said = invoke(init, "help-desk").output

    for command in ("cd help-desk", "bridgehead check", "bridgehead run ticket", "bridgehead approvals"):
        assert command in said


def test_a_folder_with_something_in_it_is_left_alone(here: Path) -> None:
    (here / "help-desk").mkdir()
    (here / "help-desk" / "mine.txt").write_text("mine")

    refused = invoke(init, "help-desk")

    assert getattr(refused.exception, "code", "") == "BH-CHA-091"
    assert [path.name for path in (here / "help-desk").iterdir()] == ["mine.txt"]


def test_an_empty_folder_may_be_used_and_another_place_too(here: Path) -> None:
    (here / "help-desk").mkdir()

    assert invoke(init, "help-desk").exit_code == 0
    assert invoke(init, "help-desk", "--folder", "deep/er/place").exit_code == 0
    assert (here / "deep/er/place/charter.yaml").exists()


@pytest.mark.parametrize("name", ["Help Desk", "../x", "", "7up", "a" * 64])
def test_a_name_that_cannot_name_anything_writes_nothing(here: Path, name: str) -> None:
    refused = invoke(init, name)

    assert getattr(refused.exception, "code", "") == "BH-CHA-090"
    assert list(here.iterdir()) == []


def test_a_place_that_cannot_be_written_leaves_nothing_behind(here: Path) -> None:
    (here / "file").write_text("in the way")

    refused = invoke(init, "help-desk", "--folder", "file/help-desk")

    assert getattr(refused.exception, "code", "") == "BH-CHA-092"


def test_tickets_run_and_a_large_refund_waits(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    invoke(init, "help-desk")
    monkeypatch.chdir(here / "help-desk")

    ends = {
        ticket: json.loads(
            invoke(run, "ticket", "--input", json.dumps({"ticket_id": ticket}), "--json").output
        )["status"]
        for ticket in ("T-1", "T-2", "T-3")
    }

    assert ends == {"T-1": "done", "T-2": "waiting", "T-3": "done"}
    tickets = json.loads(Path(".bridgehead/desk.json").read_text())
    assert {key: (one["status"], one["refunded"]) for key, one in tickets.items()} == {
        "T-1": ("closed", "19.9"),
        "T-2": ("open", "0"),
        "T-3": ("closed", "0"),
    }


def test_a_changed_limit_changes_what_happens(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    invoke(init, "help-desk")
    monkeypatch.chdir(here / "help-desk")
    charter = Path("charter.yaml")
    charter.write_text(charter.read_text().replace("amount > 50 USD", "amount > 150 USD"))

    ended = invoke(run, "ticket", "--input", '{"ticket_id": "T-2"}', "--json")

    assert json.loads(ended.output)["status"] == "done"


def test_a_run_says_what_its_workflow_returned(here: Path) -> None:
    invoke(init, "help-desk")
    (here / "help-desk" / "workflow.py").write_text(
        "from decimal import Decimal\n\n\nasync def handle(run, ticket_id):\n"
        "    return {'ticket': ticket_id, 'paid': Decimal('12.50'), 'words': 'é' * 5000}\n"
    )
    case = ("ticket", "--in", "help-desk", "--input", '{"ticket_id": "T-1"}')

    told = invoke(run, *case)
    whole = json.loads(invoke(run, *case, "--json").output)

    assert (
        'It returned:\n  {\n    "paid": "12.50",\n    "ticket": "T-1",' in told.output
        and "all of it" in told.output
    )
    assert whole["result"] == {"ticket": "T-1", "paid": "12.50", "words": "é" * 5000}
    assert "It returned:" in invoke(show, whole["run"], "--in", "help-desk").output
