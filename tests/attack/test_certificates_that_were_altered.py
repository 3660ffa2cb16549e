"""Somebody alters the certificate of an undo: every line of it, and every field of every line, is noticed."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest_asyncio
from click.testing import CliRunner, Result

from bridgehead.doors.cli import cli
from bridgehead.kernel.errors import ConfigError
from bridgehead.record.verify import Unreadable, verify_certificate
from bridgehead.rollout.certificate import read
from fixtures.houses import IDENTIFY, Desk, act
from fixtures.undoing import Undoing

MOVES = [act("change_address", order_id=name, address=f"{name} Lane") for name in ("o2", "o3")]


class Issued:
    """A certificate with something of everything, and the public key of its ledger."""

    def __init__(self, desk: Desk, undoing: Undoing, undo: str) -> None:
        self.desk, self.file = desk, desk.state / "certificate.txt"
        self.vkey = (desk.state / "keys" / "ledger.vkey").read_text()
        with desk.house.store.reading() as connection:
            self.note = read(desk.house.boundary, connection, undoing.row(undo))

    def verified(self, note: str) -> Result:
        """Verify a certificate as a stranger does, on the command line."""
        self.file.write_text(note)
        key = str(self.desk.state / "keys" / "ledger.vkey")
        return CliRunner().invoke(cli, ["verify", "--certificate", str(self.file), "--vkey", key])

    def refused(self, note: str) -> bool:
        """Say whether a certificate is refused: not signed, or not readable as one."""
        try:
            return not verify_certificate(note, vkey=self.vkey).ok
        except Unreadable:
            return True


@pytest_asyncio.fixture
async def issued(desk: Desk) -> AsyncIterator[Issued]:
    undoing = Undoing(desk)
    await desk.play(IDENTIFY, *MOVES, act("refund", order_id="o1", amount=20))
    desk.shop.orders["o3"]["address"] = "5 Quay"
    undo = await undoing.take_back()
    yield Issued(desk, undoing, undo)


def alterations(note: str) -> Iterator[tuple[str, str]]:
    """Yield the certificate with each field of each line altered, left out or doubled, and where."""
    lines = note.split("\n")
    for at, line in enumerate(lines):
        for field in re.finditer(r"[^ ]+", line):
            there = line[: field.start()], line[field.end() :]
            for other in (_another(field.group()), ""):
                yield _with(lines, at, there[0] + other + there[1]), f"line {at + 1}: {field.group()!r}"
        if line:
            yield "\n".join([*lines[:at], *lines[at + 1 :]]), f"line {at + 1} left out"
            yield "\n".join([*lines[:at], line, *lines[at:]]), f"line {at + 1} doubled"


def _another(word: str) -> str:
    last = word[-1]
    return word[:-1] + ("1" if last == "0" else "0" if last.isdigit() else "b" if last == "a" else "a")


def _with(lines: list[str], at: int, line: str) -> str:
    return "\n".join([*lines[:at], line, *lines[at + 1 :]])


def harmless(note: str, altered: str) -> bool:
    """Say whether only signature lines were doubled: a note may carry more than one."""
    text, _, signatures = note.rpartition("\n\n")
    other, _, others = altered.rpartition("\n\n")
    return text == other and set(signatures.split("\n")) <= set(others.split("\n"))


async def test_every_field_of_every_line_is_held(issued: Issued) -> None:
    assert not issued.refused(issued.note)
    accepted = [where for note, where in alterations(issued.note) if not issued.refused(note)]
    only_doubled = [where for note, where in alterations(issued.note) if harmless(issued.note, note)]
    assert set(accepted) <= set(only_doubled), accepted
    assert len(list(alterations(issued.note))) > 100


async def test_the_command_line_says_so_and_ends_with_a_code_of_its_own(issued: Issued) -> None:
    good = issued.verified(issued.note)
    assert (good.exit_code, good.output.splitlines()[-1]) == (
        0,
        "Its signature holds, and every count adds up.",
    )
    undone = re.search(r"^undone: (\d+)$", issued.note, re.MULTILINE)
    assert undone is not None and undone[1] == "1"
    lied = issued.verified(issued.note.replace("undone: 1", "undone: 2"))
    assert lied.exit_code == 1
    assert "It does not hold: its signature does not hold under this key." in lied.output
    assert "It does not hold: its counts do not add up to its effects." in lied.output
    nothing = issued.verified("no certificate at all\n")
    assert isinstance(nothing.exception, ConfigError) and "this is no certificate" in str(nothing.exception)


async def test_another_ledger_s_key_does_not_hold(issued: Issued, tmp_path: Path) -> None:
    other = Desk(tmp_path / "other")
    assert other.house
    key = (other.state / "keys" / "ledger.vkey").read_text()
    other.close()
    assert not verify_certificate(issued.note, vkey=key).ok


async def test_what_is_told_to_programs_is_what_is_told_to_people(issued: Issued) -> None:
    issued.file.write_text(issued.note)
    key = str(issued.desk.state / "keys" / "ledger.vkey")
    told = CliRunner().invoke(cli, ["verify", "--certificate", str(issued.file), "--vkey", key, "--json"])
    said = json.loads(told.output)
    assert (said["ok"], said["effects"], said["problems"]) == (True, 3, [])
    assert {name: number for name, number in said["counts"].items() if number} == {
        "undone": 1,
        "skipped": 1,
        "impossible": 1,
    }
    assert said["money"]["USD"]["remaining"] == "20.00"
