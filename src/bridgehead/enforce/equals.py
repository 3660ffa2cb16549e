"""Effects that a probe cannot tell apart: the same action with the same arguments, in the same place.

Called while an effect is settled or looked at again. Never: asks another system.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select

from bridgehead.declare.model import ActionRule, Probe
from bridgehead.enforce.boundary import Boundary, Crossing
from bridgehead.enforce.found import Equals
from bridgehead.enforce.windows import ready_at
from bridgehead.kernel.clock import unstamp
from bridgehead.record.entries import envelope_of
from bridgehead.store import tables as t

_later = t.crossing.alias("later")
_back = select(_later.c.run).where(
    _later.c.undoes == t.crossing.c.run + "/" + t.crossing.c.position,
    _later.c.undoes != "",
    _later.c.state.in_(("claimed", "unknown", "done")),
)
_EFFECTS = (
    select(
        t.crossing.c.run,
        t.crossing.c.position,
        t.crossing.c.state,
        t.crossing.c.settled,
        t.crossing.c.intent_entry,
        t.crossing.c.undoes,
        t.crossing.c.called_at,
        t.run.c.bindings,
        _back.exists().label("taken_back"),
    )
    .join(t.run, t.run.c.id == t.crossing.c.run)
    .where(t.crossing.c.effect != "read")
)
Known = frozenset[tuple[str, str]]
"""Effects by run and position."""
HAPPENED = ("happened", "zombie")
NOT_HAPPENED = ("gone", "did-not")


def known(connection: Connection, boundary: Boundary, crossing: Crossing, rule: ActionRule) -> Known:
    """Return the equal effects that are known to have happened: looked at before the probe is made."""
    return frozenset(
        (row.run, row.position) for row in _equal(connection, boundary, crossing, rule) if _stands(row)
    )


def others(
    connection: Connection,
    boundary: Boundary,
    crossing: Crossing,
    rule: ActionRule,
    before: Known,
    unseen: str = "",
) -> Equals:
    """Return how many equal effects there are beside this one, done and unclear.

    ``before`` are those that had happened before the probe was made. One that was done since may be in its
    answer or not; one that was taken back may show over there or not (a cancelled order goes, a credited one
    stays): both count as unclear. ``unseen`` is when the other system was seen to hold none of them
    (``unseen.since``): those it must have applied by then are hidden, and not counted.
    """
    equal = [row for row in _equal(connection, boundary, crossing, rule) if not _hidden(row, rule, unseen)]
    done = sum(_stands(row) and (row.run, row.position) in before for row in equal)
    maybe = sum(happened(row.state, row.settled) or unclear(row.state, row.settled) for row in equal)
    return Equals(done=done, unclear=maybe - done)


def _stands(row: Any) -> bool:
    return happened(row.state, row.settled) and not row.taken_back


def _equal(connection: Connection, boundary: Boundary, crossing: Crossing, rule: ActionRule) -> list[Any]:
    if rule.probe is None or asks_for_key(rule.probe):
        return []
    here = _place(boundary, rule, crossing.run.bindings)
    return [
        row
        for row in (*_as_asked(connection, crossing), *_as_edited(connection, crossing))
        if (row.run, row.position) != (crossing.run.id, crossing.position)
        and _place(boundary, rule, _bindings(connection, row)) == here
    ]


def _hidden(row: Any, rule: ActionRule, unseen: str) -> bool:
    if not unseen or not row.called_at or not happened(row.state, row.settled):
        return False
    return ready_at(rule, row.called_at) <= unstamp(unseen)


def _as_asked(connection: Connection, crossing: Crossing) -> Sequence[Any]:
    same = t.crossing.c.action_digest == crossing.action_digest
    return connection.execute(_EFFECTS.where(same, t.crossing.c.edit_entry.is_(None))).all()


def _as_edited(connection: Connection, crossing: Crossing) -> list[Any]:
    """Return effects that became equal to this one: a person changed the arguments before they were sent."""
    same = t.crossing.c.target == crossing.action.target
    rows = connection.execute(_EFFECTS.where(same, t.crossing.c.edit_entry.is_not(None))).all()
    return [row for row in rows if _sent(connection, row) == crossing.arguments_digest]


def _sent(connection: Connection, row: Any) -> str:
    """Return the digest of the arguments an effect was sent with; empty while it was not."""
    if row.intent_entry is None:
        return ""
    return str(envelope_of(connection, row.intent_entry).get("action", {}).get("args", ""))


def happened(state: str, settled: str) -> bool:
    """Say whether an effect is known to have happened, whatever its run was told then."""
    return settled in HAPPENED or (state == "done" and settled not in NOT_HAPPENED)


def unclear(state: str, settled: str) -> bool:
    """Say whether nobody knows if an effect happened."""
    return settled == "left" or state in ("claimed", "unknown")


def asks_for_key(probe: Probe) -> bool:
    """Say whether a probe names our key, and so sees this one effect alone."""
    return "key" in probe.arguments.values()


def _bindings(connection: Connection, row: Any) -> dict[str, str]:
    """Return the bindings an effect was made with; what takes one back is made where that one was, and its
    own run, the undo's, has none."""
    found = row.bindings
    if row.undoes:
        made = select(t.run.c.bindings).where(t.run.c.id == row.undoes.partition("/")[0])
        found = connection.execute(made).scalar() or found
    bindings: dict[str, str] = json.loads(found)
    return bindings


def _place(boundary: Boundary, rule: ActionRule, bindings: Mapping[str, str]) -> list[str]:
    """Return what the deployment binds for this action's server: the place an effect happens in."""
    bound = boundary.charter.servers[rule.server].bound
    return [bindings.get(name, "") for name in sorted(bound.values())]
