# ruff: noqa: E501 - one slip, one line: the table is read as a table
"""Slips in what a charter starts by the clock: each told with its line and its fix."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from bridgehead.declare.code import find
from fixtures.charters import Folder

SOUND = {
    "workflow": "ticket",
    "when": '"30 2 * * mon-fri"',
    "timezone": "Europe/Berlin",
    "principal": "sam",
    "input": "{ticket_id: t1}",
}
SLIPS = {
    "an unknown workflow": ({"workflow": "tickets"}, "BH-CHA-093", "workflow:", "Did you mean `ticket`?"),
    "six fields": ({"when": '"0 30 2 * * *"'}, "BH-CHA-014", "when:", "five fields"),
    "a minute that is none": ({"when": '"61 2 * * *"'}, "BH-CHA-014", "when:", "bad minute"),
    "a nickname": ({"when": '"@daily"'}, "BH-CHA-014", "when:", "five fields"),
    "an unknown zone": ({"timezone": "Europe/Berlinn"}, "BH-CHA-014", "timezone:", "not a time zone"),
    "no clock": ({"timezone": ""}, "BH-CHA-094", "when:", "Add `timezone:`"),
    "an unknown calendar": ({"calendar": "office"}, "BH-CHA-064", "calendar:", "declare `office`"),
    "nobody": ({"principal": "samuel"}, "BH-CHA-020", "principal:", "Did you mean `sam`?"),
    "an input that is not taken": ({"input": "{ticket_id: t1, ticket: 2}"}, "BH-CHA-095", "input:", "takes no `ticket`"),
    "an input that is missing": ({"input": "{}"}, "BH-CHA-095", "input:", "needs `ticket_id`"),
    "an input of another type": ({"input": "{ticket_id: 7}"}, "BH-CHA-095", "input:", "is text, and is given whole number"),
    "a binding that is not wanted": ({"bindings": "{case: c1}"}, "BH-CHA-096", "bindings:", "gives ['case']"),
    "a grace without a unit": ({"grace": "90 minutes"}, "BH-CHA-014", "grace:", "not a duration"),
    "another way to miss": ({"missed": "all"}, "BH-CHA-014", "missed:", "run-once"),
    "a stranger": ({"cron": "x"}, "BH-CHA-012", "cron:", "key"),
}  # fmt: skip


def written(**changed: str) -> str:
    lines = (f"    {key}: {value}\n" for key, value in {**SOUND, **changed}.items() if value)
    return "schedules:\n  nightly:\n" + "".join(lines)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "desk")


@pytest.mark.parametrize("name", SLIPS)
def test_a_slip_is_named_with_its_line_and_its_fix(folder: Folder, name: str) -> None:
    changed, code, at, fix = SLIPS[name]
    folder.change("workflows:\n", written(**changed) + "workflows:\n")
    error = folder.error(code)
    assert at in folder.text("charter.yaml").splitlines()[int(error.where.rpartition(":")[2]) - 1]
    assert fix in f"{error.what} {error.fix}"


def test_a_sound_one_is_due_by_its_own_clock_and_on_working_days(folder: Folder) -> None:
    calendars = "calendars:\n  office: {timezone: Asia/Tokyo, holidays: [2026-03-03]}\n"
    text = written(timezone="", calendar="office", when='"0 9 * * *"', title="Morning round")
    folder.change("workflows:\n", calendars + text + "workflows:\n")
    charter = folder.load().charter
    schedule = charter.schedules["nightly"]
    due = schedule.timing(charter.calendars).after(datetime(2026, 3, 2, 12, tzinfo=UTC))
    assert next(due) == datetime(2026, 3, 4, 0, 0, tzinfo=UTC)


def test_its_input_may_name_the_day_and_the_moment(folder: Folder) -> None:
    text = written(input='{ticket_id: "of {date}, {occurrence}"}', timezone="Asia/Tokyo", title="Round")
    folder.change("workflows:\n", text + "workflows:\n")
    charter = folder.load().charter
    schedule, at = charter.schedules["nightly"], datetime(2026, 3, 2, 17, 30, tzinfo=UTC)
    assert schedule.case(charter.calendars, at) == {"ticket_id": "of 2026-03-03, 2026-03-02T17:30Z"}
    assert schedule.called("nightly", charter.calendars, at) == "Round, 2026-03-03 02:30"


def test_what_a_function_takes_is_read_from_its_text(tmp_path: Path) -> None:
    text = "async def f(run, a: str, b: int | None = 3, *, c: 'x', d: list[str] = [], **more): ..."
    (tmp_path / "w.py").write_text(text)
    found = find(tmp_path, frozenset({"w.py"}), "w.py:f")
    taken = {each.name: (each.required, each.types) for each in found.named}
    assert taken == {
        "run": (True, frozenset()),
        "a": (True, {"text"}),
        "b": (False, {"whole number", "nothing"}),
        "c": (True, frozenset()),
        "d": (False, {"list"}),
    }
    assert found.takes_any
