"""Somebody who is asked changes what is asked, where the charter lets them; others decide about that.

The question is superseded, the run wakes, and at its next segment people are asked about the changed
action. The journal goes on binding to what the workflow asks for (``Crossing.asked_digest``), so replay
stays the same to the bit; approval, intent, key and inverse follow from what would happen. Both are
on record: the original in ``approval.opened``, the change in ``approval.edited``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from jsonschema import Draft202012Validator
from sqlalchemy import Connection, Row, select, update

from bridgehead.enforce import rows
from bridgehead.enforce.boundary import Boundary, Crossing, Edit
from bridgehead.enforce.close import both, close, entry, locked, pointed
from bridgehead.enforce.reason import given
from bridgehead.enforce.vote import Standing, closed, may_answer
from bridgehead.kernel.canonical import encoded_bytes
from bridgehead.kernel.entry import Written
from bridgehead.kernel.errors import ApprovalError
from bridgehead.kernel.principal import Principal
from bridgehead.record import Work
from bridgehead.store import tables as t


def propose(
    boundary: Boundary, approval: str, person: Principal, changes: Mapping[str, Any], digest: str, reason: str
) -> Standing:
    """Put other arguments in the place of those that are asked about. Whoever does it does not decide.

    Raises ``ApprovalError`` as ``vote`` does, and BH-APR-027 no reason, 028 an argument that may not
    be changed, 029 a value that does not fit, or nothing changes.
    """
    why = given(reason)
    with boundary.store.reading() as connection:
        found = connection.execute(t.approval.select().where(t.approval.c.id == approval)).first()
        opened = boundary.ledger.body(connection, found.opened_entry) if found is not None else {}
    before = dict(opened["question"]["arguments"]) if found is not None else {}

    def work(connection: Connection) -> Work:
        row = locked(connection, approval)
        right = may_answer(connection, boundary, row, person, digest)
        fitting(row, before, changes)
        body = {
            "asked": before,
            "arguments": before | dict(changes),
            "by": person.id,
            "in_place_of": [right.on_behalf_of] if right.delegation else [],
            "question": row.id,
            "rules": json.loads(row.rules),
            "reason": why,
            "assurance": person.assurance,
        }
        edited = entry("approval.edited", row, {}, body, f"human:{person.id}")
        done = close(connection, boundary, row, "superseded", why, f"human:{person.id}")
        standing = Standing(approval=approval, state="superseded", still_needed=0)
        then = both(_point(row), pointed(approval, "closed_entry", 1))
        return Work(drafts=(edited, done), value=standing, then=then)

    standing: Standing = boundary.ledger.append(work).value
    return standing


def applied(boundary: Boundary, crossing: Crossing, row: Row[Any]) -> Crossing:
    """Return the crossing as a person has changed it, with what the workflow asks for beside it."""
    with boundary.store.reading() as connection:
        body = boundary.ledger.body(connection, row.edit_entry)
        leaf = connection.execute(select(t.entry.c.leaf).where(t.entry.c.idx == row.edit_entry)).scalar_one()
    edit = Edit(
        asked=crossing.action,
        by=body["by"],
        in_place_of=tuple(body["in_place_of"]),
        question=body["question"],
        rules=tuple(body["rules"]),
        leaf=leaf.hex(),
        entry=row.edit_entry,
    )
    return replace(crossing, action=replace(crossing.action, arguments=body["arguments"]), edit=edit)


def fitting(row: Row[Any], before: Mapping[str, Any], changes: Mapping[str, Any]) -> None:
    """Raise ``ApprovalError`` (BH-APR-028, 029) unless these arguments may be changed, and to this."""
    editable: dict[str, Any] = json.loads(row.terms).get("editable", {})
    for name, value in changes.items():
        if name not in editable:
            raise ApprovalError(
                "BH-APR-028",
                f"{name} may not be changed here",
                fix=f"These may: {', '.join(sorted(editable)) or 'none; the charter names no `editable`'}.",
            )
        if not _countable(value):
            raise ApprovalError("BH-APR-029", f"{name} does not fit: {value!r} is not a number to act on")
        for error in Draft202012Validator(editable[name]).iter_errors(value):
            raise ApprovalError("BH-APR-029", f"{name} does not fit: {error.message}")
    if encoded_bytes(dict(before)) == encoded_bytes(dict(before) | dict(changes)):
        raise ApprovalError("BH-APR-029", "nothing is changed", fix="Answer the question as it is.")


def _countable(value: Any) -> bool:
    """Say whether every number in a value is one that can be recorded and counted with."""
    match value:
        case bool():
            return True
        case int():
            return abs(value) < 2**63
        case float():
            return math.isfinite(value) and abs(value) < 2**63
        case Mapping():
            return all(_countable(each) for each in value.values())
        case list() | tuple():
            return all(_countable(each) for each in value)
    return True


def _point(row: Row[Any]) -> Any:
    def then(connection: Connection, written: tuple[Written, ...]) -> None:
        moved = connection.execute(
            update(t.crossing)
            .where(
                *rows.at(row.run, row.position),
                t.crossing.c.approval == row.id,
                t.crossing.c.state == "asked",
            )
            .values(edit_entry=written[0].index)
        )
        if moved.rowcount != 1:  # its run was ended meanwhile
            raise closed()

    return then
