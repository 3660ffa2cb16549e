"""The crossing strip: the ten steps of ``perform`` for one crossing, each with state, word and time.

Derived from recorded entries only. A step the crossing never came to is ``open`` (drawn as not
reached); a step that had nothing to do is ``skipped``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from bridgehead.explain import words
from bridgehead.explain.recorded import Recorded, of_kind

StepState = Literal["done", "waiting", "stopped", "unknown", "skipped", "open"]

NAMES = (
    "Who",
    "Policy",
    "Entitlements",
    "Limits",
    "Approval",
    "Re-check",
    "Intent",
    "Execute",
    "Inspect",
    "Outcome",
)
_CHECKED = ("known and active", "permitted", "within rights", "within limits")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step. ``at`` is RFC 3339 text or empty; ``took`` a duration in words or empty."""

    number: int
    name: str
    state: StepState = "open"
    word: str = "not reached"
    at: str = ""
    took: str = ""
    entry: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the strip needs to know of an approval."""

    state: str
    opened_at: str
    closed_at: str
    words: str
    entry: int | None


def strip(entries: Sequence[Recorded], state: str, asked: Asked | None = None) -> tuple[Step, ...]:
    """Return the ten steps of one crossing.

    ``entries`` are the entries at its position, ``state`` is that of its row, ``asked`` its last
    approval if people were asked.
    """
    steps = {n: Step(number=n, name=name) for n, name in enumerate(NAMES, start=1)}
    refused = _last(entries, "action.refused")
    stopped_at = _stopped_at(refused, asked)
    _checks(steps, entries, stopped_at, asked)
    _people(steps, entries, asked)
    _effect(steps, entries, state)
    if refused is not None:
        _refusal(steps, refused, stopped_at, asked)
    return tuple(steps[n] for n in sorted(steps))


def _checks(
    steps: dict[int, Step], entries: Sequence[Recorded], stopped_at: int, asked: Asked | None
) -> None:
    first = entries[0] if entries else None
    if first is None:
        return
    for n, word in enumerate(_CHECKED, start=1):
        if stopped_at and n >= stopped_at:
            break
        said = "people are asked" if n == 2 and asked is not None else word
        steps[n] = replace(steps[n], state="done", word=said, at=first.time, entry=first.index)


def _people(steps: dict[int, Step], entries: Sequence[Recorded], asked: Asked | None) -> None:
    intent = _last(entries, "action.intent")
    if asked is None:
        if intent is not None:
            steps[5] = replace(steps[5], state="skipped", word="not needed")
            steps[6] = replace(steps[6], state="skipped", word="not needed")
        return
    states: dict[str, StepState] = {"open": "waiting", "approved": "done", "used": "done"}
    steps[5] = replace(
        steps[5],
        state=states.get(asked.state, "stopped"),
        word=asked.words,
        at=asked.closed_at or asked.opened_at,
        took=words.between(asked.opened_at, asked.closed_at),
        entry=asked.entry,
    )
    if intent is not None:
        steps[6] = replace(steps[6], state="done", word="nothing changed", at=intent.time, entry=intent.index)


def _effect(steps: dict[int, Step], entries: Sequence[Recorded], state: str) -> None:
    intent = _last(entries, "action.intent")
    ended = _ended(entries)
    if intent is not None:
        steps[7] = replace(steps[7], state="done", word="recorded", at=intent.time, entry=intent.index)
        if ended is None and _last(entries, "action.refused") is None:
            word, as_state = ("on its way", "waiting") if state == "claimed" else ("not sent yet", "open")
            claimed = _last(entries, "action.claimed")
            steps[8] = replace(steps[8], state=_step(as_state), word=word, at=claimed.time if claimed else "")
    if ended is None:
        return
    took = words.between(intent.time, ended.time) if intent is not None else ""
    executed: dict[str, tuple[StepState, str]] = {
        "done": ("done", "answered"),
        "failed": ("stopped", "failed"),
        "unknown": ("unknown", "no clear answer"),
    }
    as_step, word = executed.get(state, ("stopped", "not performed"))
    if intent is not None or state == "done":
        steps[8] = replace(steps[8], state=as_step, word=word, at=ended.time, took=took, entry=ended.index)
    if state == "done":
        steps[9] = replace(steps[9], state="done", word="as declared", at=ended.time, entry=ended.index)
    steps[10] = replace(
        steps[10], state=as_step, word=words.CROSSING.get(state, state), at=ended.time, entry=ended.index
    )


def _refusal(steps: dict[int, Step], refused: Recorded, stopped_at: int, asked: Asked | None) -> None:
    """Draw where it stopped. Step 10 ran as well: a refusal is recorded like any other outcome."""
    if stopped_at != 5 or asked is None:
        steps[stopped_at] = replace(
            steps[stopped_at], state="stopped", word="refused here", at=refused.time, entry=refused.index
        )
    if stopped_at == 9:
        steps[8] = replace(steps[8], state="done", word="answered", at=refused.time, entry=refused.index)
    if stopped_at > 6 and asked is None:
        steps[5] = replace(steps[5], state="skipped", word="not needed")
        steps[6] = replace(steps[6], state="skipped", word="not needed")
    if stopped_at != 10:
        steps[10] = replace(steps[10], state="stopped", word="refused", at=refused.time, entry=refused.index)


def _stopped_at(refused: Recorded | None, asked: Asked | None) -> int:
    if refused is None:
        return 0
    step: Any = refused.envelope.get("step") or refused.said("step") or (5 if asked else 2)
    return int(step)


def _ended(entries: Sequence[Recorded]) -> Recorded | None:
    """Return the entry that says how it ended; a settlement that only reopened it does not."""
    found = [
        item
        for item in of_kind(entries, "action.outcome", "action.settled")
        if item.part("outcome").get("state") != "intent"
    ]
    return found[-1] if found else None


def _last(entries: Sequence[Recorded], kind: str) -> Recorded | None:
    found = of_kind(entries, kind)
    return found[-1] if found else None


def _step(state: str) -> StepState:
    return "waiting" if state == "waiting" else "open"
