"""One crossing, told: words first, then what it did, who agreed, and the entries that prove it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, select

from bridgehead.declare.model import Charter
from bridgehead.explain import words
from bridgehead.explain.inbox import groups
from bridgehead.explain.question import asked as approval_on_strip
from bridgehead.explain.reads import Read, asked, reads
from bridgehead.explain.recorded import Recorded, of_kind
from bridgehead.explain.resting import AsOf, resting
from bridgehead.explain.strip import Asked, Step, strip
from bridgehead.kernel.canonical import decode
from bridgehead.kernel.decision import Reason
from bridgehead.kernel.money import Money
from bridgehead.store.tables import approval, vote


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One person's answer to a question of this run."""

    name: str
    answer: str
    at: str
    entry: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """A question this crossing put to people."""

    id: str
    state: str
    words: str
    who: str
    quorum: int
    opened_at: str
    closed_at: str
    took: str
    answers: tuple[Answer, ...]
    entry: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Settling:
    """What a person said became of an effect nobody could find out about by asking."""

    name: str
    said: str
    reason: str
    at: str
    entry: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenBack:
    """A yes that a person took back; ``in_time`` when the action was not done because of it."""

    name: str
    in_time: bool
    reason: str
    at: str
    entry: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One crossing, told: words first, then what it did, who agreed, and the proof.

    ``evidence_of`` is the position of the crossing this one was read to decide, or empty.
    ``arguments`` and ``value`` are None when their body was erased (``kept`` is false). ``reads`` is what
    a permitted query of SQL was narrowed to, ``as_of`` says how new the data are that it rests on.
    """

    position: str
    evidence_of: str
    kind: str
    target: str
    words: str
    state: str
    state_words: str
    effect: str
    effect_words: str
    amount: str
    amount_words: str
    decision: str
    reasons: tuple[Reason, ...]
    asking: tuple[Asking, ...]
    settlings: tuple[Settling, ...]
    taken_back: tuple[TakenBack, ...]
    strip: tuple[Step, ...]
    started_at: str
    ended_at: str
    took: str
    arguments: Any
    value: Any
    kept: bool
    model_text: bool
    entries: tuple[int, ...]
    reads: tuple[Read, ...] = ()
    as_of: tuple[AsOf, ...] = ()


_EVIDENCE = re.compile(r"^(.*?)\.[bp]\d+-\d+")


def evidence_of(position: str) -> str:
    """Return the crossing a read was made for: ``3`` for ``3.b1-1.order.0`` (to decide) and ``3.p2-1``
    (to settle); empty for a crossing of the run's own."""
    found = _EVIDENCE.match(position)
    return found[1] if found else ""


def tell(connection: Connection, charter: Charter, row: Row[Any], entries: Sequence[Recorded]) -> Told:
    """Return the crossing of a row of table ``crossing``, from the entries at its position."""
    asking = _asking(connection, charter, row)
    content = _content(entries)
    value = _value(entries)
    arguments = next((item.said("arguments") for item in entries if item.said("arguments") is not None), None)
    return Told(
        position=row.position,
        evidence_of=evidence_of(row.position),
        kind=row.kind,
        target=row.target,
        words=_model_words(row, value) or _words(charter, row, entries, arguments, content),
        state=row.state,
        state_words=words.crossing(row.state, row.settled),
        effect=row.effect,
        effect_words=words.effect(row.effect, bool(row.outward)) if row.kind == "act" else "",
        amount=_money(row),
        amount_words=_money(row),
        decision=_decision(row),
        reasons=_reasons(entries),
        asking=asking,
        settlings=_settlings(charter, entries),
        taken_back=_taken_back(charter, entries),
        strip=strip(entries, row.state, _last_asked(asking)),
        started_at=row.started_at,
        ended_at=row.ended_at or "",
        took=words.between(row.started_at, row.ended_at or ""),
        arguments=arguments,
        value=value,
        kept=all(item.kept for item in entries),
        model_text=row.kind == "model",
        entries=tuple(item.index for item in entries),
        reads=reads(charter, row.target, entries) if row.kind == "query" else (),
        as_of=resting(entries, read=row.kind == "query"),
    )


def _settlings(charter: Charter, entries: Sequence[Recorded]) -> tuple[Settling, ...]:
    said = {"happened": "it happened", "did-not": "it did not happen", "leave": "nobody can tell"}
    found = []
    for item in of_kind(entries, "action.settled"):
        kind, _, person = str(item.envelope.get("actor", "")).partition(":")
        if kind == "human":
            known = charter.people.get(person)
            found.append(
                Settling(
                    name=known.name if known else person,
                    said=said.get(item.said("answer", ""), "settled"),
                    reason=item.said("reason", ""),
                    at=item.time,
                    entry=item.index,
                )
            )
    return tuple(found)


def _taken_back(charter: Charter, entries: Sequence[Recorded]) -> tuple[TakenBack, ...]:
    found = []
    for item in of_kind(entries, "approval.revoked"):
        person = str(item.envelope.get("actor", "")).partition(":")[2]
        found.append(
            TakenBack(
                name=charter.people[person].name if person in charter.people else person,
                in_time=item.envelope.get("approval", {}).get("answer") == "in time",
                reason=item.said("reason", ""),
                at=item.time,
                entry=item.index,
            )
        )
    return tuple(found)


def _value(entries: Sequence[Recorded]) -> Any:
    """Return what the run was given: an answer or a fault. What was learnt later is not part of it."""
    ended = of_kind(entries, "action.outcome", "action.settled", "action.refused")
    for item in reversed(ended):
        value = item.said("value", item.said("fault"))
        if value is not None:
            return value
    return None


def _model_words(row: Row[Any], value: Any) -> str:
    """Return what a model's answer came to; empty for anything that is not one."""
    if row.kind != "model" or not isinstance(value, dict) or "tool_calls" not in value:
        return ""
    who = f"The stand-in {row.target}" if value.get("stand_in") else f"The model {row.target}"
    wanted = ", ".join(str(call.get("name", "")) for call in value["tool_calls"])
    return f"{who} asked for {wanted}" if wanted else f"{who} answered in words"


def _money(row: Row[Any]) -> str:
    return (
        str(Money(amount=Decimal(row.amount), currency=row.currency))
        if row.amount and row.currency
        else row.amount
    )


def _content(entries: Sequence[Recorded]) -> dict[str, Any]:
    """Return the facts recorded with the decision, by name."""
    facts: dict[str, Any] = {}
    for item in entries:
        said = item.said("facts")
        if isinstance(said, dict):
            facts |= said
    return facts


def _words(
    charter: Charter, row: Row[Any], entries: Sequence[Recorded], arguments: Any, facts: dict[str, Any]
) -> str:
    for item in of_kind(entries, "approval.opened"):
        if item.said("question"):
            return str(item.said("question")["title"])
    if row.kind == "act" and row.target in charter.actions:
        values = facts | (arguments if isinstance(arguments, dict) else {})
        return words.title(charter.actions[row.target].title, values)
    if row.target.startswith("decide:") and isinstance(arguments, dict):
        return str(arguments.get("question", row.target))
    if row.kind == "query" and (free := asked(row.target, arguments)):
        return free
    verb = {"model": "Ask the model ", "query": "Run the query ", "retrieve": "Look up "}.get(row.kind, "")
    return f"{verb}{row.target}"


def _decision(row: Row[Any]) -> str:
    if row.state == "refused":
        return "refused by people" if row.approval else "refused"
    if row.state == "asked":
        return "waiting for people"
    return "permitted by people" if row.approval else "permitted"


def _reasons(entries: Sequence[Recorded]) -> tuple[Reason, ...]:
    """Return the reasons of the last decision that recorded any."""
    for item in reversed(entries):
        said = decode(item.said("reasons") or [])
        if said:
            return tuple(
                Reason(rule=one.get("rule", ""), words=one.get("words", ""), source=one.get("source", ""))
                for one in said
            )
    return ()


def _asking(connection: Connection, charter: Charter, row: Row[Any]) -> tuple[Asking, ...]:
    found = connection.execute(
        select(approval)
        .where(approval.c.run == row.run, approval.c.position == row.position)
        .order_by(approval.c.opened_at)
    ).all()
    return tuple(_one_asking(connection, charter, item) for item in found)


def _one_asking(connection: Connection, charter: Charter, row: Row[Any]) -> Asking:
    votes = connection.execute(select(vote).where(vote.c.approval == row.id).order_by(vote.c.at)).all()
    answers = tuple(
        Answer(
            name=charter.people[item.principal].name if item.principal in charter.people else item.principal,
            answer="approved" if item.answer == "approve" else "refused",
            at=item.at,
            entry=item.entry,
        )
        for item in votes
    )
    agreed = sum(1 for item in votes if item.answer == "approve")
    on_strip = approval_on_strip(row, agreed)
    return Asking(
        id=row.id,
        state=row.state,
        words=on_strip.words,
        who=" and ".join(groups(row)),
        quorum=row.quorum,
        opened_at=row.opened_at,
        closed_at=row.closed_at or "",
        took=words.between(row.opened_at, row.closed_at or ""),
        answers=answers,
        entry=on_strip.entry if on_strip.entry is not None else row.opened_entry,
    )


def _last_asked(asking: tuple[Asking, ...]) -> Asked | None:
    if not asking:
        return None
    last = asking[-1]
    return Asked(
        state=last.state,
        opened_at=last.opened_at,
        closed_at=last.closed_at,
        words=last.words,
        entry=last.entry,
    )
