"""The page of promises claims nothing that no test shows."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "concepts" / "promises.md"
STATUS = ("holds", "holds in part", "built, no test yet", "not built yet")


def sections() -> dict[str, str]:
    """Return the text of each numbered promise by its title."""
    parts = re.split(r"^## (\d+ .*)$", PAGE.read_text().partition("\n## Beyond")[0], flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def status(text: str) -> str:
    found = re.search(r"^Status: (.*)$", text, re.MULTILINE)
    return found[1] if found else ""


def test_there_are_ten_and_each_has_a_status() -> None:
    assert [int(title.split()[0]) for title in sections()] == list(range(1, 11))
    assert {status(text) for text in sections().values()} <= set(STATUS)


def test_a_promise_that_holds_names_the_tests_that_show_it() -> None:
    for title, text in sections().items():
        if status(text).startswith("holds"):
            shown = text.partition("Shown by:")[2]
            tests = re.findall(r"`(tests/[\w/]+\.py)`", shown)
            assert tests, f"{title}: says it holds, and names no test after `Shown by:`"
            assert [test for test in tests if not (ROOT / test).exists()] == []


def test_a_promise_that_is_not_whole_says_what_is_missing() -> None:
    for title, text in sections().items():
        if status(text) != "holds":
            assert len(text.split()) > 12, f"{title}: say what there is and what is missing"
