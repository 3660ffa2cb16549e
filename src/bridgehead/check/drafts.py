"""What a draft guessed and nobody has looked at yet: the marks that ``bridgehead init --mcp`` leaves in a
charter."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bridgehead.check.rule import Family, Rule
from bridgehead.declare import Deployment
from bridgehead.kernel.finding import Finding

GUESS, QUESTION = "# guess:", "# question:"
"""Marks at the end of a line: what was guessed, and what only people can say."""

_TO_DECIDE = "Correct each marked line of charter.yaml, then take its mark away."
NOT_REVIEWED = Rule(
    id="BH-CHK-095",
    severity="warn",
    title="Guesses of a draft that nobody has looked at",
    why="They were made from what a system says of itself; a wrong one permits too much.",
    fix=_TO_DECIDE,
)
RELEASED_UNREVIEWED = Rule(
    id="BH-CHK-096",
    severity="block",
    title="Guesses of a draft in production",
    why="Nobody has decided what this deployment may do.",
    fix=_TO_DECIDE,
)
_BEFORE_COMMENT = re.compile(r"^(?:[^#\"']|\"(?:[^\"\\]|\\.)*\"|'(?:[^']|'')*')*")


def look(d: Deployment) -> Iterator[Finding]:
    """Yield one finding that counts the marks left in the charter."""
    try:
        lines = (d.folder / d.lines.file).read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return  # what cannot be read any more is told where it is loaded
    guesses = [number for number, line in enumerate(lines, 1) if marked(line, GUESS)]
    questions = [number for number, line in enumerate(lines, 1) if marked(line, QUESTION)]
    if guesses or questions:
        rule = RELEASED_UNREVIEWED if d.charter.stage == "production" else NOT_REVIEWED
        words = f"Left to look at: guesses {len(guesses)}, questions {len(questions)}."
        yield rule.found(words, f"{d.lines.file}:{min(guesses + questions)}")


def marked(line: str, *marks: str) -> bool:
    """Say whether the comment of a line carries a mark; quoted text is no comment."""
    before = _BEFORE_COMMENT.match(line)
    comment = line[before.end() if before else 0 :]
    return any(mark in comment for mark in marks or (GUESS, QUESTION))


FAMILY = Family("Drafts", (NOT_REVIEWED, RELEASED_UNREVIEWED), look)
