"""What is remembered of a feed between two looks: values that ``watch.stored`` writes as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from bridgehead.watch.arrivals.deadline import Usual
from bridgehead.watch.arrivals.pattern import Pattern
from bridgehead.watch.arrivals.volume import Point

Key = tuple[date, int]
"""One expected batch: its business day, and which of the day's batches it is, from 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A recurring place in time at which a batch is expected, once it is ``active``.

    Only a person retires one. ``in_row`` counts misses since its last batch; ``since`` is the first of them.
    """

    name: str
    lane: int = 0
    status: Literal["learning", "active", "retired"] = "learning"
    in_row: int = 0
    since: date | None = None
    retired_by: str = ""
    retired_at: datetime | None = None
    retired_why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """An arrival as the learning of times keeps it; ``hours`` after its reference, one per zone.

    ``named``: its business day is from its partition key, and not from the window it came in. ``in_time``: it
    did not count as missing, and teaches its hours; ``late``: it came after it was due all the same.
    """

    day: date
    lane: int
    slot: str
    at: datetime
    hours: tuple[float, ...]
    in_time: bool
    named: bool = False
    late: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """When batches usually come, in which zone: of one slot, or of all of a lane where ``slot`` is empty."""

    slot: str
    lane: int
    zone: int
    usual: Usual


@dataclass(frozen=True, slots=True, kw_only=True)
class Miss:
    """A batch that was due and has not come; ``page_at`` is when a person is woken, None where nobody is."""

    day: date
    lane: int
    slot: str
    incident: str
    missing_at: datetime
    page_at: datetime | None

    @property
    def key(self) -> Key:
        return (self.day, self.lane)


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """A batch that came: enough to know it again."""

    batch: str
    content: str
    keys: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """What was seen of a table of a database: the newest value of the column by which new rows are known, and
    rows that have come since and may still be coming.

    Values are JSON, of ``column`` (empty: not known). ``pending`` is the newest of those rows, ``rows`` how
    many they are, ``since`` when the first of them was seen, and ``changed`` when the last was.
    """

    newest: str = ""
    pending: str = ""
    rows: int = 0
    since: datetime | None = None
    changed: datetime | None = None
    column: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ahead:
    """The batch that is expected next: late and missing from these moments on."""

    day: date
    slot: str
    late: datetime
    missing: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """All that is known about a feed's arrivals.

    ``cuts`` are the hours at which the windows of the day's batches begin, ``shift`` the days from there to
    the business day. ``cursor`` is the next batch that nothing was said about; ``late_told`` the one that was
    called late. ``fell`` counts holidays on active slots, ``delivered_then`` those that brought a batch.
    ``schedule`` is what was declared when this was learned, ``since`` the first day on which anything was
    expected, ``gone`` misses that a person wrote off. ``upstream`` is what it hangs on, the nearest first;
    ``short`` says in words what is wrong with the last batch of a table of a database, ``ahead`` what was
    expected next at the last look.
    """

    feed: str
    first: datetime | None = None
    pattern: Pattern | None = None
    cuts: tuple[float, ...] = (0.0,)
    shift: int = 0
    slots: tuple[Slot, ...] = ()
    seen: tuple[Seen, ...] = ()
    known: tuple[Known, ...] = ()
    delivered: tuple[Key, ...] = ()
    cursor: Key | None = None
    late_told: Key | None = None
    missed: tuple[Miss, ...] = ()
    in_row: int = 0
    row_since: date | None = None
    fell: int = 0
    delivered_then: int = 0
    batches: tuple[Remembered, ...] = ()
    overlaps: tuple[float, ...] = ()
    volume: tuple[Point, ...] = ()
    segments: tuple[tuple[str, tuple[Point, ...]], ...] = ()
    segmented_by: str = ""
    proposed: str = ""
    schedule: str = ""
    since: date | None = None
    gone: tuple[Key, ...] = ()
    upstream: tuple[str, ...] = ()
    table: Rows | None = None
    short: str = ""
    ahead: Ahead | None = None

    def weekday(self, day: date) -> int:
        """Return the weekday by which rows are compared; one for all where batches come by another cycle."""
        by_weekday = self.pattern is None or self.pattern.shape == "weekdays"
        return day.weekday() if by_weekday else 0

    @property
    def status(self) -> Literal["learning", "active"]:
        """Return ``learning`` until something is expected: shown as such, never as well."""
        return "active" if any(slot.status == "active" for slot in self.slots) else "learning"
