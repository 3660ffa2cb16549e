"""One run as a story: how it ended and why, then every crossing in human words, in order."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, select

from bridgehead.declare.model import Charter
from bridgehead.explain import words
from bridgehead.explain.figures import Figure
from bridgehead.explain.inbox import groups
from bridgehead.explain.overview import money_moved, stand_ins
from bridgehead.explain.question import asked as approval_on_strip
from bridgehead.explain.recorded import Book, Recorded, at_position, entries_of, of_kind
from bridgehead.explain.runs import RunLine, one_line, waits_for
from bridgehead.explain.strip import Asked, Step, strip
from bridgehead.kernel.canonical import decode
from bridgehead.kernel.decision import Reason
from bridgehead.kernel.money import Money
from bridgehead.store.tables import approval, crossing, run, vote


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
class Told:
    """One crossing, told: words first, then what it did, who agreed, and the proof.

    ``evidence_of`` is the position of the crossing this one was read to decide, or empty.
    ``arguments`` and ``value`` are None when their body was erased (``kept`` is false).
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
    strip: tuple[Step, ...]
    started_at: str
    ended_at: str
    took: str
    arguments: Any
    value: Any
    kept: bool
    model_text: bool
    entries: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Something that happened to the run itself: started, parked, resumed, ended."""

    at: str
    words: str
    entry: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One run. ``sentence`` says how it stands; ``deciding`` is the crossing that decided it."""

    run: RunLine
    sentence: str
    deciding: Told | None
    moments: tuple[Moment, ...]
    crossings: tuple[Told, ...]
    money: tuple[Figure, ...]
    stand_ins: tuple[str, ...]
    result: Any
    first_entry: int
    last_entry: int
    entry_count: int


_EVIDENCE = re.compile(r"^(.*?)\.[bp]\d+-\d+")


def story(connection: Connection, book: Book, charter: Charter, run_id: str) -> Story | None:
    """Return the story of one run; None when there is no such run."""
    line = one_line(connection, run_id)
    if line is None:
        return None
    entries = entries_of(connection, book, run_id)
    told = tuple(
        _told(connection, charter, row, at_position(entries, row.position))
        for row in _rows(connection, run_id)
    )
    deciding = _deciding(line, told)
    return Story(
        run=line,
        sentence=_sentence(line, told, deciding, _result(entries)),
        deciding=deciding,
        moments=_moments(entries),
        crossings=told,
        money=money_moved(connection, run_id),
        stand_ins=_stand_ins(connection, charter, run_id, told),
        result=_result(entries),
        first_entry=min((item.index for item in entries), default=line.entry),
        last_entry=max((item.index for item in entries), default=line.entry),
        entry_count=len(entries),
    )


def _rows(connection: Connection, run_id: str) -> list[Row[Any]]:
    """Return the run's crossings in the order of the journal; reads made to decide one stand before it."""
    found = connection.execute(select(crossing).where(crossing.c.run == run_id)).all()
    return sorted(found, key=lambda row: _order(row.position))


def _order(position: str) -> tuple[list[int], str]:
    own = evidence_of(position)
    numbers = [int(part) for part in (own or position).split(".") if part.isdigit()]
    # ``.b`` (read to decide) < ``.own`` < ``.p`` (asked to settle)
    return numbers, position[len(own) :] if own else ".own"


def evidence_of(position: str) -> str:
    """Return the crossing a read was made for: ``3`` for ``3.b1-1.order.0`` (to decide) and ``3.p2-1``
    (to settle); empty for a crossing of the run's own."""
    found = _EVIDENCE.match(position)
    return found[1] if found else ""


def _told(connection: Connection, charter: Charter, row: Row[Any], entries: Sequence[Recorded]) -> Told:
    asking = _asking(connection, charter, row)
    content = _content(entries)
    ended = of_kind(entries, "action.outcome", "action.settled", "action.refused")
    value = ended[-1].said("value", ended[-1].said("fault")) if ended else None
    arguments = next((item.said("arguments") for item in entries if item.said("arguments") is not None), None)
    return Told(
        position=row.position,
        evidence_of=evidence_of(row.position),
        kind=row.kind,
        target=row.target,
        words=_model_words(row, value) or _words(charter, row, entries, arguments, content),
        state=row.state,
        state_words=words.CROSSING.get(row.state, row.state),
        effect=row.effect,
        effect_words=words.effect(row.effect, bool(row.outward)) if row.kind == "act" else "",
        amount=f"{row.amount} {row.currency}".strip(),
        amount_words=_money(row),
        decision=_decision(row),
        reasons=_reasons(entries),
        asking=asking,
        strip=strip(entries, row.state, _last_asked(asking)),
        started_at=row.started_at,
        ended_at=row.ended_at or "",
        took=words.between(row.started_at, row.ended_at or ""),
        arguments=arguments,
        value=value,
        kept=all(item.kept for item in entries),
        model_text=row.kind == "model",
        entries=tuple(item.index for item in entries),
    )


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


def _deciding(line: RunLine, told: Sequence[Told]) -> Told | None:
    """Return the crossing that decided how the run stands: what it waits for, what was refused last,
    or else the last change it made."""
    wanted = {"waiting": ("asked", "unknown"), "failed": ("failed", "refused", "unknown")}
    for states in (wanted.get(line.status, ()), ("unknown",), ("refused",)):
        found = [item for item in told if item.state in states]
        if found:
            return found[-1]
    changed = [item for item in told if item.kind == "act" and item.effect != "read" and item.state == "done"]
    return changed[-1] if changed else None


def _fault(result: Any) -> str:
    fault = result.get("fault") if isinstance(result, dict) else None
    return f": {fault['words'].rstrip('.')}" if isinstance(fault, dict) and "words" in fault else ""


def _sentence(line: RunLine, told: Sequence[Told], deciding: Told | None, result: Any) -> str:
    done = [item for item in told if item.effect != "read" and item.state == "done" and item.kind == "act"]
    refused = sum(1 for item in told if item.state == "refused")
    made = f"It made {words.plural(len(done), 'change')}" if done else "It changed nothing"
    tail = (
        f", and {words.plural(refused, 'action')} {'was' if refused == 1 else 'were'} refused"
        if refused
        else ""
    )
    match line.status:
        case "waiting":
            about = f": {deciding.words}" if deciding is not None and deciding.state == "asked" else ""
            return f"The run {waits_for(line.waiting_for)}{about}. {made} so far{tail}."
        case "running":
            return f"The run is under way. {made} so far{tail}."
        case "done":
            return f"The run finished. {made}{tail}."
        case _:
            return f"The run {words.RUN.get(line.status, line.status)}{_fault(result)}. {made}{tail}."


def _stand_ins(
    connection: Connection, charter: Charter, run_id: str, told: Sequence[Told]
) -> tuple[str, ...]:
    """Return the stand-ins that play models in this run: bound when it started, or asked since."""
    bindings = json.loads(connection.execute(select(run.c.bindings).where(run.c.id == run_id)).scalar_one())
    asked = {item.target for item in told if item.kind == "model"}
    bound = {other for name, other in bindings.items() if name.startswith("model:")}
    return tuple(sorted(name for name in asked | bound if name in stand_ins(charter)))


def _moments(entries: Sequence[Recorded]) -> tuple[Moment, ...]:
    said = {
        "run.started": "The run started.",
        "run.parked": "The run went to sleep; nothing stays in memory.",
        "run.resumed": "The run went on under the same release.",
        "run.ended": "The run ended.",
    }
    return tuple(
        Moment(at=item.time, words=said[item.kind], entry=item.index) for item in entries if item.kind in said
    )


def _result(entries: Sequence[Recorded]) -> Any:
    ended = of_kind(entries, "run.ended")
    return ended[-1].body if ended else None
