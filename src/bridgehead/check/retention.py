"""How long the record is kept: at least six months (AI Act Art. 19(1) and 26(6))."""

from __future__ import annotations

from collections.abc import Iterator

from bridgehead.check.rule import Family, Rule
from bridgehead.declare import Deployment
from bridgehead.declare.model import seconds
from bridgehead.kernel.finding import Finding

SHORTEST_DAYS = 183
DAY = 86_400

TOO_SHORT = Rule(
    id="BH-CHK-060",
    severity="block",
    title="The record is kept for less than 183 days",
    why="Logs of an AI system must be kept for at least six months (AI Act Art. 19(1) and 26(6)).",
    fix="Write at least `183d`. What belongs to one person can be erased earlier, at any time.",
)
BODIES_OUTLIVE = Rule(
    id="BH-CHK-061",
    severity="warn",
    title="Bodies are kept longer than the entries they belong to",
    why="Content would be kept whose record is gone.",
    fix="Raise `retention.entries` or lower `retention.bodies`.",
)


def look(d: Deployment) -> Iterator[Finding]:
    """Yield what is wrong with how long things are kept."""
    kept = d.charter.retention
    for key in ("entries", "bodies"):
        written = getattr(kept, key)
        if seconds(written) < SHORTEST_DAYS * DAY:
            yield TOO_SHORT.found(f"`{key}` are kept for {written}.", d.where("retention", key))
    if seconds(kept.bodies) > seconds(kept.entries):
        yield BODIES_OUTLIVE.found(
            f"Bodies are kept for {kept.bodies}, entries for {kept.entries}.", d.where("retention", "bodies")
        )


FAMILY = Family("Retention", (TOO_SHORT, BODIES_OUTLIVE), look)
