"""Step 2, put together: a crossing and its evidence become one request to the policy engine."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from bridgehead.declare.given import UNDO
from bridgehead.declare.model import ActionRule
from bridgehead.enforce import cedar, endorse
from bridgehead.enforce.boundary import Boundary, Crossing
from bridgehead.enforce.evidence import Evidence
from bridgehead.enforce.request import STEP, PolicyRequest, people_entities
from bridgehead.kernel.decision import Ask, Decision, Permit, Reason, Refuse
from bridgehead.kernel.principal import Principal
from bridgehead.kernel.remember import remembered


def decide(
    boundary: Boundary,
    crossing: Crossing,
    who: Principal,
    evidence: Evidence,
    approvals: tuple[str, ...],
    record_changes: int,
) -> Decision:
    """Return the policy's answer to one crossing.

    ``approvals`` are the charter's approval rules people have agreed to for exactly this crossing;
    ``record_changes`` counts earlier effects on the same business record.
    """
    request = _request(boundary, crossing, who, evidence, approvals, record_changes)
    if isinstance(request, Refuse):
        return request
    decision = boundary.policy.decide(request, people_entities(boundary.directory()))
    decision = _with_origins(boundary, crossing, evidence, decision)
    if isinstance(decision, Ask) and crossing.evidence_of:
        # It is read anew after every wait: a yes to this one would be spent before it could be used.
        words = f"{crossing.action.target} needs people to agree, and what is read to decide cannot wait."
        return Refuse(step=STEP, reasons=(Reason(rule="read.asks", words=words), *decision.reasons))
    return _one_by_one(boundary, crossing, approvals, decision)


def _with_origins(boundary: Boundary, crossing: Crossing, evidence: Evidence, decision: Decision) -> Decision:
    """Say of each value nothing stands behind what it is and where it came from."""
    if isinstance(decision, Permit) or all(not _about_origins(reason) for reason in decision.reasons):
        return decision
    told = endorse.reasons(boundary, crossing, evidence.values)
    if isinstance(decision, Ask) and endorse.denied(boundary, crossing, evidence.values):
        no = Reason(rule="unendorsed.refused", words="People have said no to this in this run.")
        return Refuse(step=STEP, reasons=(no, *decision.reasons, *told))
    return replace(decision, reasons=(*decision.reasons, *told))


def _about_origins(reason: Reason) -> bool:
    return reason.rule.startswith(cedar.ENDORSED)


def _one_by_one(
    boundary: Boundary, crossing: Crossing, approvals: tuple[str, ...], decision: Decision
) -> Decision:
    """A compensation that cannot be taken back itself is asked about by itself, whatever policies say."""
    if crossing.undoes is None or not crossing.undoes.single or UNDO in approvals:
        return decision
    reason = boundary.reason(
        "undo.one-by-one", "This compensation is agreed to by itself.", "approvals", UNDO
    )
    match decision:
        case Permit():
            return Ask(approvals=(UNDO,), reasons=(reason,))
        case Ask():
            return replace(
                decision, approvals=(*decision.approvals, UNDO), reasons=(*decision.reasons, reason)
            )
        case Refuse():
            return decision


def _request(
    boundary: Boundary,
    crossing: Crossing,
    who: Principal,
    evidence: Evidence,
    approvals: tuple[str, ...],
    record_changes: int,
) -> PolicyRequest | Refuse:
    action, charter = crossing.action, boundary.charter
    context: dict[str, Any] = {
        "purpose": action.purpose or charter.purpose,
        "stage": charter.stage,
        "approvals": list(approvals),
        "subject": crossing.run.subject,
    }
    if crossing.run.kind == "undo":
        context["undoing"] = True
    principal = ("Agent" if who.kind == "agent" else "Human", who.id)
    match action.kind:
        case "act" if action.target.startswith("decide:"):
            name = action.target.removeprefix("decide:")
            if name not in charter.approvals:
                return _undeclared(f"No approval rule {name} is declared.")
            context["rule"] = name
            return PolicyRequest(
                principal=principal,
                action="decide",
                resource=("Group", charter.approvals[name].needs[0].group),
                context=context,
            )
        case "act":
            rule = charter.actions.get(action.target)
            if rule is None:
                return _undeclared(f"No action {action.target} is declared in the charter.")
            context |= _act_context(rule, crossing, evidence, record_changes)
            return PolicyRequest(
                principal=principal,
                action=action.target,
                resource=("Operation", action.target),
                context=context,
            )
        case "model":
            if action.target not in charter.models:
                return _undeclared(f"No model {action.target} is declared in the charter.")
            context["regions"] = list(charter.regions)
            return PolicyRequest(
                principal=principal, action="model", resource=("Model", action.target), context=context
            )
        case "query":
            source, _, query = action.target.partition(".")
            declared = charter.sources.get(source)
            if declared is None or (query not in declared.queries if query else not declared.tables):
                return _undeclared(f"No query {action.target} is declared in the charter.")
            context["query"] = query
            return PolicyRequest(
                principal=principal, action="query", resource=("Source", source), context=context
            )
        case "retrieve":
            if action.target not in charter.collections:
                return _undeclared(f"No collection {action.target} is declared in the charter.")
            return PolicyRequest(
                principal=principal,
                action="retrieve",
                resource=("Collection", action.target),
                context=context,
            )


def _act_context(
    rule: ActionRule, crossing: Crossing, evidence: Evidence, record_changes: int
) -> dict[str, Any]:
    types = _types(rule)
    context: dict[str, Any] = {
        # What is taken back was a change itself; later changes by others stand in its way at the claim.
        "record_changes": 0 if crossing.run.kind == "undo" else record_changes,
        "arguments": {
            name: _cedar(types[name], value)
            for name, value in crossing.action.arguments.items()
            if types[name]
        },
        "facts": {name: _cedar("", value) for name, value in evidence.facts.items()},
        "unendorsed": sorted({value.argument for value in evidence.unendorsed}),
    }
    if evidence.amount is not None:
        context["amount"] = _decimal(evidence.amount)
        context["currency"] = evidence.currency
    return context


@remembered
def _types(rule: ActionRule) -> dict[str, str]:
    return {name: cedar.cedar_type(declared) for name, declared in rule.arguments.items()}


def _cedar(kind: str, value: Any) -> Any:
    if kind == "decimal" or isinstance(value, Decimal):
        return _decimal(Decimal(str(value)))
    return value


def _decimal(number: Decimal) -> dict[str, Any]:
    return {"__extn": {"fn": "decimal", "arg": f"{number:.4f}"}}


def _undeclared(words: str) -> Refuse:
    return Refuse(step=STEP, reasons=(Reason(rule="undeclared", words=words),))
