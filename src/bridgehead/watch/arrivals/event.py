"""What is seen of a batch when it arrives, and what a watch says about it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from bridgehead.kernel.finding import Finding, Severity

_DAY = re.compile(r"(?<!\d)(\d{4})[-_.]?(\d{2})[-_.]?(\d{2})(?!\d)")

Kind = Literal[
    "late",
    "missing",
    "missing_page",
    "arrived_late",
    "empty",
    "totals",
    "duplicate",
    "correction",
    "overlap",
    "partial",
    "surge",
    "catch_up",
    "segment_missing",
    "segment_partial",
    "new_slot",
    "new_cadence",
    "no_history",
]
SEVERITIES: dict[Kind, Severity] = {
    "missing": "block",
    "missing_page": "block",
    "empty": "block",
    "totals": "block",
    "duplicate": "block",
    "overlap": "block",
    "partial": "block",
    "surge": "warn",
    "segment_missing": "block",
    "segment_partial": "warn",
    "correction": "warn",
    "late": "warn",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """A control total: what the sender says and what was counted; ``name`` is ``rows`` or a column's."""

    name: str
    said: Decimal
    counted: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One batch, seen for the first time ``at`` a moment of our clock.

    ``about`` are the business days it is for, by its partition key; empty where it names none. ``content``
    and ``keys`` are hashes that do not depend on the order of rows (``duplicates.Fingerprint``); empty text
    where unknown. ``rows`` is None where nobody counted them. ``segments`` are rows per value of the column
    ``segmented_by``.
    ``overlap`` is the share of its keys that the batch before held, where known. ``replaces`` is a batch that
    nobody has read, all of whose rows are in this one.
    """

    feed: str
    batch: str
    at: datetime
    rows: int | None = None
    size: int | None = None
    content: str = ""
    keys: str = ""
    overlap: float | None = None
    schema: str = ""
    about: tuple[date, ...] = ()
    totals: tuple[Total, ...] = ()
    segments: tuple[tuple[str, int], ...] = ()
    segmented_by: str = ""
    source_time: datetime | None = None
    replaces: str = ""

    def __post_init__(self) -> None:
        if self.at.utcoffset() is None:
            raise ValueError("an arrival without a time zone")


@dataclass(frozen=True, slots=True, kw_only=True)
class Noticed:
    """Something noticed about a feed, ``at`` a moment, concerning the batch of ``day``.

    ``incident`` is equal for what belongs to one story; ``page`` wakes a person. ``numbers`` are what the
    words rest on.
    """

    kind: Kind
    feed: str
    at: datetime
    words: str
    fix: str
    day: date | None = None
    slot: str = ""
    incident: str = ""
    page: bool = False
    numbers: tuple[tuple[str, float], ...] = ()

    @property
    def alarm(self) -> bool:
        """Whether the data of that day are not to be trusted: what counts as an alarm."""
        return self.kind not in _QUIET

    def finding(self) -> Finding:
        """Return it as a finding like any other."""
        return Finding(
            rule=f"arrivals.{self.kind}",
            severity=SEVERITIES.get(self.kind, "info"),
            words=self.words,
            fix=self.fix,
            where=self.feed,
        )


_QUIET = frozenset(
    {"late", "missing_page", "arrived_late", "catch_up", "new_slot", "new_cadence", "no_history"},
)


def days_of(text: str) -> tuple[date, ...]:
    """Return the business days that a batch id or file name names, as ``2026-11-22`` or ``20261122``."""
    found = []
    for year, month, day in _DAY.findall(text):
        try:
            found.append(date(int(year), int(month), int(day)))
        except ValueError:
            continue
    return tuple(sorted(set(found)))
