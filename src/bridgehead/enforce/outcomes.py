"""An outcome as the journal keeps it: the state of its row, its body, and the way back from both.

What the first pass returns and what every replay reads are equal to the bit. Never: writes.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from bridgehead.enforce.boundary import Boundary
from bridgehead.kernel.canonical import decoded, encoded_bytes
from bridgehead.kernel.decision import Reason, Refuse
from bridgehead.kernel.outcome import Done, Failed, Fault, Outcome, Refused, Usage
from bridgehead.store.statement import Row


def state_of(outcome: Done | Failed) -> str:
    if isinstance(outcome, Done):
        return "done"
    return "unknown" if outcome.fault.effect_state == "unknown" else "failed"


def row_state(outcome: Done | Failed) -> str:
    """Return the state of the row. An effect that happened is ``done``, though its answer could not be kept:
    it counts as a change of its record, and can be taken back."""
    happened = isinstance(outcome, Failed) and outcome.fault.effect_state == "done"
    return "done" if happened else state_of(outcome)


def body_of(outcome: Done | Failed) -> dict[str, Any]:
    if isinstance(outcome, Done):
        return {"value": outcome.value, "usage": asdict(outcome.usage)}
    return {"fault": asdict(outcome.fault), "usage": asdict(outcome.usage)}


def returned(body: dict[str, Any]) -> Outcome:
    """Round trip through the canonical form, so that first pass and replay see the same value."""
    # Through the bytes: they sort keys, so that a value also *iterates* the same way ever after.
    kept = decoded(encoded_bytes(body))
    if "fault" in kept:
        return Failed(fault=Fault(**kept["fault"]), usage=Usage(**kept.get("usage", {})))
    return Done(value=kept["value"], usage=Usage(**kept["usage"]))


def recorded(boundary: Boundary, row: Row) -> Outcome:
    """Return the outcome a finished row holds, equal to the bit to what the first pass returned."""
    with boundary.store.reading() as connection:
        body = boundary.ledger.body(connection, row.outcome_entry)
    if row.state == "refused":
        reasons = tuple(Reason(**reason) for reason in body["reasons"])
        return Refused(decision=Refuse(step=body["step"], reasons=reasons))
    return returned(body)
