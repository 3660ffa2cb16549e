"""Step 3: whose data may this run touch? A run opened for one subject stays with that subject.

Rows and columns of query results follow in their own step of the plan; until then queries are
written by people, in the charter, and nothing a model writes reaches a database.
"""

from __future__ import annotations

from bridgehead.enforce import arguments
from bridgehead.enforce.boundary import Boundary, Crossing
from bridgehead.enforce.evidence import Evidence
from bridgehead.kernel.decision import Reason, Refuse

STEP = 3


def confine(boundary: Boundary, crossing: Crossing, evidence: Evidence) -> Refuse | None:
    """Refuse what touches a record of anybody but the run's subject.

    Nothing that belongs to somebody may be touched before the run has identified whom it serves.
    """
    rule = crossing.rule(boundary)
    if rule is None or not rule.subject:
        return None
    workflow = boundary.charter.workflows[crossing.run.workflow]
    if not workflow.subject:
        return None
    source = boundary.where("actions", crossing.action.target, "subject")
    if not crossing.run.subject:
        words = f"The {workflow.subject} has not been identified yet."
        return _refuse("subject.unidentified", words, source)
    if rule.subject.startswith("result."):
        return None  # known only when it came back: step 9
    touched = arguments.follow(rule.subject, arguments=crossing.action.arguments, facts=evidence.facts)
    if touched != crossing.run.subject:
        words = f"It touches a record of another {workflow.subject} than the one this run serves."
        return _refuse("subject.other", words, source)
    return None


def _refuse(rule: str, words: str, source: str) -> Refuse:
    return Refuse(step=STEP, reasons=(Reason(rule=rule, words=words, source=source),))
