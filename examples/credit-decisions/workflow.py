"""One application: read what the bank and the bureau know, score it, send the letter.

As naive as such code is: what is missing is missing, and the model fills it with the pilot's median. That no
letter goes out on data that are late, broken or made up is not its business but the charter's, its contract's
and the policy's. Deterministic: no clock, no chance.
"""

from __future__ import annotations

import json
from typing import Any

from scorecard import in_pilot, score

from bridgehead.kernel.outcome import Done


async def decide_application(run: Any, application: int) -> dict[str, Any]:
    """Decide on one application and return how that ended."""
    booked = await run.query("bank.application", application=application)
    report = await run.query("bureau.report", application=application)
    for outcome in (booked, report):
        if not isinstance(outcome, Done):
            return _ended(application, outcome)
    known = {**_first(booked.value), **_first(report.value)}
    model = json.loads(run.document("model"))
    found = score(known, model)
    segment = "pilot" if in_pilot(known, model) else "others"
    sent = await run.act(
        "send_decision",
        application=application,
        decision=found.decision,
        risk=found.risk,
        reasons=list(found.reasons),
        amount=known["amount"],
        segment=segment,
        missing=list(found.missing),
    )
    return {
        **_ended(application, sent),
        "decision": found.decision,
        "sure": max(found.risk, 1000 - found.risk) / 1000,
        "segment": segment,
        "known": known,
    }


def _first(rows: list[dict[str, Any]]) -> dict[str, Any]:
    return rows[0] if rows else {}


def _ended(application: int, outcome: Any) -> dict[str, Any]:
    words = {"Done": "sent", "Refused": "refused", "Failed": "failed"}
    return {"application": application, "ended": words[type(outcome).__name__]}
