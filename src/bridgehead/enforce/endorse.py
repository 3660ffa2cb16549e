"""Step 2: what stands behind each argument? The journal says what the run has seen; ``provenance`` judges.

In: a crossing. Out: every value that needs an origin, with the one it has. What has none becomes
``unendorsed`` in the policy's context: people are asked, or it is refused. Never: decides.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, bindparam, or_, select

from bridgehead.declare.labels import Returns
from bridgehead.enforce import arguments
from bridgehead.enforce.boundary import Boundary, Crossing
from bridgehead.enforce.provenance import erased
from bridgehead.enforce.provenance.judge import judge
from bridgehead.enforce.provenance.leaves import Seen
from bridgehead.enforce.provenance.leaving import free_text, places
from bridgehead.enforce.provenance.origins import Answered, Origin, Origins
from bridgehead.enforce.provenance.values import Value
from bridgehead.enforce.provenance.words import Words
from bridgehead.kernel.decision import Reason
from bridgehead.kernel.errors import LedgerError
from bridgehead.store import tables as t
from bridgehead.store.statement import Statement

_SEEN = Statement(
    select(
        t.crossing.c.kind,
        t.crossing.c.target,
        t.crossing.c.position,
        t.crossing.c.intent_entry,
        t.crossing.c.outcome_entry,
    )
    .where(
        t.crossing.c.run == bindparam("of_run"),
        t.crossing.c.state == "done",
        t.crossing.c.outcome_entry.is_not(None),
        # What the house reads to decide or to settle, the run has not seen.
        t.crossing.c.position.not_like("%.b%"),
        t.crossing.c.position.not_like("%.p%"),
        or_(t.crossing.c.kind == "act", t.crossing.c.kind == "query", t.crossing.c.kind == "retrieve"),
    )
    .order_by(t.crossing.c.outcome_entry)
)
_INPUT = Statement(select(t.run.c.input_entry).where(t.run.c.id == bindparam("of_run")))
_ANSWERED = Statement(
    select(t.approval.c.opened_entry, t.approval.c.state, t.approval.c.rules)
    .where(
        t.approval.c.run == bindparam("of_run"),
        t.approval.c.position != bindparam("position"),
        # A yes somebody wanted back, or one person's in an emergency, is for that action and no other.
        t.approval.c.late_revocation.is_(None),
        t.approval.c.kind == "question",
        or_(*(t.approval.c.state == state for state in ("approved", "used", "refused", "expired"))),
    )
    .order_by(t.approval.c.opened_entry)
)


ERASED = "(erased)"
"""Stands for an answer whose body was erased: it endorses nothing, and the run has read it all the same."""


def traced(boundary: Boundary, crossing: Crossing) -> tuple[Value, ...]:
    """Return every value of a crossing that needs an origin. Empty where the charter enforces none.

    Reads that only inform a decision carry the values of the action they inform, and an undo does what
    people agreed to in its plan.
    """
    rule = crossing.rule(boundary)
    if boundary.charter.provenance == "off" or rule is None:
        return ()
    if crossing.evidence_of or crossing.settles or crossing.run.kind == "undo":
        return ()
    if rule.effect == "read" and not rule.outward:
        return ()
    origins = boundary.store.look(lambda connection: _origins(connection, boundary, crossing))
    return judge(rule, crossing.action.arguments, origins, boundary.charter.readers)


def approval_rule(boundary: Boundary, target: str) -> str:
    """Return the approval rule asked about unendorsed values of an action; empty: they are refused."""
    rule = boundary.charter.actions[target]
    return rule.unendorsed or boundary.charter.unendorsed or ""


def shown(value: Value) -> str:
    """Return where a value came from, as people read it."""
    if value.seen is None:
        return value.why
    place = f"{value.seen.source} at {value.seen.position}"
    return f"{value.why} ({place})" if value.seen.position else value.why


def asked(boundary: Boundary, crossing: Crossing, values: tuple[Value, ...]) -> list[dict[str, Any]]:
    """Return what a yes to a question endorses for the rest of the run: these values as these arguments."""
    rule = boundary.charter.actions[crossing.action.target]
    leaving = free_text(rule)
    to = places(rule, crossing.action.arguments)
    return [
        {
            "action": crossing.action.target,
            "argument": value.argument,
            "value": value.value,
            "to": to if value.argument in leaving else None,
        }
        for value in values
        if not value.endorsed
    ]


def denied(boundary: Boundary, crossing: Crossing, values: tuple[Value, ...]) -> bool:
    """Say whether people have said no to the same in this run. Silence is a no."""
    wanted = [(value.argument, value.value) for value in values if not value.endorsed]
    if not wanted:
        return False
    origins = boundary.store.look(lambda connection: _origins(connection, boundary, crossing))
    return origins.denied(crossing.action.target, wanted)


def reasons(boundary: Boundary, crossing: Crossing, values: tuple[Value, ...]) -> tuple[Reason, ...]:
    """Return in words what nothing stands behind, each with its place in the charter."""
    return tuple(
        boundary.reason(
            f"unendorsed.{value.argument}",
            f"{value.path or value.argument} is {_short(value.value)}: {shown(value)}.",
            "actions",
            crossing.action.target,
        )
        for value in values
        if not value.endorsed
    )


def recorded(values: tuple[Value, ...]) -> list[dict[str, Any]]:
    """Return the derivation edges of an action, for the ledger: argument -> origin, position, path."""
    return [
        {"argument": value.path or value.argument, **_edge(value.origin)}
        if value.origin
        else {"argument": value.path or value.argument, "integrity": "unendorsed", "why": value.why}
        for value in values
    ]


def _edge(origin: Origin) -> dict[str, str]:
    edge = {"integrity": origin.integrity, "source": origin.source}
    return edge | ({"position": origin.position, "path": origin.path} if origin.position else {})


def _short(value: Any) -> str:
    text = str(value)
    return repr(text if len(text) <= 80 else text[:77] + "...")


def _origins(connection: Connection, boundary: Boundary, crossing: Crossing) -> Origins:
    rule = approval_rule(boundary, crossing.action.target)
    agreed: list[Answered] = []
    denied: list[list[Answered]] = []
    for row in _ANSWERED.all(connection, of_run=crossing.run.id, position=crossing.position):
        told = _body(connection, boundary, row.opened_entry).get("endorses", ())
        values = [Answered(**value) for value in told]
        if row.state in ("refused", "expired"):
            denied.append(values)
        elif rule and rule in json.loads(row.rules):  # no yes of people whom this action does not ask
            agreed += values
    seen = list(_seen(connection, boundary, crossing))
    return Origins(Words(_words(connection, boundary, crossing)), seen, agreed, denied)


def _words(connection: Connection, boundary: Boundary, crossing: Crossing) -> list[str]:
    row = _INPUT.one(connection, of_run=crossing.run.id)
    given = _body(connection, boundary, row.input_entry).get("input", {})
    declared = boundary.charter.workflows[crossing.run.workflow].words
    return [text for path in declared for text in _texts(arguments.follow(f"input.{path}", input=given))]


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)


def _seen(connection: Connection, boundary: Boundary, crossing: Crossing) -> Iterator[Seen]:
    for row in _SEEN.all(connection, of_run=crossing.run.id):
        body = _body(connection, boundary, row.outcome_entry)
        if "fault" in body:
            continue
        intent = _body(connection, boundary, row.intent_entry)
        rule = boundary.charter.actions.get(row.target) if row.kind == "act" else None
        returns = rule.returns if rule else _found(body) if row.kind == "retrieve" else None
        if returns is not None and f"{crossing.run.id}/{row.position}" in boundary.distrusted:
            returns = returns.distrusted()
        yield Seen(
            kind=row.kind,
            target=row.target,
            position=row.position,
            value=body.get("value", ERASED),
            returns=returns,
            arguments=intent.get("arguments", {}),
            tags=_column_tags(boundary, row.target, body) if row.kind == "query" else {},
            knows=_knows(boundary, row, intent, body),
            free=_written(boundary, rule.server) if rule else frozenset(),
        )


def _knows(boundary: Boundary, row: Any, intent: dict[str, Any], body: dict[str, Any]) -> frozenset[str]:
    """Return the tags of whatever was asked for; where a body was erased, every one it may have had."""
    told = frozenset(intent.get("entitled", {}).get("tags", ()))
    return told if intent and body else told | erased.tags(boundary.charter, row.kind, row.target)


def _found(body: dict[str, Any]) -> Returns:
    """Return what passages are worth: anybody may have written them, and they carry their documents' tags."""
    tags = {tag for label in body.get("labels", {}).values() for tag in label.get("tags", ())}
    return Returns(tags={"passages": sorted(tags)} if tags else {})


def _column_tags(boundary: Boundary, target: str, body: dict[str, Any]) -> dict[str, frozenset[str]]:
    """Return the tags of an answer's columns; where nothing tells them apart, the source's for all of it."""
    source = boundary.charter.sources.get(target.partition(".")[0])
    every = frozenset(source.tags) if source else frozenset()
    labels = body.get("labels", {})
    columns = {name: frozenset(label.get("tags", ())) | every for name, label in labels.items()}
    rows = body.get("value")
    names = {name for row in rows for name in row} if isinstance(rows, list) else set()
    return columns | dict.fromkeys(names - set(columns), every)


def _written(boundary: Boundary, server: str) -> frozenset[str]:
    """Return the names under which agents write free text into a system."""
    return frozenset(
        name
        for rule in boundary.charter.actions.values()
        if rule.server == server and rule.effect != "read"
        for name in free_text(rule)
    )


def _body(connection: Connection, boundary: Boundary, entry: int) -> dict[str, Any]:
    """Return a body, or nothing where it was erased: what cannot be read endorses nothing."""
    try:
        body: dict[str, Any] = boundary.ledger.body(connection, entry)
    except LedgerError:
        return {}
    return body
