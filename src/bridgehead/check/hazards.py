"""Failures the business calls unacceptable: each noticed, answered and rehearsed (control RSK-1)."""

from __future__ import annotations

from collections.abc import Iterator

from bridgehead.check.ownership import PLACEHOLDER
from bridgehead.check.rule import Family, Rule
from bridgehead.declare import Deployment
from bridgehead.kernel.finding import Finding

NO_DETECTOR = Rule(
    id="BH-CHK-070",
    severity="block",
    title="A hazard has no detector",
    why="Nobody would notice that it happened.",
    fix="Say what shows it: a figure, a comparison, a report.",
)
NO_DRILL = Rule(
    id="BH-CHK-071",
    severity="block",
    title="A hazard has no drill",
    why="Whether it would be noticed and contained has never been tried.",
    fix="Say how it is rehearsed in staging.",
)
NO_HAZARDS = Rule(
    id="BH-CHK-072",
    severity="warn",
    title="No hazard is declared, and actions cannot be taken back or leave the company",
    why="Nobody has said what must never happen (RSK-1).",
    fix="Ask the owner for the worst failure, and declare it under `hazards`.",
)


def look(d: Deployment) -> Iterator[Finding]:
    """Yield hazards that are only words."""
    for name, hazard in d.charter.hazards.items():
        if PLACEHOLDER.match(hazard.detector):
            yield NO_DETECTOR.found(
                f"The detector of `{name}` is `{hazard.detector}`.", d.where("hazards", name, "detector")
            )
        if PLACEHOLDER.match(hazard.drill):
            yield NO_DRILL.found(
                f"The drill of `{name}` is `{hazard.drill}`.", d.where("hazards", name, "drill")
            )
    serious = [name for name, rule in d.charter.actions.items() if rule.effect == "final" or rule.outward]
    if serious and not d.charter.hazards:
        yield NO_HAZARDS.found(f"For example `{serious[0]}`.", d.where("actions", serious[0]))


FAMILY = Family("Hazards", (NO_DETECTOR, NO_DRILL, NO_HAZARDS), look)
