"""The product's words for states, durations and titles: one place, so that no two pages differ."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from bridgehead.kernel.clock import unstamp

CROSSING = {
    "asked": "waiting",
    "intent": "permitted, not sent yet",
    "claimed": "on its way",
    "done": "done",
    "refused": "refused",
    "failed": "failed",
    "unknown": "unknown",
}
SETTLED = {
    "zombie": "failed, and happened after all",
    "gone": "done, and no longer there",
    "duplicate": "there more than once",
    "left": "nobody can tell",
    "happened": "it happened, a person says",
    "did-not": "it did not happen, a person says",
}
RUN = {
    "running": "running",
    "waiting": "waiting",
    "done": "done",
    "failed": "failed",
    "stopped": "stopped",
}
APPROVAL = {
    "open": "waiting",
    "approved": "approved",
    "refused": "refused",
    "expired": "expired: nobody answered in time, so it is refused",
    "revoked": "revoked",
    "superseded": "changed while it was open; a new question took its place",
    "used": "approved and used",
}
GROUP = {
    "automatic": "taken back once the plan is agreed to: a policy may still ask about one first",
    "approval": "taken back after somebody agrees to each by itself",
    "impossible": "cannot be taken back: a person sees to them",
    "changed": "left as they are: somebody changed the record since",
    "unknown": "unclear: a person finds out first",
    "nothing": "nothing to do: taken back already, or never happened",
}
"""What the plan of an undo does with the effects of each group."""

_MOMENT = re.compile(r"\b(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(?::\d\d(?:\.\d+)?)?(?: ?UTC|Z|\+00:00)")
_TECHNICAL = re.compile(r" \((?=[^()]*(?:\bnoise\b|\bmust(?:Not)?Be|\brequired: ))[^()]*\)")
_COMMAND = re.compile(r" If so: `bridgehead watch accept-change [^`]*`\.")
_PLACE = re.compile(r"\{([a-z][a-z0-9_.]*)\}", re.IGNORECASE)


def crossing(state: str, settled: str) -> str:
    """Return how a crossing stands, and what was learnt of it since."""
    return SETTLED.get(settled) or CROSSING.get(state, state)


def title(template: str, values: Mapping[str, Any]) -> str:
    """Return an action's title with its places filled; a place nobody knows a value for is ``…``."""
    return _PLACE.sub(lambda match: shown(values.get(match[1], "…")), template)


def shown(value: Any) -> str:
    """Return a value as short text for people: lists joined, no Python notation."""
    if isinstance(value, list | tuple):
        return ", ".join(shown(item) for item in value)
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {shown(item)}" for key, item in value.items())
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def moment(text: str) -> str:
    """Return ``21 Nov 2026, 14:30 UTC`` for an RFC 3339 text."""
    at = unstamp(text)
    return f"{at.day} {at:%b %Y, %H:%M} UTC"


def dated(text: str) -> str:
    """Return a text in which every moment is written as ``moment`` writes it; a day alone stays as it is."""
    return _MOMENT.sub(_as_moment, text)


def _as_moment(match: re.Match[str]) -> str:
    try:
        return moment(f"{match[1]}T{match[2]}:00Z")
    except ValueError:  # somebody's text that only looks like one
        return match[0]


def said(text: str) -> str:
    """Return what was noticed as a page says it, where a form takes the place of the command it names."""
    return dated(_COMMAND.sub("", text))


def briefly(text: str) -> str:
    """Return what was noticed without the figures and clauses in brackets that stand further down a page."""
    return _TECHNICAL.sub("", said(text))


def as_of(text: str) -> str:
    """Return the newest moment in data as people read it: a day stays a day, without a zone it is in UTC."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return text
    day = f"{at.day} {at:%b %Y}"
    if len(text) == len("2026-11-21"):
        return day
    at = at.astimezone(UTC) if at.tzinfo is not None else at
    return f"{at.day} {at:%b %Y, %H:%M} UTC"


def span(seconds: float) -> str:
    """Return a duration in words people use: ``12 ms``, ``3.2 s``, ``14 min``, ``3 h 20 min``."""
    if seconds < 1:
        return f"{max(seconds, 0) * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes = int(seconds // 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def between(first: str, last: str) -> str:
    """Return the time between two RFC 3339 texts in words; empty when one is missing."""
    return span((unstamp(last) - unstamp(first)).total_seconds()) if first and last else ""


def until(due: str, now: datetime) -> str:
    """Return how long is left, or that the time has passed."""
    left = (unstamp(due) - now).total_seconds()
    if left <= 0:
        return "time has passed"
    return f"{span(left)} left" if left >= 60 else "less than a minute left"


def age(since: str, now: datetime) -> str:
    """Return how long ago a moment was, no finer than minutes."""
    past = (now - unstamp(since)).total_seconds()
    return "just now" if past < 60 else f"{span(past)} ago"


def rung(do: str, to: str) -> str:
    """Return what a rung of the ladder does, in words."""
    return {
        "remind": "those who are asked are reminded",
        "widen": f"{to} may answer too",
        "owner": "the owner and the deputy may answer too",
        "overdue": "it is overdue, and the owner has an incident",
    }.get(do, do)


def plural(number: int, one: str, many: str = "") -> str:
    """Return ``1 run`` or ``3 runs``."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def effect(name: str, outward: bool) -> str:
    """Return what an effect class means, as one sentence."""
    said = {
        "read": "It only reads; nothing changes.",
        "write": "It changes a record and can be taken back.",
        "final": "It changes a record and cannot be taken back.",
    }.get(name, "What it does is not declared, so it counts as final.")
    return said + (" It leaves the company." if outward else "")
