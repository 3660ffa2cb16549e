"""The reference of the ledger names what a ledger holds: no kind and no member more or less."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

from bridgehead.kernel.entry import EntryKind
from bridgehead.record.envelope import FIELDS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reference" / "ledger.md").read_text(encoding="utf-8")
OWN = {"v", "kind", "time", "origin", "run", "seq", "prev", "actor", "on_behalf", "body"}
"""What the ledger itself puts into an entry."""


def test_it_names_exactly_the_kinds_of_entries() -> None:
    (listed,) = re.findall(r"^Kinds: (.*?)\n\n", PAGE, re.DOTALL | re.MULTILINE)
    assert sorted(re.findall(r"`([a-z]+\.[a-z_]+)`", listed)) == sorted(get_args(EntryKind))


def test_every_kind_is_written_somewhere() -> None:
    source = "".join(
        file.read_text(encoding="utf-8")
        for file in (ROOT / "src" / "bridgehead").rglob("*.py")
        if file.name != "entry.py"
    )
    assert [kind for kind in get_args(EntryKind) if f'"{kind}"' not in source] == []


def test_it_names_exactly_the_members_of_an_entry() -> None:
    table = PAGE.partition("## Entries")[2].partition("\nKinds:")[0]
    named = {
        name
        for cell in re.findall(r"^\| (.*?) \|", table, re.MULTILINE)
        for name in re.findall(r"`(\w+)`", cell)
    }
    assert named == OWN | set(FIELDS)


def test_and_the_members_of_each_of_them() -> None:
    for name, allowed in FIELDS.items():
        if isinstance(allowed, dict):
            (row,) = re.findall(rf"^\| `{name}` \| (.*) \|$", PAGE, re.MULTILINE)
            assert {part for part in allowed if f"`{part}`" not in row} == set(), name
