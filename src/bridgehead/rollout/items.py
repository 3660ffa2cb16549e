"""The rows of an undo: its plan as items, and what became of each. Every change is an entry, too."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from bridgehead.declare.model import Charter
from bridgehead.enforce.boundary import Boundary
from bridgehead.enforce.stop import wake
from bridgehead.kernel.clock import stamp
from bridgehead.kernel.entry import Draft, Written
from bridgehead.kernel.undoing import TAKEN_BACK
from bridgehead.record import Work
from bridgehead.rollout.plan import Item, Plan
from bridgehead.store import tables as t

REMAINDER_DUE = timedelta(hours=72)
"""Until when a person has seen to what could not be taken back."""
OPEN = ("planned", "waiting")


def of_run(connection: Connection, run: str) -> Row[Any] | None:
    """Return the undo that a run carries, if it carries one."""
    return connection.execute(select(t.undo).where(t.undo.c.run == run)).first()


def of_saga(connection: Connection, saga: str) -> list[Row[Any]]:
    """Return the items a run takes back, the last effect first."""
    rows = connection.execute(
        select(t.undo_item).where(t.undo_item.c.saga == saga).order_by(t.undo_item.c.number)
    )
    return list(rows)


def saga_id(undo: str, run: str) -> str:
    """Return the id of the run that takes back what a run did: the same for the same undo."""
    return f"run_{hashlib.sha256(f'{undo} takes back {run}'.encode()).hexdigest()[:26]}"


def answers_for(charter: Charter, maker: str) -> str:
    """Return who sees to what is left: the owner, or the deputy where the owner made the release."""
    return charter.owner.deputy if charter.owner.person == maker else charter.owner.person


def write_plan(
    boundary: Boundary,
    undo: Row[Any],
    plan: Plan,
    state: str,
    person: str,
    sights: dict[str, int],
    only_there: list[str],
) -> Any:
    """Return the work that stores a plan and moves the undo on to ``state``."""
    now = boundary.clock.now()

    def work(connection: Connection) -> Work:
        rows = [_row(undo.id, item, person, now) for item in plan.items]
        if rows:
            connection.execute(insert(t.undo_item), rows)
        connection.execute(
            update(t.undo).where(t.undo.c.id == undo.id).values(state=state, plan_digest=plan.digest())
        )
        planned = Draft(
            kind="undo.planned",
            actor="service:undo",
            run=undo.run,
            fields={"undo": _about(undo) | {"plan": plan.digest(), "effects": len(plan.items)}},
            body={
                "plan": plan.as_value(),
                "counts": dict(plan.counts()),
                "sights": sights,
                "only_there": only_there,
            },
        )

        def then(connection: Connection, written: tuple[Written, ...]) -> None:
            connection.execute(
                update(t.undo).where(t.undo.c.id == undo.id).values(plan_entry=written[0].index)
            )

        return Work(drafts=(planned,), then=then)

    return work


def move(undo: Row[Any], state: str) -> Any:
    """Return the work that moves an undo on."""

    def work(connection: Connection) -> Work:
        values: dict[str, Any] = {"state": state}
        connection.execute(update(t.undo).where(t.undo.c.id == undo.id).values(**values))
        draft = Draft(
            kind="undo.ended" if state == "refused" else "run.noted",
            actor="service:undo",
            run=undo.run,
            fields={"undo": _about(undo) | {"state": state}},
        )
        return Work(drafts=(draft,))

    return work


def end(boundary: Boundary, undo: Row[Any], item: Row[Any], state: str, why: str) -> Any:
    """Return the work that says what became of an item, and wakes whoever waited for it."""

    def work(connection: Connection) -> Work:
        of_item = (t.undo_item.c.undo == undo.id, t.undo_item.c.number == item.number)
        values = {"state": state, **({"why": why} if why else {})}
        changed = connection.execute(
            update(t.undo_item).where(*of_item, t.undo_item.c.state.in_(OPEN)).values(**values)
        )
        if changed.rowcount != 1:
            return Work()
        if state not in OPEN:
            wake(connection, _waiting_for(connection, undo, item.number), stamp(boundary.clock.now()))
        about = {"id": undo.id, "effect": f"{item.run}/{item.position}", "state": state, "group": item.group}
        draft = Draft(
            kind="undo.ended",
            actor="service:undo",
            run=item.saga,
            fields={"undo": about, "position": str(item.number)},
            body={"why": why or item.why},
        )
        return Work(drafts=(draft,))

    return work


def _waiting_for(connection: Connection, undo: Row[Any], number: int) -> list[str]:
    """Return the runs that an item's end wakes: those that come after it, and at the end the undo's own."""
    after = connection.execute(
        select(t.undo_item.c.saga).where(
            t.undo_item.c.undo == undo.id, t.undo_item.c.after == number, t.undo_item.c.state.in_(OPEN)
        )
    )
    woken = [row.saga for row in after if row.saga]
    return woken if left(connection, undo.id) else [*woken, undo.run]


def left(connection: Connection, undo: str) -> int:
    """Return how many items of an undo are still to be taken back."""
    return int(
        connection.execute(
            select(func.count()).where(
                t.undo_item.c.undo == undo,
                t.undo_item.c.group.in_(TAKEN_BACK),
                t.undo_item.c.state.in_(OPEN),
            )
        ).scalar_one()
    )


def _row(undo: str, item: Item, person: str, now: datetime) -> dict[str, Any]:
    effect = item.effect
    return {
        "undo": undo,
        "number": item.number,
        "run": effect.run,
        "position": effect.position,
        "effect_key": effect.key,
        "target": effect.target,
        "group": item.group,
        "why": f"{item.why} {item.remedy}".strip(),
        "after": item.after,
        "compensation": effect.compensation.action if effect.compensation else "",
        "amount": effect.amount,
        "currency": effect.currency,
        "saga": saga_id(undo, effect.run) if item.group in TAKEN_BACK else "",
        "person": "" if item.group == "nothing" else person,
        "due_at": "" if item.group == "nothing" else stamp(now + REMAINDER_DUE),
    }


def _about(undo: Row[Any]) -> dict[str, Any]:
    return {"id": undo.id, "scope": undo.scope, "target": undo.target}
