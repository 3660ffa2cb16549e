"""An unclear effect as a person is shown it, exactly. Its digest is what their answer binds to.

In: a connection, a boundary, a place. Out: a ``Case``: what was meant, when it was sent, how often, and
what each probe answered. Never: changes anything, or asks another system.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, select

from bridgehead.enforce import incidents, keys, recall
from bridgehead.enforce.boundary import Boundary
from bridgehead.enforce.evidence import Evidence
from bridgehead.enforce.rows import find
from bridgehead.enforce.wording import shown, title
from bridgehead.kernel.canonical import digest
from bridgehead.kernel.errors import LedgerError
from bridgehead.kernel.money import shown as money_shown
from bridgehead.store import tables as t
from bridgehead.store.statement import Row

ERASED = "Its content was erased."


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One thing on record about the effect: when, in words, with the other system's answer if it gave one."""

    at: str
    words: str
    entry: int
    answer: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Everything shown to the person who settles one effect.

    ``key`` is the key as the other system got it; ``state`` and ``settled`` are those of its row. ``calls``
    are the attempts and how each ended, ``probes`` what was asked about it since. ``arguments`` is None once
    its content was erased. Times are RFC 3339 text; ``amount`` is shown text or empty.
    """

    run: str
    position: str
    release: str
    title: str
    target: str
    effect: str
    outward: bool
    arguments: Any
    facts: dict[str, str]
    amount: str
    subject: str
    key: str
    state: str
    settled: str
    attempts: int
    called_at: str
    calls: tuple[Told, ...]
    probes: tuple[Told, ...]
    why: tuple[str, ...]

    def digest(self) -> str:
        """Return the SHA-256 over everything shown: what an answer must name to count."""
        return digest(asdict(self))


def case(connection: Connection, boundary: Boundary, run: str, position: str) -> Case | None:
    """Return the effect at a position as it stands now; None where there is no effect."""
    row = find(connection, run, position)
    of_run = recall.run_row(connection, run)
    if row is None or of_run is None or row.effect == "read" or row.kind != "act":
        return None
    body = recall.content(connection, boundary, row)
    rule = boundary.charter.actions.get(row.target)
    return Case(
        run=run,
        position=position,
        release=of_run.release,
        title=_title(boundary, row, of_run, body),
        target=row.target,
        effect=row.effect,
        outward=bool(row.outward),
        arguments=None if body is None else dict(body["arguments"]),
        facts={name: shown(value) for name, value in sorted((body or {}).get("facts", {}).items())},
        amount=money(row),
        subject=of_run.subject,
        key=keys.as_sent(rule, row.effect_key) if rule is not None else row.effect_key,
        state=row.state,
        settled=row.settled,
        attempts=row.attempt,
        called_at=row.called_at or "",
        calls=_calls(connection, boundary, run, position),
        probes=_probes(connection, boundary, run, position),
        why=incidents.open_about(connection, run, position),
    )


def version(connection: Connection, run: str, position: str) -> tuple[Any, ...]:
    """Return what changes whenever a case does, from rows alone: equal versions show equal cases.

    Entries of the transaction that is under way cannot be read yet; rows can.
    """
    at = t.crossing.c
    places = [position, *_asked_at(connection, run, position)]
    rows = connection.execute(
        select(at.position, at.state, at.settled, at.attempt, at.called_at, at.intent_entry, at.outcome_entry)
        .where(at.run == run, at.position.in_(places))
        .order_by(at.position)
    ).all()
    return (*(tuple(row) for row in rows), incidents.open_about(connection, run, position))


def headline(connection: Connection, boundary: Boundary, row: Row, run: Any) -> str:
    """Return an effect in words, from what was recorded with it."""
    return _title(boundary, row, run, recall.content(connection, boundary, row))


def _title(boundary: Boundary, row: Row, run: Any, body: dict[str, Any] | None) -> str:
    if body is None:
        return f"{row.target} ({ERASED.lower().removesuffix('.')})"
    amount = Decimal(row.amount) if row.amount else None
    found = Evidence(facts=body.get("facts", {}), amount=amount, currency=row.currency)
    crossing = recall.crossing_of(row, recall.state_outside(run, boundary, 0), body)
    return title(boundary, crossing, found)


def money(row: Row) -> str:
    """Return the amount of an effect as people read it, or the empty string."""
    return f"{money_shown(Decimal(row.amount))} {row.currency}" if row.amount else ""


def _calls(connection: Connection, boundary: Boundary, run: str, position: str) -> tuple[Told, ...]:
    said = {
        "action.intent": "sent",
        "action.claimed": "sent again",
        "action.presumed": "presumed to have been sent after the backup this store was restored from",
    }
    told = []
    for entry in _entries(connection, run, [position]):
        kind = entry["kind"]
        if kind in said:
            told.append(Told(at=entry["time"], words=said[kind], entry=entry["index"]))
        elif kind in ("action.outcome", "action.settled", "action.looked"):
            told.append(_ended(connection, boundary, entry))
    return tuple(told)


def _ended(connection: Connection, boundary: Boundary, entry: dict[str, Any]) -> Told:
    body = _body(connection, boundary, entry)
    fault = body.get("fault", {}) if body else {}
    words = " ".join(part for part in (entry.get("note", ""), fault.get("words", "")) if part)
    state = entry.get("outcome", {}).get("state", "")
    return Told(at=entry["time"], words=": ".join(p for p in (state, words) if p), entry=entry["index"])


def _probes(connection: Connection, boundary: Boundary, run: str, position: str) -> tuple[Told, ...]:
    told = []
    for entry in _entries(connection, run, _asked_at(connection, run, position)):
        if entry["kind"] not in ("action.outcome", "action.refused"):
            continue
        body = _body(connection, boundary, entry)
        target = entry.get("action", {}).get("target", "")
        if body is None:
            told.append(Told(at=entry["time"], words=f"{target}: {ERASED}", entry=entry["index"]))
        elif "value" in body:
            words = f"{target} answered"
            told.append(Told(at=entry["time"], words=words, entry=entry["index"], answer=body["value"]))
        else:
            reasons = [reason["words"] for reason in body.get("reasons", [])]
            words = " ".join([*reasons, body.get("fault", {}).get("words", "")]).strip()
            told.append(Told(at=entry["time"], words=f"{target}: {words}", entry=entry["index"]))
    return tuple(told)


def _asked_at(connection: Connection, run: str, position: str) -> list[str]:
    """Return the positions of the probes of an effect."""
    rows = connection.execute(
        select(t.crossing.c.position).where(
            t.crossing.c.run == run, t.crossing.c.position.startswith(f"{position}.p", autoescape=True)
        )
    )
    own = re.compile(rf"{re.escape(position)}\.p\d+-\d+")
    return sorted(row.position for row in rows if own.fullmatch(row.position))


def _entries(connection: Connection, run: str, positions: list[str]) -> list[dict[str, Any]]:
    rows = connection.execute(
        select(t.entry.c.idx, t.entry.c.envelope).where(t.entry.c.run == run).order_by(t.entry.c.seq)
    )
    found = [{**json.loads(row.envelope), "index": row.idx} for row in rows]
    return [entry for entry in found if entry.get("position") in positions]


def _body(connection: Connection, boundary: Boundary, entry: dict[str, Any]) -> dict[str, Any] | None:
    if not entry.get("body"):
        return {}
    try:
        body: dict[str, Any] = boundary.ledger.body(connection, entry["index"])
    except LedgerError:
        return None
    return body
