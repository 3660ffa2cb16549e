# ruff: noqa: E501 - one slip, one line: the table is read as a table
"""Slips in what a charter says about asking people: each told with its line and its fix."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures.charters import Folder

RULE = "    who: desk-leads\n    quorum: 1\n    within: 4h\n"
SLIPS = {
    "words that are no number": ("who: two of desk-leads", "BH-CHA-014", "who: two", "Write it as"),
    "an unknown group": ("who: 1 of desk-leads and 1 of bosses", "BH-CHA-021", "who: 1", "bosses"),
    "how many, twice": ("who: 1 of desk-leads and 1 of finance\n    quorum: 2", "BH-CHA-063", "quorum: 2", "Remove"),
    "more people than there are": ("who: 2 of desk-leads and 1 of finance", "BH-CHA-060", "who: 2", "in two of them"),
    "a calendar nobody declared": ("who: desk-leads\n    calendar: office", "BH-CHA-064", "calendar:", "declare"),
    "no time at all": ("who: desk-leads\n    within: 0s", "BH-CHA-065", "within: 0s", "more than nothing"),
    "years": ("who: desk-leads\n    within: 900d", "BH-CHA-065", "within: 900d", "at most 400d"),
    "a rung too late": ("who: desk-leads\n    escalate: [{after: 4h, do: remind}]", "BH-CHA-066", "escalate", "before"),
    "rungs out of order": (
        "who: desk-leads\n    escalate: [{after: 2h, do: remind}, {after: 1h, do: owner}]", "BH-CHA-066", "escalate", "early"),
    "widen to nobody": ("who: desk-leads\n    escalate: [{after: 2h, do: widen}]", "BH-CHA-066", "escalate", "names the group"),
    "remind a group": (
        "who: desk-leads\n    escalate: [{after: 2h, do: remind, to: finance}]", "BH-CHA-066", "escalate", "name none"),
    "an emergency of strangers": (
        "who: desk-leads\n    emergency: {who: fire, review: reopening}", "BH-CHA-021", "emergency", "fire"),
    "a review nobody declared": (
        "who: desk-leads\n    emergency: {who: finance, review: later}", "BH-CHA-067", "emergency", "declare"),
    "a review nobody could make": (
        "who: desk-leads\n    emergency: {who: finance, review: large-refund}\n    within: 2h", "BH-CHA-067", "emergency", "nobody reviews"),
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A folder with a second group, of which Ines is the only member."""
    made = Folder(tmp_path / "desk")
    made.change(
        "    groups: [desk-leads]\n    roles: [owner, approver]\n  jon:",
        "    groups: [desk-leads, finance]\n    roles: [owner, approver]\n  jon:",
    )
    return made.change("groups:\n  desk-leads:", "groups:\n  finance: {description: Money}\n  desk-leads:")


@pytest.mark.parametrize("name", SLIPS)
def test_a_slip_is_named_with_its_line_and_its_fix(folder: Folder, name: str) -> None:
    written, code, at, fix = SLIPS[name]
    if name == "a review nobody could make":
        written = written.replace("desk-leads", "finance", 1)
    keep = "" if "within" in written else "    within: 4h\n"
    folder.change(RULE, f"    {written}\n{keep}")
    error = folder.error(code)
    text = folder.text("charter.yaml").splitlines()
    assert at in text[int(error.where.rpartition(":")[2]) - 1]
    assert fix in f"{error.what} {error.fix}"


@pytest.mark.parametrize(
    ("calendar", "told"),
    [
        ("{timezone: Mars/Olympus}", "not a time zone"),
        ("{timezone: ../etc/passwd}", "not a time zone"),
        ("{timezone: UTC, hours: 9-17}", "not hours of one day"),
        ("{timezone: UTC, days: []}", "at least 1 item"),
        ("{timezone: UTC, days: [monday]}", "days"),
        ("{timezone: UTC, holidays: [25.12.2026]}", "isoformat"),
    ],
)
def test_a_calendar_that_is_none(folder: Folder, calendar: str, told: str) -> None:
    folder.change("workflows:\n", f"calendars:\n  office: {calendar}\nworkflows:\n")
    error = folder.error("BH-CHA-014")
    assert told in str(error)


def test_an_argument_that_is_not_there_cannot_be_changed(folder: Folder) -> None:
    folder.change(
        "    sensitive: [ticket_id, amount]\n", "    sensitive: [ticket_id]\n    editable: [amuont]\n"
    )
    assert "Did you mean `amount`?" in folder.error("BH-CHA-068").fix


def test_all_of_it_together_is_sound(folder: Folder) -> None:
    folder.change(
        RULE,
        "    who: 1 of desk-leads and 1 of finance\n    within: 1d\n    calendar: office\n"
        "    escalate: [{after: 2h, do: remind}, {after: 4h, do: widen, to: finance}, {after: 6h, do: owner}]\n"
        "    emergency: {who: desk-leads, review: reopening}\n",
    )
    folder.change("workflows:\n", "calendars:\n  office: {timezone: Europe/Berlin}\nworkflows:\n")
    rule = folder.load().charter.approvals["large-refund"]
    assert rule.needs == (("desk-leads", 1), ("finance", 1))
