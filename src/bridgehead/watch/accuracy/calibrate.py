"""Confidence that means what it says, and one class told from another: two small fits in numpy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
ISOTONIC = 1000
"""Answers from which the shape of the calibration is free; below, it is a logistic curve (Platt)."""
BINS = 10
STEPS = 25
RIDGE = 1.0


def calibrated(proxy: Floats, right: Floats, asked: Floats) -> Floats:
    """Return how often results of such a confidence were right, for each that is asked about."""
    if len(proxy) >= ISOTONIC:
        return _isotonic(proxy, right, asked)
    return classified(_logit(proxy)[:, None], right, _logit(asked)[:, None], ridge=1e-3)


def calibration_error(proxy: Floats, right: Floats) -> float:
    """Return the mean distance between confidence and truth in ten bins, fitted on one half, asked of the
    other."""
    said = np.empty(len(proxy))
    for half in (0, 1):
        asked = np.arange(len(proxy)) % 2 == half
        said[asked] = calibrated(proxy[~asked], right[~asked], proxy[asked])
    bins = np.array_split(np.argsort(said, kind="stable"), BINS)
    return float(sum(abs(said[rows].sum() - right[rows].sum()) for rows in bins) / len(said))


def classified(rows: Floats, positive: Floats, asked: Floats, *, ridge: float = RIDGE) -> Floats:
    """Return the chance of being positive for each row asked about: logistic regression, Newton's steps."""
    mean, spread = rows.mean(axis=0), rows.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    known, wanted = _with_one((rows - mean) / spread), _with_one((asked - mean) / spread)
    penalty = np.full(known.shape[1], ridge)
    penalty[0] = 1e-9
    beta = np.zeros(known.shape[1])
    for _ in range(STEPS):
        chance = _logistic(known @ beta)
        slope = known.T @ (positive - chance) - penalty * beta
        curve = (known * (chance * (1 - chance))[:, None]).T @ known + np.diag(penalty)
        step = np.linalg.solve(curve, slope)
        beta += step * min(1.0, 5.0 / max(float(np.abs(step).max()), 1e-12))
        if float(np.abs(step).max()) < 1e-6:
            break
    answer: Floats = _logistic(wanted @ beta)
    return answer


def _isotonic(proxy: Floats, right: Floats, asked: Floats) -> Floats:
    """Return the isotonic fit (pool adjacent violators), straight between its points."""
    places, which = np.unique(proxy, return_inverse=True)
    weight = np.bincount(which).astype(float)
    level = np.bincount(which, weights=right) / weight
    blocks: list[tuple[float, float, int]] = []
    for value, size in zip(level, weight, strict=True):
        mean, total, count = float(value), float(size), 1
        while blocks and blocks[-1][0] >= mean:
            before, more, merged = blocks.pop()
            mean, total = (before * more + mean * total) / (more + total), more + total
            count += merged
        blocks.append((mean, total, count))
    fitted = np.repeat([block[0] for block in blocks], [block[2] for block in blocks])
    told: Floats = np.clip(np.interp(asked, places, fitted), 0.0, 1.0)
    return told


def _logit(share: Floats) -> Floats:
    inside = np.clip(share, 1e-6, 1 - 1e-6)
    logit: Floats = np.log(inside / (1 - inside))
    return logit


def _logistic(value: Floats) -> Floats:
    chance: Floats = 1.0 / (1.0 + np.exp(-np.clip(value, -35.0, 35.0)))
    return chance


def _with_one(rows: Floats) -> Floats:
    return np.hstack([np.ones((len(rows), 1)), rows])
