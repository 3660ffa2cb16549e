"""Where values come from: is anybody looking, and does the charter say whose words are the user's?"""

from __future__ import annotations

from collections.abc import Iterator

from bridgehead.check.rule import Family, Rule
from bridgehead.declare import Deployment
from bridgehead.kernel.finding import Finding

NOT_ENFORCED = Rule(
    id="BH-CHK-090",
    severity="info",
    title="Arguments of effects need no origin",
    why="Text from outside can choose who is paid and where a message goes, within what the rules allow.",
    fix="Set `provenance: enforced`, `unendorsed: RULE`, and `words` of each workflow; `bridgehead replay` "
    "shows what would be asked.",
)
NO_WORDS = Rule(
    id="BH-CHK-091",
    severity="info",
    title="A workflow does not say which of its inputs are the user's own words",
    why="Nothing the user said then stands behind an argument: people are asked, or it is refused.",
    fix="List those inputs under `words`.",
)


def look(d: Deployment) -> Iterator[Finding]:
    """Yield what is not looked at."""
    charter = d.charter
    if charter.provenance == "off":
        if any(rule.effect != "read" for rule in charter.actions.values()):
            yield NOT_ENFORCED.found("`provenance` is off.", d.where("actions"))
        return
    for name, workflow in charter.workflows.items():
        if not workflow.words:
            yield NO_WORDS.found(f"Workflow {name} names no `words`.", d.where("workflows", name))


FAMILY = Family("Provenance", (NOT_ENFORCED, NO_WORDS), look)
