"""Ask the other system what it shows of an effect now: as it was left, changed since, or not there.

Every look is a read through ``perform``. What reads it is the effect's probe; where there is none, the first
fact read before it. Where the system answered the effect with the record itself, every field of that answer
is compared with what is there now.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bridgehead.declare.model import ActionRule
from bridgehead.enforce import arguments, probe
from bridgehead.enforce.boundary import Boundary, Crossing, RunState
from bridgehead.kernel.action import Action
from bridgehead.kernel.errors import LedgerError
from bridgehead.kernel.outcome import Done, Failed
from bridgehead.rollout.plan import Seen
from bridgehead.rollout.population import Known
from bridgehead.run.journal import cross


async def look(run: RunState, known: Known, position: str, *, evidence_of: str = "") -> Seen:
    """Return what the other system shows of an effect. Raises ``Park`` while the deployment is stopped."""
    boundary, effect = known.ground, known.effect
    rule = boundary.charter.actions.get(effect.target)
    asked = _question(rule, known) if rule is not None else None
    if rule is None or asked is None:
        return Seen(sight="unasked")
    answer = await cross(
        boundary,
        Crossing(
            run=as_in(run, known),
            position=position,
            action=_action(boundary, *asked, purpose=f"to see what {effect.target} left"),
            evidence_of=evidence_of,
        ),
    )
    if not isinstance(answer, Done):
        return Seen(sight="unreadable", silent=isinstance(answer, Failed))
    if rule.probe is not None:
        landed = probe.landed(boundary, rule.probe, known.arguments, answer.value).landed
        if landed is None:
            return Seen(sight="unreadable")
        if not landed:
            return Seen(sight="gone" if effect.fate == "none" else "changed")
    return _compared(_left(boundary, known), answer.value, probed=rule.probe is not None)


def as_in(run: RunState, known: Known) -> RunState:
    """Return an undo's run with the bindings and the subject of the run whose effect it concerns."""
    return replace(run, workflow=known.workflow, bindings=known.bindings, subject=known.subject)


def _question(rule: ActionRule, known: Known) -> tuple[str, dict[str, Any]] | None:
    """Return the read that shows the record, and its arguments; None where nothing is declared."""
    if rule.probe is not None:
        return rule.probe.action, probe.arguments_of(rule, rule.probe, known.effect.key, known.arguments)
    for read in rule.facts.reads.values() if rule.facts else ():
        if not read.for_each and all(path.startswith("arguments.") for path in read.arguments.values()):
            values = {
                name: arguments.follow(path, arguments=known.arguments)
                for name, path in read.arguments.items()
            }
            return read.action, values
    return None


def _action(boundary: Boundary, target: str, values: dict[str, Any], *, purpose: str) -> Action:
    rule = boundary.charter.actions[target]
    return Action(
        kind="act",
        target=target,
        arguments=values,
        effect=rule.effect,
        outward=rule.outward,
        purpose=purpose,
    )


def _left(boundary: Boundary, known: Known) -> Any:
    """Return what the other system answered when the effect was made; None where that is not kept."""
    if known.answer is None:
        return None
    try:
        with boundary.store.reading() as connection:
            return boundary.ledger.body(connection, known.answer).get("value")
    except LedgerError:
        return None


def _compared(left: Any, now: Any, *, probed: bool) -> Seen:
    """Compare the record as the effect left it with what is there now, field by field."""
    if isinstance(left, Mapping) and isinstance(now, Mapping) and left and set(left) <= set(now):
        differ = tuple(sorted(str(name) for name in left if left[name] != now[name]))
        return Seen(sight="changed", fields=differ) if differ else Seen(sight="there")
    return Seen(sight="there" if probed else "unasked")
