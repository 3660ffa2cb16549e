"""Somebody answers in another's place: for named approval rules, from one moment to another.

A delegation passes on nobody else's right, only the delegator's own; whoever may not decide cannot let a
delegate do it. Delegate and delegator are one human for a question.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from bridgehead.declare.model import Charter
from bridgehead.enforce.boundary import Boundary
from bridgehead.kernel.canonical import canonical_bytes
from bridgehead.kernel.clock import stamp
from bridgehead.kernel.entry import Draft, Written
from bridgehead.kernel.errors import ApprovalError
from bridgehead.kernel.ids import new_id
from bridgehead.kernel.principal import Principal
from bridgehead.record import Work
from bridgehead.store import tables as t


@dataclass(frozen=True, slots=True, kw_only=True)
class Delegation:
    """One delegation. Times are RFC 3339; ``ended_at`` is empty unless somebody ended it before its time."""

    id: str
    delegator: str
    delegate: str
    rules: tuple[str, ...]
    starts_at: str
    ends_at: str
    ended_at: str = ""
    ended_by: str = ""
    entry: int | None = None

    def state(self, now: str) -> str:
        """Return ``ended``, ``over``, ``in force`` or ``not begun``."""
        if self.ended_at:
            return "ended"
        if self.ends_at <= now:
            return "over"
        return "in force" if self.starts_at <= now else "not begun"


def give(
    boundary: Boundary,
    by: Principal,
    to: str,
    rules: Sequence[str],
    *,
    until: datetime,
    since: datetime | None = None,
    reason: str = "",
) -> Delegation:
    """Let ``to`` answer in ``by``'s place, under these approval rules, until a moment.

    Raises ``ApprovalError``: BH-APR-007 switched off, BH-APR-023 it cannot be given.
    """
    now = boundary.clock.now()
    starts = since or now
    _may_give(boundary.directory(), by, to, rules)
    if not starts < until or until <= now:
        raise _cannot("it would end before it begins", "Give an --until that lies ahead.")
    given = Delegation(
        id=new_id("dlg", boundary.clock),
        delegator=by.id,
        delegate=to,
        rules=tuple(sorted(set(rules))),
        starts_at=stamp(starts),
        ends_at=stamp(until),
    )

    def work(connection: Connection) -> Work:
        connection.execute(
            insert(t.delegation).values(
                id=given.id,
                delegator=given.delegator,
                delegate=given.delegate,
                scope=canonical_bytes(list(given.rules)).decode(),
                starts_at=given.starts_at,
                ends_at=given.ends_at,
            )
        )
        body = {"reason": reason, "assurance": by.assurance}
        draft = Draft(kind="delegation.given", actor=by.label(), fields=_fields(given), body=body)

        def then(connection: Connection, written: tuple[Written, ...]) -> None:
            place = t.delegation.c.id == given.id
            connection.execute(update(t.delegation).where(place).values(entry=written[0].index))

        return Work(drafts=(draft,), then=then)

    boundary.ledger.append(work)
    return given


def end(boundary: Boundary, id: str, by: Principal, reason: str = "") -> Delegation:
    """End a delegation before its time; answers given under it to open questions do not count any more.

    Whoever gave it may, whoever holds it, the owner and the deputy. Raises ``ApprovalError``: BH-APR-024
    there is none, it is over, or it is not theirs to end.
    """
    owner = boundary.directory().owner

    def work(connection: Connection) -> Work:
        row = connection.execute(
            select(t.delegation).where(t.delegation.c.id == id).with_for_update()
        ).first()
        now = stamp(boundary.clock.now())
        if row is None or row.ended_at is not None or row.ends_at <= now:
            raise _not_there(id, "there is no such delegation, or it is over already")
        if by.id not in (row.delegator, row.delegate, owner.person, owner.deputy):
            raise _not_there(id, f"{by.id} neither gave nor holds it, and does not answer for the deployment")
        connection.execute(
            update(t.delegation).where(t.delegation.c.id == id).values(ended_at=now, ended_by=by.id)
        )
        found = _delegation(row)
        fallen = _let_fall(connection, id)
        body = {"reason": reason, "assurance": by.assurance, "fallen": fallen}
        draft = Draft(kind="delegation.ended", actor=by.label(), fields=_fields(found), body=body)
        return Work(drafts=(draft,))

    boundary.ledger.append(work)
    with boundary.store.reading() as connection:
        return _delegation(connection.execute(select(t.delegation).where(t.delegation.c.id == id)).one())


def listed(connection: Connection) -> tuple[Delegation, ...]:
    """Return every delegation, the latest first."""
    found = connection.execute(
        select(t.delegation).order_by(t.delegation.c.starts_at.desc(), t.delegation.c.id)
    )
    return tuple(_delegation(row) for row in found)


def held_by(
    connection: Connection, delegate: str, rules: Collection[str], now: str
) -> tuple[Delegation, ...]:
    """Return the delegations somebody holds now that cover all of these rules, oldest first."""
    found = connection.execute(
        select(t.delegation)
        .where(
            t.delegation.c.delegate == delegate,
            t.delegation.c.starts_at <= now,
            t.delegation.c.ends_at > now,
            t.delegation.c.ended_at.is_(None),
        )
        .order_by(t.delegation.c.id)
    )
    every = (_delegation(row) for row in found)
    return tuple(each for each in every if set(rules) <= set(each.rules))


def _let_fall(connection: Connection, id: str) -> list[str]:
    """Take the answers given under a delegation out of the questions that are open; return which."""
    still_open = select(t.approval.c.id).where(t.approval.c.state == "open")
    theirs = (t.vote.c.delegation == id, t.vote.c.approval.in_(still_open))
    fallen = connection.execute(select(t.vote.c.approval).where(*theirs)).scalars().all()
    connection.execute(t.vote.delete().where(*theirs))
    return sorted(fallen)


def _may_give(charter: Charter, by: Principal, to: str, rules: Sequence[str]) -> None:
    giver, taker = charter.people.get(by.id), charter.people.get(to)
    if giver is None or not giver.active or by.kind != "human":
        raise ApprovalError("BH-APR-007", f"{by.id} does not take part in this deployment any more")
    if taker is None or not taker.active or to == by.id:
        raise _cannot(f"{to} is not another person who takes part", "Name somebody else under `people`.")
    if not rules:
        raise _cannot("it names no approval rule", "Name the rules it is for with --scope.")
    for name in rules:
        rule = charter.approvals.get(name)
        asked = {group for group, _ in rule.needs} if rule else set()
        if not asked & set(giver.groups):
            mine = sorted(
                each
                for each, other in charter.approvals.items()
                if {group for group, _ in other.needs} & set(giver.groups)
            )
            raise _cannot(
                f"{by.id} is not asked under {name!r}, and nobody passes on another's right",
                f"Choose from: {', '.join(mine) or 'none'}.",
            )


def _cannot(what: str, fix: str) -> ApprovalError:
    return ApprovalError("BH-APR-023", f"the delegation cannot be given: {what}", fix=fix)


def _not_there(id: str, why: str) -> ApprovalError:
    return ApprovalError(
        "BH-APR-024",
        f"the delegation {id} cannot be ended: {why}",
        fix="`bridgehead delegate --list` shows them.",
    )


def _fields(given: Delegation) -> dict[str, Any]:
    return {
        "delegation": {
            "id": given.id,
            "delegate": given.delegate,
            "rules": list(given.rules),
            "starts_at": given.starts_at,
            "ends_at": given.ends_at,
        }
    }


def _delegation(row: Row[Any]) -> Delegation:
    return Delegation(
        id=row.id,
        delegator=row.delegator,
        delegate=row.delegate,
        rules=tuple(json.loads(row.scope)),
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        ended_at=row.ended_at or "",
        ended_by=row.ended_by,
        entry=row.entry,
    )
