"""Which outputs people look at again: drawn before any outcome, from a keyed hash, and so neither guessed
nor chosen.

At least half is a random core, from which accuracy is estimated and the alarm is fed; the rest goes where
it is worth more (doubtful, dear, a small group), with its probability on record. The same run and position
are always drawn alike: a replay draws the same, and whoever does not hold the key cannot tell which will
be.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import Literal

from bridgehead.kernel.errors import WatchError

LEAST_CORE = 0.5
"""The share of the budget that is drawn at random, at least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """How much people audit: a share of outputs, and so many a week at least and at most."""

    share: float = 0.02
    least: int = 20
    most: int = 100
    core: float = LEAST_CORE
    raised: float = 4.0

    def __post_init__(self) -> None:
        shares = 0 < self.share <= 1 and LEAST_CORE <= self.core <= 1
        if not (shares and 0 <= self.least <= self.most and self.raised >= 1):
            raise WatchError(
                "BH-WAT-071",
                "this audit budget cannot be kept",
                means="Nothing would be drawn, or not enough at random to say how often it is right.",
                fix="`share` is above 0 and at most 1, `core` from 0.5 to 1, `least` at most `most`.",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """Whether an output is audited. ``probability`` is that of being drawn at all; only ``core`` feeds the
    alarm.
    """

    as_what: Literal["core", "stratified", "not drawn"]
    probability: float


def rate(budget: Budget, a_week: float, *, raised: bool = False) -> float:
    """Return the share of outputs to draw where about ``a_week`` come in a week.

    ``raised``: data drifted or an estimate cannot be had. Then four times as much is looked at, also above
    ``most``.
    """
    if a_week <= 0:
        return 1.0
    wanted = min(max(budget.share * a_week, budget.least), budget.most)
    return min(1.0, wanted * (budget.raised if raised else 1.0) / a_week)


def draw(key: bytes, item: str, share: float, *, core: float = LEAST_CORE, weight: float = 1.0) -> Drawn:
    """Draw, or do not draw, one output.

    ``item`` names it for ever (run and position), ``share`` is ``rate``, ``weight`` says how much more than
    others its group is worth looking at (1: as much as any; a mean of 1 over all outputs keeps the budget).
    Where everything is drawn, all of it is the core.
    """
    if share >= 1:
        return Drawn(as_what="core", probability=1.0)
    first, second = core * share, min(1.0, (1 - core) * share * weight)
    probability = first + (1 - first) * second
    if _uniform(key, b"core", item) < first:
        return Drawn(as_what="core", probability=probability)
    if _uniform(key, b"more", item) < second:
        return Drawn(as_what="stratified", probability=probability)
    return Drawn(as_what="not drawn", probability=probability)


def twice(key: bytes, item: str, share: float = 0.1) -> bool:
    """Say whether a second person audits it too, blind to the first: how well people agree."""
    return _uniform(key, b"twice", item) < share


def _uniform(key: bytes, purpose: bytes, item: str) -> float:
    digest = hmac.digest(key, purpose + b"\x00" + item.encode(), hashlib.sha256)
    return int.from_bytes(digest[:7]) / 2**56
