"""How often it was right, from the outputs people audited: an interval, or the reason why there is none.

With labels enough, prediction-powered inference (Angelopoulos, Duchi and Zrnic 2023, *PPI++*, arXiv
2311.01453): a proxy known for every output narrows the interval as far as it goes with the labels, and not
at all where it does not. Below that, or near 0 and 1, Wilson's score interval of the random core.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean
from typing import Literal

ENOUGH = 30
"""Labels from which the normal approximation is used."""
RARE = 5
"""So many of each kind at least, for it to hold near 0 and 1."""
MOST_UNANSWERED = 0.2
Method = Literal["ppi++", "wilson", "withheld"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """An audited output: was it right, and what the proxy had said (0 to 1, or ``None``).

    ``probability`` is that with which it was drawn: one drawn with half the chance of another counts twice.
    """

    right: bool
    proxy: float | None = None
    probability: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """How often it was right. ``estimate``, ``low`` and ``high`` are shares, or ``None`` where it is
    withheld.

    ``reliance`` is how far the proxy was relied on (lambda, 0 to 1); ``why`` says in words what it rests on.
    """

    method: Method
    estimate: float | None
    low: float | None
    high: float | None
    labels: int
    unanswered: int
    confidence: float
    reliance: float = 0.0
    why: str = ""


def interval(
    labels: Sequence[Label],
    others: Sequence[float] = (),
    *,
    drawn: int,
    population: int,
    confidence: float = 0.95,
) -> Interval:
    """Return how often outputs were right.

    ``labels`` are the answers about what was drawn, of which ``drawn`` were asked about; ``others`` are the
    proxies of outputs that were not audited; ``population`` counts all outputs of the time.
    """
    unanswered = max(0, drawn - len(labels))
    if not labels:
        return _withheld(labels, unanswered, confidence, "Nobody has audited anything of it yet.")
    if unanswered > MOST_UNANSWERED * drawn:
        share = round(100 * unanswered / drawn)
        return _withheld(
            labels, unanswered, confidence, f"{share} % of what was to be audited was not answered."
        )
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    right = sum(label.right for label in labels)
    left = max(0.0, 1 - len(labels) / population) if population > 0 else 1.0
    weights = [1 / label.probability for label in labels]
    if len(labels) < ENOUGH or min(right, len(labels) - right) < RARE:
        return _wilson(labels, weights, z, left, unanswered, confidence)
    if max(weights) > min(weights):
        return _weighted(labels, weights, others, z, left, unanswered, confidence)
    return _powered(labels, others, z, left, unanswered, confidence)


def _withheld(labels: Sequence[Label], unanswered: int, confidence: float, why: str) -> Interval:
    return Interval(
        method="withheld", estimate=None, low=None, high=None,
        labels=len(labels), unanswered=unanswered, confidence=confidence, why=why,
    )  # fmt: skip


def _wilson(
    labels: Sequence[Label],
    weights: Sequence[float],
    z: float,
    left: float,
    unanswered: int,
    confidence: float,
) -> Interval:
    """Return Wilson's interval; unequal weights make fewer of the labels (Kish's effective sample size)."""
    share = _average([float(label.right) for label in labels], weights)
    n, spread = sum(weights) ** 2 / sum(weight**2 for weight in weights), z * z * left
    middle = (share + spread / (2 * n)) / (1 + spread / n)
    half = math.sqrt(spread * (share * (1 - share) / n + spread / (4 * n * n))) / (1 + spread / n)
    return Interval(
        method="wilson", estimate=share, low=max(0.0, middle - half), high=min(1.0, middle + half),
        labels=len(labels), unanswered=unanswered, confidence=confidence,
        why=f"From {len(labels)} audited outputs, drawn at random.",
    )  # fmt: skip


def _powered(
    labels: Sequence[Label],
    others: Sequence[float],
    z: float,
    left: float,
    unanswered: int,
    confidence: float,
) -> Interval:
    truth = [float(label.right) for label in labels]
    known = [label.proxy for label in labels if label.proxy is not None]
    if len(known) < len(labels) or len(others) < 2:
        known, others = [0.0] * len(labels), ()
    reliance = _reliance(truth, known, others)
    n, rest = len(truth), len(others)
    estimate = fmean(truth) + (reliance * (fmean(others) - fmean(known)) if reliance else 0.0)
    errors = [y - reliance * f for y, f in zip(truth, known, strict=True)]
    variance = _variance(errors) / n * left + (reliance**2 * _variance(others) / rest if reliance else 0.0)
    half = z * math.sqrt(variance)
    why = f"From {n} audited outputs, drawn at random"
    why += f", and a proxy of {rest} others that goes along with them." if reliance else "."
    return Interval(
        method="ppi++", estimate=min(1.0, max(0.0, estimate)), low=max(0.0, estimate - half),
        high=min(1.0, estimate + half), labels=n, unanswered=unanswered, confidence=confidence,
        reliance=reliance, why=why,
    )  # fmt: skip


def _weighted(
    labels: Sequence[Label],
    weights: Sequence[float],
    others: Sequence[float],
    z: float,
    left: float,
    unanswered: int,
    confidence: float,
) -> Interval:
    """Return the interval where some were drawn more often than others (Hajek's estimator, linearised)."""
    truth = [float(label.right) for label in labels]
    known = [label.proxy for label in labels if label.proxy is not None]
    every = [*others, *known]
    if len(known) < len(labels) or len(others) < 2:
        known, every = [0.0] * len(labels), [0.0]
    reliance = _reliance(truth, known, others if len(every) > 1 else ())
    errors = [y - reliance * f for y, f in zip(truth, known, strict=True)]
    mean, n = _average(errors, weights), len(labels)
    squares = sum((weight * (error - mean)) ** 2 for weight, error in zip(weights, errors, strict=True))
    variance = squares / sum(weights) ** 2 * n / (n - 1) * left
    half = z * math.sqrt(variance + reliance**2 * _variance(every) / len(every))
    estimate = mean + reliance * fmean(every)
    return Interval(
        method="ppi++", estimate=min(1.0, max(0.0, estimate)), low=max(0.0, estimate - half),
        high=min(1.0, estimate + half), labels=n, unanswered=unanswered, confidence=confidence,
        reliance=reliance, why=f"From {n} audited outputs, each counted by the chance it was drawn with.",
    )  # fmt: skip


def _average(values: Sequence[float], weights: Sequence[float]) -> float:
    return sum(value * weight for value, weight in zip(values, weights, strict=True)) / sum(weights)


def _reliance(truth: Sequence[float], known: Sequence[float], others: Sequence[float]) -> float:
    """Return lambda, the mean of two halves that are each fitted on the other's labels, between 0 and 1."""
    if not others:
        return 0.0
    halves = [(truth[start::2], known[start::2]) for start in (0, 1)]
    fitted = [_slope(y, f, len(truth) / len(others)) for y, f in halves]
    return fmean(fitted)


def _slope(truth: Sequence[float], known: Sequence[float], ratio: float) -> float:
    spread = _variance(known)
    if spread <= 0:
        return 0.0
    mean_y, mean_f = fmean(truth), fmean(known)
    together = sum((y - mean_y) * (f - mean_f) for y, f in zip(truth, known, strict=True)) / (len(truth) - 1)
    return min(1.0, max(0.0, together / ((1 + ratio) * spread)))


def _variance(values: Sequence[float]) -> float:
    mean = fmean(values)
    return sum((value - mean) ** 2 for value in values) / (len(values) - 1) if len(values) > 1 else 0.0
