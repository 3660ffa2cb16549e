"""The model as the deployment runs it: a scorecard of a few lines of arithmetic, and its reasons.

``training.py`` fits it with scikit-learn and writes ``model.json``; as a file of this folder it is part of
the release, so a new model is a new release. A field that is missing gets the pilot's median, the way such
models do it silently; here the score says so. Pure: the same application, the same score.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

WORDS = {
    "seniority": "too short a time in the present employment",
    "term": "the length of the loan asked for",
    "expenses": "monthly expenses",
    "income": "income too low for the amount",
    "assets": "too few assets",
    "debt": "existing debt",
    "amount": "the amount asked for",
    "share": "too small a part of the price paid by the applicant",
}
"""What a letter calls each feature (the specific reasons that fair lending rules ask for)."""
MOST_REASONS = 4


class Score(NamedTuple):
    """``risk``: the calibrated probability of a loan that goes bad, in thousandths. ``reasons``: what cost
    most.

    ``missing``: the fields that were not there, for which the pilot's median stood in.
    """

    risk: int
    decision: str
    reasons: tuple[str, ...]
    missing: tuple[str, ...]


def score(known: Mapping[str, Any], model: Mapping[str, Any]) -> Score:
    """Score an application; ``known`` holds what the bank and the bureau know of it, None for a gap."""
    points = {name: _points(known, line) for name, line in model["features"].items()}
    logit = model["intercept"] + sum(points.values())
    calibrated = model["calibration"]["slope"] * logit + model["calibration"]["offset"]
    risk = round(1000 / (1 + math.exp(-calibrated)))
    costly = sorted((name for name in points if points[name] > 0), key=lambda name: (-points[name], name))
    declined = risk >= model["decline_from"]
    return Score(
        risk=risk,
        decision="decline" if declined else "approve",
        reasons=tuple(WORDS[name] for name in costly[:MOST_REASONS]) if declined else (),
        missing=tuple(name for name in ("income", "assets", "debt") if known.get(name) is None),
    )


def value(known: Mapping[str, Any], name: str) -> float | None:
    """Return a feature of an application as the model takes it; None where a field is missing."""
    if name == "share":
        return float(known["amount"]) / float(known["price"])
    given = known.get(name)
    if given is None:
        return None
    return float(given) if name in ("term", "expenses") else math.log1p(float(given))


def _points(known: Mapping[str, Any], line: Mapping[str, float]) -> float:
    """Return what a feature adds to the risk, against the average applicant of the pilot."""
    given = value(known, line["name"])  # type: ignore[arg-type]  # one line of JSON: names and numbers
    filled = line["median"] if given is None else given
    return line["weight"] * (filled - line["mean"]) / line["spread"]


def in_pilot(known: Mapping[str, Any], model: Mapping[str, Any]) -> bool:
    """Say whether an application is of the kind the pilot was run with."""
    pilot = model["pilot"]
    return bool(
        known.get("job") == pilot["job"]
        and known.get("home") == pilot["home"]
        and known.get("records") == pilot["records"]
        and known.get("seniority", 0) >= pilot["seniority"]
    )
