"""Promises of an accuracy: somebody can look at results, and somebody decides once it is broken."""

from __future__ import annotations

from collections.abc import Iterator

from bridgehead.check.rule import Family, Rule
from bridgehead.declare import Deployment
from bridgehead.kernel.finding import Finding

NOBODY = Rule(
    id="BH-CHK-120",
    severity="block",
    title="Nobody can look at the results whose accuracy is promised",
    why="Without answers nothing is known of the accuracy, and no alarm is ever raised.",
    fix="Put somebody active into the group, best two: some results are looked at twice.",
)
REFUSED = Rule(
    id="BH-CHK-121",
    severity="warn",
    title="Nobody is asked once a workflow is right too seldom",
    why="`sick_data` names the rule under which people decide then; without it everything is refused.",
    fix="Name an approval rule as `sick_data`, or keep it so if refusing is what you want.",
)


def look(d: Deployment) -> Iterator[Finding]:
    """Yield what keeps a promise of an accuracy from being kept."""
    for name, workflow in d.charter.workflows.items():
        if workflow.accuracy is None:
            continue
        group, people = workflow.accuracy.reviewers, d.charter.people.values()
        if not any(person.active and group in person.groups for person in people):
            words = f"Nobody active is in `{group}`, who look at results of `{name}`."
            yield NOBODY.found(words, d.where("workflows", name, "accuracy", "reviewers"))
        if d.charter.sick_data is None:
            words = f"`{name}` promises an accuracy, and no rule says who decides once it is broken."
            yield REFUSED.found(words, d.where("workflows", name, "accuracy"))


FAMILY = Family("Accuracy", (NOBODY, REFUSED), look)
