"""What people read about an action: its title, its facts, whether it can be undone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from bridgehead.enforce import endorse
from bridgehead.enforce.boundary import Boundary, Crossing
from bridgehead.enforce.evidence import Evidence
from bridgehead.enforce.opening import needs
from bridgehead.enforce.question import DECIDE, UNENDORSED, Fact, Question
from bridgehead.kernel import quorum
from bridgehead.kernel.decision import Ask
from bridgehead.kernel.money import shown as money_shown

_PLACE = re.compile(r"\{([a-z_][a-z0-9_]*)\}")
_YES_AND_NO = {
    False: "The run goes on with your yes or no: what it does then is an action of its own.",
    True: "Yes takes back what the plan says, each effect by an action of its own; what somebody changes "
    "until then is left as it is. No leaves everything as it is, and stopped.",
}
"""What an answer does: to a question a workflow asks, and to the one an undo asks."""


def title(boundary: Boundary, crossing: Crossing, evidence: Evidence) -> str:
    """Return the action in words, with the charter's places filled in."""
    rule = crossing.rule(boundary)
    if rule is None:
        return str(crossing.action.arguments.get("question", crossing.action.label()))
    known: dict[str, Any] = {**crossing.action.arguments, **evidence.facts}
    if evidence.amount is not None:  # as money, whatever number the other system writes
        known[rule.amount.partition(".")[2]] = evidence.amount
    return _PLACE.sub(lambda match: shown(known.get(match[1], match[0])), rule.title)


def shown(value: Any) -> str:
    """Return a value as a person reads it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal):
        return money_shown(value)
    if isinstance(value, list | tuple):
        return ", ".join(shown(item) for item in value)
    return str(value)


def ask_people(
    boundary: Boundary,
    crossing: Crossing,
    decision: Ask,
    evidence: Evidence,
    inverse: Mapping[str, Any] | None,
    *,
    id: str,
    bound: str,
    opened_at: str,
    due_at: str,
) -> Question:
    """Return the question about a crossing, complete: what it shows is what a vote approves."""
    charter, rule = boundary.charter, crossing.rule(boundary)
    rules = [charter.approvals[name] for name in decision.approvals]
    needed = needs(rules)
    money = "" if evidence.amount is None else f"{money_shown(evidence.amount)} {evidence.currency}"
    reads = ", ".join(read.action for read in rule.facts.reads.values()) if rule and rule.facts else ""
    # Which model a run asks is chosen when it starts: its bindings say whether a stand-in took its place.
    stand_in = any(name.startswith("model:") for name in crossing.run.bindings)
    return Question(
        id=id,
        run=crossing.run.id,
        position=crossing.position,
        release=crossing.run.release,
        deployment=charter.name,
        title=title(boundary, crossing, evidence),
        target=crossing.action.target,
        arguments=crossing.action.arguments,
        action_digest=crossing.action_digest,
        effect=crossing.action.effect,
        outward=crossing.action.outward,
        amount=money,
        subject=crossing.run.subject,
        requester=crossing.run.principal.label(),
        asked_because=tuple(item.question for item in rules),
        reasons=tuple(f"{reason.words} ({reason.source})" for reason in decision.reasons),
        rules=decision.approvals,
        facts=tuple(
            Fact(name=name, value=shown(value), source=reads or "the arguments", as_of=evidence.as_of)
            for name, value in sorted(evidence.facts.items())
        )
        + tuple(
            Fact(
                name=f"{value.path or value.argument}{UNENDORSED}",
                value=shown(value.value),
                source=endorse.shown(value),
                as_of=opened_at,
            )
            for value in evidence.unendorsed
        ),
        can_be_undone=undo_words(crossing, inverse),
        who=quorum.words(needed),
        quorum=sum(people for _, people in needed),
        opened_at=opened_at,
        due_at=due_at,
        stand_in=stand_in,
        bound=bound,
        changed_by=crossing.edit.by if crossing.edit else "",
        sick=evidence.sick,
    )


def undo_words(crossing: Crossing, inverse: Mapping[str, Any] | None) -> str:
    """Return in words whether and how an action can be taken back; for a question, what an answer does."""
    if crossing.action.target.startswith(DECIDE):
        return _YES_AND_NO[crossing.run.kind == "undo"]
    if crossing.action.effect == "read":
        return "It changes nothing."
    if inverse is not None:
        return f"It can be taken back with {inverse['action']}."
    return "It cannot be taken back."
