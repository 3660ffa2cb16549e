"""The templates: nothing inline, nothing marked safe, nothing from elsewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bridgehead.doors.console import render

TEMPLATES = sorted(render.TEMPLATES.glob("*.html"))
FORBIDDEN = {
    "inline style": r"\sstyle\s*=",
    "inline handler": r"\son[a-z]+\s*=",
    "inline script": r"<script(?![^>]*\ssrc=)",
    "marked safe": r"\|\s*safe\b|Markup\(|autoescape\s+false",
    "script address": r"javascript:",
    "another host": r"""(?:src|href|action)\s*=\s*["']?(?:https?:)?//""",
    "htmx evaluation": r"hx-on|js:",
}


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: file.name)
def test_a_template_holds_nothing_the_policy_would_refuse(file: Path) -> None:
    text = file.read_text()
    assert [name for name, pattern in FORBIDDEN.items() if re.search(pattern, text, re.IGNORECASE)] == []


def test_the_lint_itself_finds_what_it_looks_for() -> None:
    bad = {
        "inline style": '<p style="x">',
        "inline handler": "<p onclick='x'>",
        "inline script": "<script>x</script>",
        "marked safe": "{{ x|safe }}",
        "script address": '<a href="javascript:x">',
        "another host": '<img src="//cdn.test/x">',
        "htmx evaluation": '<p hx-on="x">',
    }
    for name, text in bad.items():
        assert re.search(FORBIDDEN[name], text, re.IGNORECASE), name


def test_everything_is_escaped() -> None:
    template = render.environment().from_string("{{ text }}")
    assert template.render(text="<b>&") == "&lt;b&gt;&amp;"


def test_the_script_asks_nobody_else_and_evaluates_nothing() -> None:
    script = (render.STATIC / "console.js").read_text()
    assert not re.search(
        r"https?://|eval\(|new Function|innerHTML|outerHTML|document\.write|insertAdjacent", script
    )


def test_the_sheet_and_the_script_stay_small() -> None:
    """The page weight that made a framework unnecessary."""
    assert (render.STATIC / "console.css").stat().st_size < 24_000
    assert (render.STATIC / "console.js").stat().st_size < 6_000
