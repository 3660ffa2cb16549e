"""Trains the model at set-up time, on the pilot alone: salaried, own home, clean record, five years.

A logistic regression on eight features, calibrated by Platt's method on predictions that were made for rows
it had not seen (cross-fitting), tested on a third of the segment that it never saw. What comes out is a file
of numbers (`model.json`): no pickle is written or read.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from applicants import Applicant, applicants
from scorecard import in_pilot, score, value
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict

FEATURES = ("seniority", "term", "expenses", "income", "assets", "debt", "amount", "share")
SEED = 2026
PILOT = {"job": "fixed", "home": "owner", "records": "no", "seniority": 5}
DECLINE_FROM = 300
"""Applications whose risk is at least so many thousandths are declined."""


class Split(NamedTuple):
    """The bank's past, from which the pilot was made, and the applications that are still to come."""

    training: list[Applicant]
    test: list[Applicant]
    to_come: list[Applicant]


def split(everybody: Sequence[Applicant], seed: int) -> Split:
    """Cut the applicants in two at random: half are the past, of whom only the pilot's segment is used."""
    shuffled = list(everybody)
    random.Random(seed).shuffle(shuffled)
    half = len(shuffled) // 2
    pilot = [one for one in shuffled[:half] if in_pilot(one._asdict(), {"pilot": PILOT})]
    third = len(pilot) // 3
    return Split(training=pilot[third:], test=pilot[:third], to_come=shuffled[half:])


def train(parts: Split) -> dict[str, Any]:
    """Return the model as plain numbers, with what its test showed."""
    raw = np.array([[_given(one, name) for name in FEATURES] for one in parts.training])
    bad = np.array([one.bad for one in parts.training])
    medians = np.nanmedian(raw, axis=0)
    filled = np.where(np.isnan(raw), medians, raw)
    means, spreads = filled.mean(axis=0), filled.std(axis=0)
    scaled = (filled - means) / spreads
    fitted = LogisticRegression(max_iter=2000)
    unseen = cross_val_predict(fitted, scaled, bad, cv=5, method="decision_function")
    platt = LogisticRegression(C=1e6).fit(unseen.reshape(-1, 1), bad)
    fitted.fit(scaled, bad)
    lines = zip(FEATURES, medians, means, spreads, fitted.coef_[0], strict=True)
    model: dict[str, Any] = {
        "pilot": PILOT,
        "decline_from": DECLINE_FROM,
        "intercept": _short(fitted.intercept_[0]),
        "calibration": {"slope": _short(platt.coef_[0, 0]), "offset": _short(platt.intercept_[0])},
        "features": {
            name: {
                "name": name,
                "median": _short(median),
                "mean": _short(mean),
                "spread": _short(spread),
                "weight": _short(weight),
            }
            for name, median, mean, spread, weight in lines
        },
    }
    return {**model, "trained_on": len(parts.training), "test": _tested(parts.test, model)}


def _short(number: Any) -> float:
    """Return six decimals: what two machines agree on."""
    return round(float(number), 6)


def _given(one: Applicant, name: str) -> float:
    given = value(one._asdict(), name)
    return float("nan") if given is None else given


def _tested(test: Sequence[Applicant], model: Mapping[str, Any]) -> dict[str, Any]:
    """Return accuracy on rows it never saw, what approving everybody would have had, and calibration."""
    scores = [score(one._asdict(), model) for one in test]
    right = sum((one.decision == "decline") == who.bad for one, who in zip(scores, test, strict=True))
    return {
        "applications": len(test),
        "right": right,
        "accuracy": round(right / len(test), 4),
        "approving_everybody": round(sum(not one.bad for one in test) / len(test), 4),
        "predicted_bad": round(sum(one.risk for one in scores) / len(scores) / 1000, 4),
        "actually_bad": round(sum(one.bad for one in test) / len(test), 4),
    }


def main() -> None:
    """Train, and write what came out beside this file."""
    model = train(split(applicants(), SEED))
    Path(__file__).with_name("model.json").write_text(json.dumps(model, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
