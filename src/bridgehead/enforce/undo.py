"""The inverse of an effect, known before it happens: its outcome may never be heard."""

from __future__ import annotations

from typing import Any

from bridgehead.enforce import arguments
from bridgehead.enforce.boundary import Boundary, Crossing
from bridgehead.enforce.evidence import Evidence
from bridgehead.kernel.decision import Reason, Refuse

STEP = 7


def inverse(boundary: Boundary, crossing: Crossing, evidence: Evidence) -> dict[str, Any] | Refuse | None:
    """Return the action that takes this one back and its arguments, or None where there is none.

    A ``write`` whose inverse cannot be computed is refused: it could not be taken back as declared.
    """
    rule = crossing.rule(boundary)
    if rule is None or rule.undo is None or crossing.undoes is not None:
        return None  # what takes something back is not taken back again
    values = {
        name: arguments.follow(
            path, arguments=crossing.action.arguments, before=evidence.reads, facts=evidence.facts
        )
        for name, path in rule.undo_arguments.items()
    }
    missing = [name for name, value in values.items() if value is None]
    if missing:
        words = f"It could not be taken back: {', '.join(missing)} of {rule.undo} is not known."
        source = boundary.where("actions", crossing.action.target, "undo_arguments")
        return Refuse(step=STEP, reasons=(Reason(rule="undo.unknown", words=words, source=source),))
    return {"action": rule.undo, "arguments": values}
