"""An outcome as the journal keeps it: the state of its row, its body, and the way back from both.

What the first pass returns and what every replay reads are equal to the bit. Never: writes.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from bridgehead.enforce.boundary import Boundary
from bridgehead.kernel.canonical import Encoded, decoded
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


def body_of(outcome: Done | Failed) -> Encoded:
    """Return the body of an outcome's entry, encoded once: to be sealed, and to be given back as kept."""
    what: dict[str, Any]
    if isinstance(outcome, Done):
        what = {"value": outcome.value}
        if outcome.labels:
            what["labels"] = {
                column: {key: list(named) for key, named in label.items()}
                for column, label in outcome.labels.items()
            }
    else:
        what = {"fault": asdict(outcome.fault)}
        if outcome.private:
            what["private"] = outcome.private
    return Encoded.of({**what, "usage": asdict(outcome.usage)})


def returned(body: Encoded) -> Outcome:
    """Return an outcome from its recorded form: the first pass sees what every replay will see."""
    # Through the bytes: they sort keys, so that a value also *iterates* the same way ever after.
    return _read(decoded(body.data))


def recorded(boundary: Boundary, row: Row) -> Outcome:
    """Return the outcome a finished row holds, equal to the bit to what the first pass returned."""
    body = boundary.store.look(lambda connection: boundary.ledger.body(connection, row.outcome_entry))
    if row.state == "refused":
        reasons = tuple(Reason(**reason) for reason in body["reasons"])
        return Refused(decision=Refuse(step=body["step"], reasons=reasons))
    return _read(body)


def _read(body: dict[str, Any]) -> Outcome:
    if "fault" in body:
        return Failed(fault=Fault(**body["fault"]), usage=Usage(**body.get("usage", {})))
    labels = {
        column: {key: tuple(named) for key, named in label.items()}
        for column, label in body.get("labels", {}).items()
    }
    return Done(value=body["value"], usage=Usage(**body["usage"]), labels=labels)
