"""Values that a workflow needs: somebody decides where one is missing."""

from __future__ import annotations

from collections.abc import Iterator

from bridgehead.check.rule import Family, Rule
from bridgehead.declare import Deployment
from bridgehead.kernel.finding import Finding

NOBODY = Rule(
    id="BH-CHK-125",
    severity="warn",
    title="Nobody is asked where a value is missing that a workflow needs",
    why="`sick_data` names the rule under which people decide then; without it what the run does is refused.",
    fix="Name an approval rule as `sick_data`, or keep it so if refusing is what you want.",
)


def look(d: Deployment) -> Iterator[Finding]:
    """Yield the workflows that need values and name nobody for where they are missing."""
    for name, workflow in d.charter.workflows.items():
        if workflow.needs and d.charter.sick_data is None:
            words = f"`{name}` needs {', '.join(workflow.needs)}, and no rule says who decides without."
            yield NOBODY.found(words, d.where("workflows", name, "needs"))


FAMILY = Family("Needed values", (NOBODY,), look)
