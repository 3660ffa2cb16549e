"""What a contract says of a table's batches: when they come, how old they may be, what a miss does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache

from bridgehead.kernel.errors import CharterError
from bridgehead.watch.arrivals.declared import Declared
from bridgehead.watch.arrivals.holiday import days_off
from bridgehead.watch.arrivals.pattern import EVERY_DAY, Pattern
from bridgehead.watch.contract.model import Contract, Table
from bridgehead.watch.contract.ours import Cadence, NeedBy, Ours

_DAY, _MINUTE = 86_400, 60
_END_OF_DAY = "23:59"


@dataclass(frozen=True, slots=True, kw_only=True)
class Promised:
    """What is promised of the batches of a table of a source.

    ``column`` is where new rows of a database are known by; empty where nothing says so. ``fresh_seconds`` is
    how old the last good batch may be and still be used. ``response`` and ``readers``: what a miss does
    beyond that, where the contract says so. ``said``: the contract says when its batches are due.
    """

    source: str
    table: str
    declared: Declared
    column: str = ""
    by_day: bool = False
    fresh_seconds: float | None = None
    upstream: tuple[str, ...] = ()
    response: str = ""
    readers: Mapping[str, str] = field(default_factory=dict)
    critical: bool = False
    said: bool = False
    where: str = ""

    @property
    def feed(self) -> str:
        """The name of its feed."""
        return f"{self.source}.{self.table}"


def promised(contract: Contract, source: str, name: str, now: datetime, *, zone: str = "") -> Promised | None:
    """Return what a contract promises of the batches of a table; None where it has nothing to say of them.

    ``zone`` is the owner's. Raises ``CharterError`` (BH-WAT-041, BH-WAT-043, BH-WAT-036), ``ConfigError``
    (BH-WAT-042).
    """
    table = contract.table(name)
    if table is None:
        return None
    ours, above = table.ours, contract.ours
    cadence, need_by = ours.cadence or above.cadence, ours.need_by or above.need_by
    column = next((fresh.column for fresh in contract.freshness if fresh.table == name), "")
    found = table.column((cadence.element if cadence else "") or column)
    breach = ours.on_breach or above.on_breach
    return Promised(
        source=source,
        table=name,
        declared=_declared(f"{source}.{name}", cadence or Cadence(), need_by, _empty(ours, above), now, zone),
        column=found.physical if found is not None and (cadence or need_by) else "",
        by_day=found is not None and found.logical == "date",
        fresh_seconds=ours.max_staleness_seconds or above.max_staleness_seconds,
        upstream=(ours.upstream if ours.upstream is not None else above.upstream) or (),
        response=breach.default if breach is not None else "",
        readers=dict(breach.readers) if breach is not None else {},
        said=cadence is not None or need_by is not None,
        critical=(ours.criticality or above.criticality) == "critical",
        where=_where(table, contract),
    )


def _empty(ours: Ours, above: Ours) -> bool:
    return (ours.empty_batch or above.empty_batch) != "allowed"


def _where(table: Table, contract: Contract) -> str:
    return table.where or contract.file


def _declared(
    feed: str, cadence: Cadence, need_by: NeedBy | None, empty_is_news: bool, now: datetime, zone: str
) -> Declared:
    cron, pattern, within = _slots(feed, cadence)
    by_end = _END_OF_DAY if pattern is not None else ""
    years = range(now.year - 1, now.year + 3)
    return Declared(
        feed=feed,
        timezone=cadence.timezone,
        owner_zone=zone,
        cron=cron,
        pattern=pattern,
        within_hours=within / 3600,
        grace_hours=min(1.5, within / 3600) if cadence.every_seconds and cron else 1.5,
        need_by=f"{need_by.at:%H:%M}" if need_by is not None else by_end,
        need_by_days=need_by.days if need_by is not None else cadence.days if pattern is not None else 0,
        need_by_zone=need_by.timezone if need_by is not None else "",
        lag_days=cadence.days,
        holidays=_holidays(cadence.country, tuple(years)) if cadence.country else frozenset(),
        empty_is_news=empty_is_news,
    )


_holidays = cache(days_off)


def _slots(feed: str, cadence: Cadence) -> tuple[str, Pattern | None, float]:
    """Return cron text, pattern of days, and seconds of patience, by what is declared."""
    if cadence.every_seconds is None:
        return cadence.cron, None, cadence.within_seconds
    period = cadence.every_seconds
    patience = cadence.within_seconds or period
    if period % _DAY == 0:
        days = round(period / _DAY)
        return "", EVERY_DAY if days == 1 else Pattern(shape="every", numbers=(days,)), 0.0
    minutes = period / _MINUTE
    if minutes >= 1 and minutes < 60 and 60 % minutes == 0:
        return f"*/{round(minutes)} * * * *", None, patience
    if minutes % 60 == 0 and 1440 % minutes == 0:
        return f"0 */{round(minutes / 60)} * * *", None, patience
    raise CharterError(
        "BH-WAT-036",
        f"batches of {feed} are declared to come every {period:g} s, which is no part of a day",
        means="It is not known at what times of the day they are due.",
        fix="Write `every` as 15m, 1h, 6h, 1d or 7d, or write the times as cron.",
    )
