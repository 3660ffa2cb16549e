"""What is fixed when a question is opened, from the run's release: who, until when, and what happens on
the way. A later release changes none of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from bridgehead.declare.asking import ApprovalRule, deadline
from bridgehead.declare.model import seconds
from bridgehead.enforce.boundary import Boundary, Crossing
from bridgehead.enforce.question import Question
from bridgehead.kernel.clock import stamp
from bridgehead.kernel.principal import Principal
from bridgehead.kernel.quorum import Needs, together


def due(boundary: Boundary, rules: Sequence[ApprovalRule], now: datetime) -> datetime:
    """Return when the first of several rules has no time left."""
    return min(deadline(boundary.charter.calendars, rule, now, rule.within) for rule in rules)


def needs(rules: Iterable[ApprovalRule]) -> Needs:
    """Return who must agree, so that every rule has what it asks for."""
    return together(rule.needs for rule in rules)


def row(
    question: Question,
    needed: Needs,
    chain: Sequence[str],
    terms: dict[str, Any],
    *,
    kind: str = "question",
    barred: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Return the columns of a new question."""
    return {
        "id": question.id,
        "kind": kind,
        "run": question.run,
        "position": question.position,
        "rules": _text(list(question.rules)),
        "digest": question.digest(),
        "who": _text([[group, people] for group, people in needed]),
        "quorum": sum(people for _, people in needed),
        "requester": _text(list(chain)),
        "subject": question.subject,
        "barred": _text(barred or {}),
        "terms": _text(terms),
        "next_rung_at": terms["ladder"][0]["at"] if terms["ladder"] else None,
        "supersedes": question.supersedes,
        "opened_entry": -1,  # set in the same transaction, once the entry has its index
        "state": "open",
        "opened_at": question.opened_at,
        "due_at": question.due_at,
    }


def terms(boundary: Boundary, crossing: Crossing, names: Sequence[str], now: datetime) -> dict[str, Any]:
    """Return what the run's release says of a question: how long a yes lasts (seconds), the rungs, which
    arguments may be changed, and what an emergency takes."""
    rules = [boundary.charter.approvals[name] for name in names]
    action = crossing.rule(boundary)
    return {
        "valid_for": min(seconds(rule.valid_for) for rule in rules),
        "ladder": _ladder(boundary, rules, now),
        "editable": {name: action.arguments[name] for name in action.editable} if action else {},
        "emergency": _emergency(boundary, rules),
    }


def review_terms(emergency: dict[str, Any], now: datetime, due_at: datetime) -> dict[str, Any]:
    """Return the terms of a review: its rungs, and an incident when it is overdue."""
    rungs = [
        {"at": stamp(now + timedelta(seconds=rung["after"])), "do": rung["do"], "to": rung["to"]}
        for rung in emergency["ladder"]
        if rung["after"] < emergency["within"]
    ]
    rungs.append({"at": stamp(due_at), "do": "overdue", "to": ""})
    return {"valid_for": 0.0, "ladder": rungs, "editable": {}, "emergency": None}


def chain_of(principal: Principal) -> list[str]:
    """Return everybody who asks: the whole chain of a run."""
    return [link.id for link in principal.chain()]


def _ladder(boundary: Boundary, rules: Sequence[ApprovalRule], now: datetime) -> list[dict[str, str]]:
    last = stamp(due(boundary, rules, now))
    rungs = [
        {
            "at": stamp(deadline(boundary.charter.calendars, rule, now, rung.after)),
            "do": rung.do,
            "to": rung.to or "",
        }
        for rule in rules
        for rung in rule.escalate
    ]
    return sorted((rung for rung in rungs if rung["at"] < last), key=lambda rung: rung["at"])


def _emergency(boundary: Boundary, rules: Sequence[ApprovalRule]) -> dict[str, Any] | None:
    """Return what one person may do at once, where every rule that asks allows it."""
    allowed = [rule.emergency for rule in rules if rule.emergency is not None]
    if len(allowed) < len(rules):
        return None
    names = list(dict.fromkeys(emergency.review for emergency in allowed))
    reviews = [boundary.charter.approvals[name] for name in names]
    return {
        "who": sorted({emergency.who for emergency in allowed}),
        "within": min(seconds(emergency.review_within) for emergency in allowed),
        "rules": names,
        "questions": [rule.question for rule in reviews],
        "needs": [[group, people] for group, people in needs(reviews)],
        "ladder": sorted(
            (
                {"after": seconds(rung.after), "do": rung.do, "to": rung.to or ""}
                for rule in reviews
                for rung in rule.escalate
            ),
            key=lambda rung: rung["after"],
        ),
    }


def _text(value: Any) -> str:
    # Not the canonical form: a JSON Schema of the charter may hold fractions, and nothing is hashed here.
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
