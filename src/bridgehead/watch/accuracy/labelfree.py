"""What the workflow's own confidence suggests, and whether that may be listened to: the state decides.

::

    found = judged(reference, batch)      # results people looked at, results nobody has
    found.state                           # supported, extrapolating, not estimable

Nothing here is an accuracy: where the same case comes to be decided wrongly, inputs and confidence look as
before. Measured, an estimate without labels was no better than "nothing changed". It says when to look more
closely, and stands apart from what people found. Needs numpy (the extra ``watch``).

Confidence is calibrated on the reference (isotonic from 1,000 results, else Platt) and averaged over the
batch (CBPE). A domain classifier tells reference from batch by the features, fitted on one half and asked
about the other; its odds weight the reference as if it were the batch.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bridgehead.watch.accuracy.calibrate import calibrated, calibration_error, classified
from bridgehead.watch.accuracy.encode import Value, compared

State = Literal["supported", "extrapolating", "not estimable"]
Floats = NDArray[np.float64]
LEAST = 100
"""Results in reference and batch below which nothing is estimated."""
ALIKE, APART = 0.6, 0.8
"""Area under the domain classifier's curve: below the first they look alike, above the second they do not."""
EFFECTIVE = 0.3
"""Least share of the reference that is left once it is weighted like the batch."""
CLIP = 99.0
Z = 1.959963984540054


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A result: its features, how likely the workflow thinks it is right, and whether it was (``None``:
    nobody has looked)."""

    features: Mapping[str, Value]
    proxy: float
    right: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """An estimate with its bounds, as shares."""

    estimate: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelFree:
    """What confidence suggests of a batch. ``span`` is ``None`` where it is not estimable.

    ``apart`` is the domain classifier's area under the curve (.5: alike), ``effective`` the share of the
    reference that is left once weighted, ``error`` the calibration error; ``why`` says it in words.
    """

    state: State
    span: Span | None
    apart: float
    effective: float
    error: float
    reference: int
    batch: int
    why: str

    @property
    def words(self) -> str:
        """Return what may be said: never that it is known."""
        if self.span is None:
            return f"Cannot be estimated without answers: {self.why}"
        low, high = round(100 * self.span.low), round(100 * self.span.high)
        suggests = f"Confidence suggests {round(100 * self.span.estimate)} % ({low}-{high})"
        if self.state == "supported":
            return f"{suggests}; not validated on this week's inputs."
        return f"{suggests}, on inputs unlike those people looked at: {self.why}"


def judged(reference: Sequence[Example], batch: Sequence[Example]) -> LabelFree:
    """Return what confidence suggests of a batch. Every result of ``reference`` has an answer."""
    if len(reference) < LEAST or len(batch) < LEAST:
        why = f"{len(reference)} answers and {len(batch)} results are too few, {LEAST} of each are needed."
        return _nothing(reference, batch, why)
    rows = compared([one.features for one in reference], [one.features for one in batch])
    proxy, right = _column(reference, "proxy"), _column(reference, "right")
    error = calibration_error(proxy, right)
    if rows.forbids:
        return _nothing(reference, batch, rows.forbids, error=error)
    apart, weights = _told_apart(rows.reference, rows.batch)
    effective = float(weights.sum() ** 2 / (weights**2).sum() / len(weights))
    if apart > APART:
        why = f"inputs can be told from those people looked at (area under the curve {apart:.2f})."
        return _nothing(reference, batch, why, apart, effective, error)
    confident = _confident(calibrated(proxy, right, _column(batch, "proxy")))
    if apart < ALIKE and effective >= EFFECTIVE and not rows.warns:
        state: State = "supported"
        return _found(state, confident, apart, effective, error, reference, batch, "")
    widest = _widest(confident, _weighted(right, weights), _weighted(right, np.ones(len(right))))
    why = rows.warns or f"area under the curve {apart:.2f}, {round(100 * effective)} % of the answers count."
    return _found("extrapolating", widest, apart, effective, error, reference, batch, why)


def _column(examples: Sequence[Example], name: str) -> Floats:
    return np.array([float(getattr(one, name)) for one in examples])


def _found(
    state: State,
    span: Span,
    apart: float,
    effective: float,
    error: float,
    reference: Sequence[Example],
    batch: Sequence[Example],
    why: str,
) -> LabelFree:
    return LabelFree(
        state=state, span=span, apart=apart, effective=effective, error=error,
        reference=len(reference), batch=len(batch), why=why,
    )  # fmt: skip


def _nothing(
    reference: Sequence[Example],
    batch: Sequence[Example],
    why: str,
    apart: float = math.nan,
    effective: float = math.nan,
    error: float = math.nan,
) -> LabelFree:
    return LabelFree(
        state="not estimable", span=None, apart=apart, effective=effective, error=error,
        reference=len(reference), batch=len(batch), why=why,
    )  # fmt: skip


def _told_apart(reference: Floats, batch: Floats) -> tuple[float, Floats]:
    """Return how well the batch is told from the reference, and what each result of the reference weighs."""
    if not reference.shape[1]:
        return 0.5, np.ones(len(reference))
    rows = np.vstack([reference, batch])
    is_batch = np.repeat([0.0, 1.0], [len(reference), len(batch)])
    chance = np.empty(len(rows))
    for half in (0, 1):
        asked = np.arange(len(rows)) % 2 == half
        chance[asked] = classified(rows[~asked], is_batch[~asked], rows[asked])
    odds = chance[: len(reference)]
    weights = odds / np.maximum(1 - odds, 1e-9) * len(reference) / len(batch)
    return _area(chance, is_batch), np.minimum(weights, np.percentile(weights, CLIP))


def _area(score: Floats, positive: Floats) -> float:
    """Return the area under the curve: how often one of the batch scores above one of the reference."""
    _, place, count = np.unique(score, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(count) - (count - 1) / 2)[place]
    ones = float(positive.sum())
    zeros = len(positive) - ones
    return float((ranks[positive == 1].sum() - ones * (ones + 1) / 2) / (ones * zeros))


def _confident(chance: Floats) -> Span:
    return _span(float(chance.mean()), math.sqrt(float((chance * (1 - chance)).mean()) / len(chance)))


def _weighted(right: Floats, weights: Floats) -> Span:
    mean = float((weights * right).sum() / weights.sum())
    return _span(mean, math.sqrt(float(((weights * (right - mean)) ** 2).sum())) / float(weights.sum()))


def _span(mean: float, deviation: float) -> Span:
    low, high = max(0.0, mean - Z * deviation), min(1.0, mean + Z * deviation)
    return Span(estimate=mean, low=low, high=high)


def _widest(*spans: Span) -> Span:
    estimates: Any = [span.estimate for span in spans]
    low, high = min(span.low for span in spans), max(span.high for span in spans)
    return Span(estimate=float(np.median(estimates)), low=low, high=high)
