"""When do batches of a table come: a calendar of those that came and did not, what is next, who to call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from bridgehead.doors.console.problem import NO_SUCH_PAGE, Stopped
from bridgehead.doors.console.visit import Answer, Page, Visit
from bridgehead.explain.arrivals import STATES, Cell, calendar, feed
from bridgehead.explain.overview import owners

REFRESH = 30
SIDE, PITCH, LEFT, TOP = 24, 28, 40, 24
"""Of the drawing, in its own units: a cell's side, from one to the next, room for names of days and weeks."""
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_WEEKS_NAMED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A day of the calendar as it is drawn: its corner, its state as a class of style, its words."""

    x: int
    y: int
    tone: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A name beside the calendar."""

    x: int
    y: int
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A calendar to be drawn, weeks from left to right; ``told`` says in a sentence what it shows."""

    width: int
    height: int
    marks: tuple[Mark, ...]
    labels: tuple[Label, ...]
    told: str


def show(visit: Visit) -> Answer:
    """The arrivals of one table."""
    house, path = visit.house(), visit.path
    source, table = path["source"], path["table"]
    declared = house.deployment.charter.sources.get(source)
    if declared is None or table not in declared.tables:
        raise Stopped(NO_SUCH_PAGE)
    now = house.clock.now()
    with house.store.reading() as connection:
        found = feed(connection, source, table, now)
        weeks = calendar(connection, source, table, now) if found is not None else ()
    return Page(
        template="arrivals.html",
        title=f"When do batches of {source}.{table} come?",
        data={
            "deployment": house.deployment.charter.name,
            "table": f"{source}.{table}",
            "feed": found,
            "weeks": weeks,
            "drawing": drawn(weeks) if weeks else None,
            "legend": [(tone(state), words) for state, words in STATES.items()],
            "days": DAYS,
            "has_batches": table in declared.feeds,
            "owners": owners(house.deployment.charter),
        },
        house=house,
        refresh=REFRESH,
    )


def tone(state: str) -> str:
    """Return the class of style of a state of a day."""
    return (state or "before").replace(" ", "-")


def drawn(weeks: Sequence[Sequence[Cell]]) -> Drawing:
    """Return the drawing of a calendar."""
    marks = tuple(
        Mark(
            x=LEFT + PITCH * column,
            y=TOP + PITCH * row,
            tone=tone(cell.state),
            words=f"{DAYS[row]} {_day(cell.day)}: {cell.words or 'nothing known'}",
        )
        for column, week in enumerate(weeks)
        for row, cell in enumerate(week)
    )
    days = tuple(Label(x=0, y=TOP + PITCH * row + 16, words=name) for row, name in enumerate(DAYS))
    named = tuple(
        Label(x=LEFT + PITCH * column, y=14, words=_day(week[0].day))
        for column, week in enumerate(weeks)
        if column % _WEEKS_NAMED == 0
    )
    return Drawing(
        width=LEFT + PITCH * len(weeks),
        height=TOP + PITCH * len(DAYS),
        marks=marks,
        labels=(*days, *named),
        told=_told(weeks),
    )


def _told(weeks: Sequence[Sequence[Cell]]) -> str:
    """Return in words how many days were what."""
    counts = {state: sum(cell.state == state for week in weeks for cell in week) for state in STATES}
    parts = [f"{number} {STATES[state]}" for state, number in counts.items() if number]
    return f"{len(weeks)} weeks, by days: {', '.join(parts) or 'nothing known'}."


def _day(day: date) -> str:
    return f"{day.day} {day:%b}"
