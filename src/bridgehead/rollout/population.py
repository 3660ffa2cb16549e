"""Every effect a run or a release had, from the ledger, and under which rules each would be taken back.

The population is every call that was begun, or is presumed to have been after a restore: done, adopted,
unclear, and those that came to nothing, so that none can be left out by its state.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, select

from bridgehead.declare.limit import limit
from bridgehead.declare.model import Charter
from bridgehead.enforce import equals
from bridgehead.enforce.boundary import Boundary
from bridgehead.enforce.rows import BEGUN
from bridgehead.kernel.canonical import digest
from bridgehead.kernel.errors import LedgerError
from bridgehead.rollout.plan import Compensation, Effect, Fate
from bridgehead.store import tables as t

_STANDS = ("claimed", "done", "unknown")

_EFFECTS = (
    select(t.crossing, t.run.c.release, t.run.c.workflow, t.run.c.bindings, t.run.c.subject, t.run.c.title)
    .join(t.run, t.run.c.id == t.crossing.c.run)
    .where(
        t.run.c.kind == "case",
        t.crossing.c.kind == "act",
        t.crossing.c.effect != "read",
        BEGUN,
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """An effect with what it takes to look at it and to take it back.

    ``ground`` is the release whose rules decide; ``arguments`` are those of the effect, ``inverse`` those of
    its compensation. ``answer`` is the entry whose body holds what the other system answered.
    """

    effect: Effect
    ground: Boundary
    title: str
    workflow: str
    bindings: Mapping[str, str]
    subject: str
    arguments: Mapping[str, Any]
    inverse: Mapping[str, Any]
    answer: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """The effects, and by record every effect that stands on it, of whomever, as (entry, name)."""

    known: Mapping[str, Known]
    later: Mapping[str, Sequence[tuple[int, str]]]

    def effects(self) -> Iterator[Effect]:
        """Yield the effects, as the plan wants them."""
        return (known.effect for known in self.known.values())


def population(
    connection: Connection, scope: str, target: str, active: Boundary, boundary_of: Callable[[str], Boundary]
) -> Population:
    """Return what a run (``scope`` run) or every run of a release did."""
    column = t.run.c.id if scope == "run" else t.run.c.release
    rows = connection.execute(_EFFECTS.where(column == target).order_by(t.crossing.c.intent_entry)).all()
    back = taken_back(connection)
    found = (_known(connection, row, active, boundary_of, back) for row in rows)
    return Population(
        known={known.effect.name: known for known in found}, later=_standing(connection, scope, target, back)
    )


def one(
    connection: Connection, run: str, position: str, active: Boundary, boundary_of: Callable[[str], Boundary]
) -> Known | None:
    """Return one effect; None where there is none of that name."""
    at = (t.crossing.c.run == run, t.crossing.c.position == position)
    row = connection.execute(_EFFECTS.where(*at)).first()
    return None if row is None else _known(connection, row, active, boundary_of, {})


def taken_back(connection: Connection, name: str = "") -> dict[str, str]:
    """Return by which run each effect, or the one of that name, was taken back, by name of the effect."""
    one = [t.crossing.c.undoes == name] if name else []
    rows = connection.execute(
        select(t.crossing.c.undoes, t.crossing.c.run).where(
            t.crossing.c.undoes != "", t.crossing.c.state == "done", *one
        )
    )
    return {row.undoes: row.run for row in rows}


def _standing(
    connection: Connection, scope: str, target: str, back: Mapping[str, str]
) -> dict[str, list[tuple[int, str]]]:
    ours = t.crossing.alias()
    column = t.run.c.id if scope == "run" else t.run.c.release
    records = (
        select(ours.c.record)
        .join(t.run, t.run.c.id == ours.c.run)
        .where(column == target, ours.c.record != "", ours.c.effect != "read")
    )
    rows = connection.execute(
        select(t.crossing.c.record, t.crossing.c.intent_entry, t.crossing.c.run, t.crossing.c.position).where(
            t.crossing.c.record.in_(records),
            t.crossing.c.effect != "read",
            t.crossing.c.undoes == "",
            t.crossing.c.state.in_(_STANDS),
        )
    )
    found: dict[str, list[tuple[int, str]]] = {}
    for row in rows:
        name = f"{row.run}/{row.position}"
        if name not in back:
            found.setdefault(row.record, []).append((row.intent_entry, name))
    return found


def _known(
    connection: Connection,
    row: Row[Any],
    active: Boundary,
    boundary_of: Callable[[str], Boundary],
    back: Mapping[str, str],
) -> Known:
    body = _body(connection, active, row.intent_entry)
    inverse = body.get("undo") or {}
    bindings = json.loads(row.bindings)
    ground = active
    if not holds_rules(active.charter, row.target, row.workflow, inverse, bindings):
        ground = boundary_of(row.release)
    name = f"{row.run}/{row.position}"
    effect = Effect(
        run=row.run,
        position=row.position,
        key=row.effect_key,
        target=row.target,
        fate=_fate(row),
        effect=row.effect,
        outward=bool(row.outward),
        record=row.record,
        amount=row.amount,
        currency=row.currency,
        entry=row.intent_entry,
        compensation=_compensation(ground.charter, inverse, row),
        taken_back=back.get(name, ""),
    )
    return Known(
        effect=effect,
        ground=ground,
        title=row.title,
        workflow=row.workflow,
        bindings=bindings,
        subject=row.subject,
        arguments=body.get("arguments", {}),
        inverse=inverse.get("arguments", {}),
        answer=row.outcome_entry,
    )


def _fate(row: Row[Any]) -> Fate:
    """Return what became of an effect: as its run was told, or as was learnt since (``crossing.settled``)."""
    if equals.unclear(row.state, row.settled):
        return "unclear"
    if row.state == "done" and row.settled == "gone":
        return "done"  # it happened, and does not show any more: the look at it says what to do
    return "done" if equals.happened(row.state, row.settled) else "none"


def holds_rules(
    charter: Charter, target: str, workflow: str, inverse: Mapping[str, Any], bindings: Mapping[str, str]
) -> bool:
    """Say whether a release can decide about taking an effect back: it declares what that needs."""
    actions = [target, *([inverse["action"]] if inverse else [])]
    if workflow not in charter.workflows or any(action not in charter.actions for action in actions):
        return False
    bound = {
        name for action in actions for name in charter.servers[charter.actions[action].server].bound.values()
    }
    return bound <= set(bindings)


def _compensation(charter: Charter, inverse: Mapping[str, Any], row: Row[Any]) -> Compensation | None:
    rule = charter.actions.get(inverse.get("action", ""))
    if rule is None:
        return None
    return Compensation(
        action=inverse["action"],
        arguments=digest(dict(inverse["arguments"])),
        effect=rule.effect,
        outward=rule.outward,
        above_limit=_above(charter, inverse["action"], row.amount, row.currency),
    )


def _above(charter: Charter, action: str, amount: str, currency: str) -> bool:
    limits = [limit(rule.when[action]) for rule in charter.approvals.values() if action in rule.when]
    return bool(amount) and any(one.currency != currency or Decimal(amount) > one.number for one in limits)


def _body(connection: Connection, boundary: Boundary, entry: int | None) -> dict[str, Any]:
    """Return what was recorded with the intent; nothing where it was erased since."""
    if entry is None:
        return {}
    try:
        found: dict[str, Any] = boundary.ledger.body(connection, entry)
    except LedgerError:
        return {}
    return found
