"""One batch judged: which columns have moved so far that it matters, against all that it is compared with.

A finding needs three things at once: an effect as large as its reader calls relevant and three times its
noise; evidence that the true effect is more than half of that, after control over all columns; and both
against the accepted baseline *and* the same weekday of the weeks before, so that a Monday is no drift.
Smaller shifts that stay are found over batches, by the e-detector, on the batches added up.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from bridgehead.kernel.finding import Finding
from bridgehead.watch.drift.effects import Effect, Measure, effects
from bridgehead.watch.drift.evidence import combined, e_rejected, log_e_value, p_value, rejected
from bridgehead.watch.profile import Column, Frame, Profile, added

Q = 0.05
ALPHA = 0.01
WEEKS = (4, 8)
"""Batches of the same weekday that are compared with, at least and at most."""
TOGETHER = 3
"""Batches that are added up where single ones are too small to tell."""
FLOORS = 3.0
BY_CHANCE: Mapping[Measure, float] = {"psi": 1.0, "tv": 1.0, "ks": 0.64}
"""What chance brings on average, as a part of a measure's floor: that of KS is a bound, 1.36 where the mean
of Kolmogorov's distribution is 0.87."""
CAP = 2.0
"""Logarithm up to which evidence is gathered beyond what a finding takes: a strong shift that has ended does
not speak for weeks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relevance:
    """From which size on an effect matters to who reads the column; at ``psi_act`` it calls for action."""

    psi: float = 0.10
    psi_act: float = 0.25
    ks: float = 0.10
    tv: float = 0.10
    null_rate: float = 0.02
    null_times: float = 2.0
    unseen: float = 0.01

    def size(self, measure: Measure) -> float:
        """Return the relevant size of a measure."""
        sizes: dict[Measure, float] = {
            "psi": self.psi,
            "ks": self.ks,
            "tv": self.tv,
            "null_rate": self.null_rate,
            "unseen": self.unseen,
        }
        return sizes[measure]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dated:
    """A batch of the past: its business day, its profile, and whether it was found to have drifted."""

    day: date
    profile: Profile
    drifted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftState:
    """What is carried from batch to batch: the baseline it is about, and the logarithm of each column's e."""

    frame: str = ""
    log_e: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """A column that has moved. ``seen`` says whether this batch shows it, or only several together;
    ``figures`` are its distances, beside what matters and what chance brings."""

    column: str
    effects: tuple[Effect, ...]
    level: Literal["notify", "act"]
    seen: Literal["batch", "batches"]
    figures: str

    @property
    def words(self) -> str:
        """Return it in words, with its figures."""
        return f"{self.column} has moved{self.since}: {self.figures}."

    @property
    def since(self) -> str:
        """Return, where several batches show it together, that they do."""
        return "" if self.seen == "batch" else f" over the last {TOGETHER} batches"

    def finding(self, table: str) -> Finding:
        """Return it as a finding like any other."""
        return Finding(
            rule="drift",
            severity="warn",
            words=self.words,
            fix="Audit more of what is decided on it; if it is right, the owner accepts a new baseline.",
            where=f"{table}.{self.column}",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """``leans``: beyond what chance brings, it is at least half as far as what matters. A batch that does not
    ends what several showed together."""

    p: float = 1.0
    relevant: tuple[Effect, ...] = field(default=())
    leans: bool = False


def judged(
    frame: Frame,
    baseline: Profile,
    batch: Dated,
    history: Sequence[Dated],
    state: DriftState,
    relevance: Mapping[str, Relevance] | None = None,
) -> tuple[DriftState, tuple[Drift, ...]]:
    """Return the next state and the columns that have drifted.

    ``history`` are earlier batches in any order, those that drifted marked: they never become the measure.
    ``relevance`` is by column; what is not named takes the defaults. Raises ``ValueError`` where the profiles
    are of another frame.
    """
    if {baseline.frame, batch.profile.frame} != {frame.digest}:
        raise ValueError("a batch is compared with the baseline whose frame it was counted in")
    against = [baseline, *_weekday(batch, history)]
    said = relevance or {}
    now = {each.name: _found(frame, each.name, batch.profile, against, said) for each in frame.columns}
    log_e = dict(state.log_e) if state.frame == frame.digest else {}
    most = math.log(max(len(now), 1) / ALPHA) + CAP
    log_e = {
        name: min(most, max(0.0, log_e.get(name, 0.0) + log_e_value(found.p))) for name, found in now.items()
    }
    at_once = rejected({name: found.p for name, found in now.items()}, Q)
    sustained = e_rejected(log_e, ALPHA)
    drifts = []
    for name, found in now.items():
        if name in at_once and found.relevant:
            drifts.append(_drift(name, found.relevant, said.get(name, Relevance()), "batch"))
        elif (
            name in sustained
            and found.leans
            and (lasting := _lasting(frame, name, batch, history, against, said))
        ):
            drifts.append(_drift(name, lasting, said.get(name, Relevance()), "batches"))
    return DriftState(frame=frame.digest, log_e=tuple(sorted(log_e.items()))), tuple(drifts)


def _weekday(batch: Dated, history: Sequence[Dated]) -> list[Profile]:
    """Return the batches of the same weekday before, added up; nothing while there are too few."""
    same = [
        each
        for each in history
        if each.day < batch.day and each.day.weekday() == batch.day.weekday() and not each.drifted
    ]
    same = sorted(
        (each for each in same if each.profile.frame == batch.profile.frame), key=lambda one: one.day
    )
    return [added(each.profile for each in same[-WEEKS[1] :])] if len(same) >= WEEKS[0] else []


def _found(
    frame: Frame, name: str, profile: Profile, against: Sequence[Profile], said: Mapping[str, Relevance]
) -> _Found:
    """Return the weakest of the comparisons: what all of them show."""
    relevance, numeric = said.get(name, Relevance()), frame.column(name).numeric
    each = [_compared(profile.column(name), other.column(name), relevance, numeric) for other in against]
    shown = set.intersection(*({effect.measure for effect in one.relevant} for one in each))
    relevant = tuple(effect for effect in each[0].relevant if effect.measure in shown)
    return _Found(p=max(one.p for one in each), relevant=relevant, leans=all(one.leans for one in each))


def _compared(now: Column, before: Column, relevance: Relevance, numeric: bool) -> _Found:
    bins = sum(1 for a, b in zip(now.counts, before.counts, strict=True) if a or b)
    p, relevant, leans = [], [], False
    for effect in effects(now, before, numeric=numeric):
        size = relevance.size(effect.measure)
        rows = (
            (now.rows, before.rows)
            if effect.measure in ("null_rate", "unseen")
            else (now.present, before.present)
        )
        p.append(p_value(effect, *rows, half=size / 2, bins=bins))
        leans = leans or effect.size - BY_CHANCE.get(effect.measure, 0.0) * effect.floor >= size / 2
        if effect.size >= size and effect.size >= FLOORS * _least(effect):
            relevant.append(effect)
        elif effect.measure == "null_rate" and _many_times(effect, relevance):
            p[-1] = min(
                p[-1], p_value(effect, *rows, half=effect.before * (relevance.null_times - 1) / 2, bins=bins)
            )
            relevant.append(effect)
            leans = True
    return _Found(p=combined(p), relevant=tuple(relevant), leans=leans)


def _least(effect: Effect) -> float:
    """Return the floor that counts three times; KS has a margin of its own, shares are tested exactly."""
    return effect.floor if effect.measure in ("psi", "tv") else effect.floor / FLOORS


def _many_times(effect: Effect, relevance: Relevance) -> bool:
    return 0 < effect.before * relevance.null_times <= effect.now and effect.size >= FLOORS * effect.floor


def _lasting(
    frame: Frame,
    name: str,
    batch: Dated,
    history: Sequence[Dated],
    against: Sequence[Profile],
    said: Mapping[str, Relevance],
) -> tuple[Effect, ...]:
    """Return what the last batches show together, that one alone does not."""
    before = sorted((each for each in history if each.day < batch.day), key=lambda one: one.day)[
        1 - TOGETHER :
    ]
    if len(before) < TOGETHER - 1:
        return ()
    whole = added([*(each.profile for each in before if each.profile.frame == frame.digest), batch.profile])
    return _found(frame, name, whole, against, said).relevant


def _drift(
    name: str, relevant: Sequence[Effect], relevance: Relevance, seen: Literal["batch", "batches"]
) -> Drift:
    largest = max((effect.size for effect in relevant if effect.measure == "psi"), default=0.0)
    told = "; ".join(_told(effect, relevance) for effect in relevant)
    return Drift(
        column=name,
        effects=tuple(relevant),
        level="act" if largest >= relevance.psi_act else "notify",
        seen=seen,
        figures=told,
    )


_WORDS: dict[Measure, str] = {
    "psi": "PSI",
    "ks": "KS distance",
    "tv": "total variation",
    "null_rate": "missing values",
    "unseen": "values never seen before",
}


def _told(effect: Effect, relevance: Relevance) -> str:
    name, size, matters = _WORDS[effect.measure], effect.size, relevance.size(effect.measure)
    if effect.measure in ("null_rate", "unseen"):
        return f"{name} {size:+.1%}, matters from {matters:.1%}, noise {effect.floor:.1%}"
    return f"{name} {size:.2f}, matters from {matters:.2f}, noise {effect.floor:.3f}"
