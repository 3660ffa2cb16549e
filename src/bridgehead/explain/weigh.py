"""For and against one question, from what is recorded. Plain statements, no confidence words.

Every statement names the entries it rests on; nothing is said that cannot be looked up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select

from bridgehead.enforce.question import Question
from bridgehead.explain import words
from bridgehead.explain.recorded import Recorded, of_kind
from bridgehead.kernel.clock import unstamp
from bridgehead.store.tables import crossing

STALE_AFTER = 3600.0
"""Seconds after which a fact is marked as old on the page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One statement that speaks for or against, with the entries behind it."""

    side: str
    words: str
    entries: tuple[int, ...]


def weigh(
    connection: Connection, question: Question, row: Row[Any], entries: Sequence[Recorded], now: datetime
) -> tuple[Point, ...]:
    """Return what speaks for and against the action a question is about."""
    here = (row.opened_entry,)
    return (
        *_undo(question, here),
        *_confined(question, here),
        *_earlier_refusals(entries, here),
        *_same_record(connection, row, here),
        *_old_facts(question, here, now),
        *_stand_in(question, here),
    )


def is_old(as_of: str, now: datetime) -> bool:
    """Say whether a fact read at this time counts as old."""
    return bool(as_of) and (now - unstamp(as_of)).total_seconds() > STALE_AFTER


def _undo(question: Question, here: tuple[int, ...]) -> tuple[Point, ...]:
    points = []
    if question.effect == "final":
        points.append(Point(side="against", words="It cannot be taken back.", entries=here))
    elif question.effect == "write":
        points.append(
            Point(side="for", words=f"It can be taken back: {question.can_be_undone}", entries=here)
        )
    if question.outward:
        points.append(Point(side="against", words="It leaves the company.", entries=here))
    return tuple(points)


def _confined(question: Question, here: tuple[int, ...]) -> tuple[Point, ...]:
    if not question.subject:
        return ()
    said = f"The run is confined to {question.subject}, and this action stays inside."
    return (Point(side="for", words=said, entries=here),)


def _earlier_refusals(entries: Sequence[Recorded], here: tuple[int, ...]) -> tuple[Point, ...]:
    refused = of_kind(entries, "action.refused")
    if not refused:
        return (Point(side="for", words="Nothing else in this run was refused.", entries=here),)
    said = f"{words.plural(len(refused), 'earlier action')} of this run {_was(len(refused))} refused."
    return (Point(side="against", words=said, entries=tuple(item.index for item in refused)),)


def _same_record(connection: Connection, row: Row[Any], here: tuple[int, ...]) -> tuple[Point, ...]:
    mine = connection.execute(
        select(crossing.c.record).where(crossing.c.run == row.run, crossing.c.position == row.position)
    ).scalar()
    if not mine:
        return ()
    count = connection.execute(
        select(func.count()).where(
            crossing.c.record == mine, crossing.c.state == "done", crossing.c.effect != "read"
        )
    ).scalar_one()
    if not count:
        return (Point(side="for", words="Its record has not been changed before.", entries=here),)
    said = f"Its record was already changed {words.plural(count, 'time')}."
    return (Point(side="against", words=said, entries=here),)


def _old_facts(question: Question, here: tuple[int, ...], now: datetime) -> tuple[Point, ...]:
    old = [fact.name for fact in question.facts if is_old(fact.as_of, now)]
    if (
        question.only_asks and not question.facts
    ):  # nothing of its own to read: its words are what it rests on
        return ()
    if not question.facts:
        return (Point(side="against", words="No fact was read from the system before asking.", entries=here),)
    if not old:
        return ()
    said = f"{', '.join(old)}: read more than an hour ago."
    return (Point(side="against", words=said, entries=here),)


def _stand_in(question: Question, here: tuple[int, ...]) -> tuple[Point, ...]:
    if not question.stand_in:
        return ()
    return (Point(side="against", words="A stand-in, not a model, asked for it.", entries=here),)


def _was(number: int) -> str:
    return "was" if number == 1 else "were"
