"""One run as a story: how it ended and why, then every crossing in human words, in order."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select

from bridgehead.declare.model import Charter
from bridgehead.explain import words
from bridgehead.explain.figures import Figure
from bridgehead.explain.overview import money_moved, stand_ins
from bridgehead.explain.recorded import Book, Recorded, at_position, entries_of, of_kind
from bridgehead.explain.runs import RunLine, one_line, waits_for
from bridgehead.explain.told import Told, evidence_of, tell
from bridgehead.store.tables import crossing, run


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


def story(connection: Connection, book: Book, charter: Charter, run_id: str) -> Story | None:
    """Return the story of one run; None when there is no such run."""
    line = one_line(connection, run_id)
    if line is None:
        return None
    entries = entries_of(connection, book, run_id)
    told = tuple(
        tell(connection, charter, row, at_position(entries, row.position))
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
        "run.ended": "The run ended.",
    }
    return tuple(
        Moment(at=item.time, words=said[item.kind], entry=item.index) for item in entries if item.kind in said
    )


def _result(entries: Sequence[Recorded]) -> Any:
    ended = of_kind(entries, "run.ended")
    return ended[-1].body if ended else None
