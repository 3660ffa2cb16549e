"""Schedules: whoever they run for is there, and they are due at all."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from bridgehead.check.rule import Family, Rule
from bridgehead.declare import Deployment
from bridgehead.kernel.finding import Finding

GONE = Rule(
    id="BH-CHK-085",
    severity="block",
    title="A schedule runs for a person who is not active",
    why="Every action of its runs would be refused.",
    fix="Name an active person as `principal`, or set `active: true` if the person is back.",
)
NEVER = Rule(
    id="BH-CHK-086",
    severity="block",
    title="A schedule that is never due",
    why="No day is both in its cron text and a working day of its calendar: it would wait for ever.",
    fix="Correct `when`, or take away `calendar`.",
)
_SOMETIME = datetime(2026, 1, 1, tzinfo=UTC)
"""Where looking begins. Not now: what is found in a folder depends on the folder alone."""


def look(d: Deployment) -> Iterator[Finding]:
    """Yield what keeps a schedule from doing what it says."""
    for name, schedule in d.charter.schedules.items():
        if not d.charter.people[schedule.principal].active:
            yield GONE.found(
                f"Schedule `{name}` runs for `{schedule.principal}`, who is not active.",
                d.where("schedules", name, "principal"),
            )
        if next(schedule.timing(d.charter.calendars).after(_SOMETIME), None) is None:
            yield NEVER.found(f"Schedule `{name}` is never due.", d.where("schedules", name, "when"))


FAMILY = Family("Schedules", (GONE, NEVER), look)
