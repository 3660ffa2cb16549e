"""What becomes of the times at which a schedule was due: a pure decision.

In: the times that nothing was done about, the clock, and what the charter says of late runs. Out: verdicts
that account for every one of them, in order. Called by ``schedules``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

State = Literal["held", "started", "skipped", "missed"]
ON_TIME = timedelta(seconds=60)
"""What counts as on time: no worker looks every second."""
UNSURE = "the deployment was restored from a backup, and nobody knows whether it was started before"
STOPPED = "the deployment was stopped"
NOBODY = "no worker was there to start it"
MADE_UP = "one run makes up for it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What becomes of one time, or of several that are passed over together."""

    state: State
    first: datetime
    last: datetime
    count: int
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What there is to know. ``late`` is how late a run may start. ``was_stopped``: a stop that was lifted
    held them back. ``more``: further times are due after these."""

    now: datetime
    late: timedelta
    was_stopped: bool = False
    unsure_until: datetime | None = None
    more: bool = False


def verdicts(due: Sequence[datetime], about: Situation) -> Iterator[Verdict]:
    """Yield what becomes of the times that are due, oldest first. At most one of them is started."""
    unsure = [at for at in due if about.unsure_until is not None and at <= about.unsure_until]
    rest = due[len(unsure) :]
    late = [at for at in rest if about.now - at > max(about.late, ON_TIME)]
    fresh = rest[len(late) :]
    yield from _together("missed", unsure, UNSURE)
    yield from _together("missed", late, STOPPED if about.was_stopped else NOBODY)
    if about.more:
        yield from _together("skipped", fresh, MADE_UP)
    else:
        yield from _together("skipped", fresh[:-1], MADE_UP)
        yield from _together("started", fresh[-1:], "")


def _together(state: State, due: Sequence[datetime], why: str) -> Iterator[Verdict]:
    if due:
        yield Verdict(state=state, first=due[0], last=due[-1], count=len(due), why=why)
