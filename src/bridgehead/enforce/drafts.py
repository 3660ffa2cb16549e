"""What the ledger says about a crossing: the drafts of its entries, their public fields and their words.

In: a crossing, its decision, its outcome. Out: values. Never: reads or writes rows.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from bridgehead.enforce import outcomes
from bridgehead.enforce.boundary import Crossing
from bridgehead.kernel.canonical import canonical_bytes
from bridgehead.kernel.decision import Ask, Decision, Permit, Refuse
from bridgehead.kernel.entry import Draft, EntryKind
from bridgehead.kernel.outcome import Done, Failed


def about(kind: EntryKind, crossing: Crossing, fields: dict[str, Any], body: Any) -> Draft:
    """Return an entry about a crossing."""
    chain = crossing.run.principal.chain()
    return Draft(
        kind=kind,
        actor=f"{chain[0].kind}:{chain[0].id}",
        on_behalf=" ".join(f"{link.kind}:{link.id}" for link in chain[1:]),
        run=crossing.run.id,
        fields=fields,
        body=body,
        subject=crossing.run.subject,
    )


def outside(kind: EntryKind, run: str, fields: dict[str, Any], body: Any, subject: str) -> Draft:
    """Return an entry about a crossing that nobody of its run makes: the house looked by itself."""
    return Draft(kind=kind, actor="service:look", run=run, fields=fields, body=body, subject=subject)


def ended(kind: EntryKind, crossing: Crossing, outcome: Done | Failed, *, note: str = "") -> Draft:
    """Return the entry that says how a crossing ended."""
    fields = fields_of(crossing, None) | noted(note)
    fields["outcome"] = {
        "state": outcomes.state_of(outcome),
        "effect_state": "done" if isinstance(outcome, Done) else outcome.fault.effect_state,
        "usage": asdict(outcome.usage),
    }
    if crossing.action.kind == "retrieve" and isinstance(outcome, Done):
        fields["retrieval"] = {
            "passages": [passage["digest"] for passage in outcome.value["passages"]],
            "searched": outcome.value["searched"],
        }
    return about(kind, crossing, fields, outcomes.body_of(outcome))


def noted(note: str) -> dict[str, Any]:
    """Return the envelope field of a note, where there is one."""
    return {"note": note} if note else {}


def fields_of(crossing: Crossing, decision: Decision | None) -> dict[str, Any]:
    """Return the envelope fields of a crossing and, where there is one, its decision."""
    action = crossing.action
    fields: dict[str, Any] = {
        "release": crossing.run.release,
        "position": crossing.position,
        "segment": crossing.run.segment,
        "action": {
            "kind": action.kind,
            "target": action.target,
            "effect": action.effect,
            "outward": action.outward,
            "args": crossing.arguments_digest,
            "key": crossing.key,
        },
    }
    if decision is not None:
        fields["decision"] = {"engine": "cedar", "result": _result(decision), "rules": _rule_ids(decision)}
    return fields


def reasons_of(decision: Decision) -> list[dict[str, str]]:
    """Return the reasons as plain values, for bodies."""
    return [
        {"rule": reason.rule, "words": reason.words, "source": reason.source} for reason in decision.reasons
    ]


def decision_text(decision: Decision) -> str:
    """Return result and rule ids as canonical JSON, for the row."""
    return canonical_bytes({"result": _result(decision), "rules": _rule_ids(decision)}).decode()


def _result(decision: Decision) -> str:
    match decision:
        case Permit():
            return "permit"
        case Ask():
            return "ask"
        case Refuse():
            return "refuse"


def _rule_ids(decision: Decision) -> list[str]:
    return [reason.rule for reason in decision.reasons]
