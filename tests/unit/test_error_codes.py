"""Every error code is documented, once, in words: the page is generated from the code that raises it."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import bridgehead
from fixtures.error_codes import CODE, ELSEWHERE, codes, page
from fixtures.golden import check_section

HOUSE = Path(bridgehead.__file__).parent
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "errors.md"
FOUND = codes(HOUSE)

# Codes that files say in other words, and mean the same: what it is that they have in common.
IN_OTHER_WORDS = {
    "BH-CHA-033": "a name of code that is not of the form it must have",
    "BH-CHA-034": "a document that cannot be had",
    "BH-CHA-085": "the folder changed while it was read",
    "BH-CON-015": "the connection is gone",
    "BH-CON-016": "the arguments cannot be sent",
    "BH-RUN-013": "the name of a run fits none, or more than one",
    "BH-RUN-031": "the engine's tables hold pickled data",
    "BH-UND-001": "what is to be taken back is not there, or its name fits more than one",
    "BH-WAT-002": "a key of a contract that nothing reads",
    "BH-WAT-003": "something a contract must say is missing",
    "BH-WAT-004": "a value of a contract that is none of those it may have",
    "BH-WAT-007": "a clause of a contract without exactly one operator",
    "BH-WAT-008": "a range of a contract that nothing is in",
    "BH-WAT-010": "a contract names what it does not describe",
    "BH-WAT-014": "a package of the extra is missing",
    "BH-WAT-016": "the data to check cannot be had",
}


def test_the_page_lists_exactly_the_codes_in_the_source() -> None:
    check_section(PAGE, "codes", page(FOUND))


def test_no_code_appears_in_the_source_without_being_found() -> None:
    """The reader of the source is itself checked: a plain search finds no code it missed."""
    written = {
        code for file in HOUSE.rglob("*.py") for code in re.findall(rf'"({CODE.pattern})"', file.read_text())
    }
    assert written - FOUND.keys() == set()


def test_every_code_says_what_happened() -> None:
    """A code without words gets them in the call that raises it, or in ``fixtures.error_codes.ELSEWHERE``."""
    assert [code for code, entry in FOUND.items() if not entry.what] == []
    assert ELSEWHERE.keys() - FOUND.keys() == set()


def test_a_code_belongs_to_one_room() -> None:
    """The three letters say where to look; two rooms that share them would collide sooner or later."""
    rooms: dict[str, Counter[str]] = {}
    for code, entry in FOUND.items():
        for where in entry.where:
            rooms.setdefault(code[3:6], Counter())[where.split("/")[0]] += 1
    # The kernel speaks for the rooms above it, doors and fakes for those below; the journal of a run is
    # kept by enforce and read by run.
    rooms["RUN"].pop("enforce", None)
    shared = {prefix: set(room) - {"kernel", "testing", "doors"} for prefix, room in rooms.items()}
    assert {prefix: room for prefix, room in shared.items() if len(room) > 1} == {}


def test_a_code_means_one_thing_in_every_file_that_says_it() -> None:
    many = {code for code, entry in FOUND.items() if len(entry.where) > 1 and len(_said(entry.what)) > 1}
    assert many == IN_OTHER_WORDS.keys()


def _said(texts: list[str]) -> set[str]:
    return {text.casefold().strip(" .") for text in texts}


def test_codes_named_anywhere_in_the_docs_exist() -> None:
    root = PAGE.parents[2]
    for file in [*root.glob("*.md"), *root.glob("docs/**/*.md")]:
        named = set(re.findall(CODE.pattern, file.read_text()))
        assert named - FOUND.keys() == set(), file
