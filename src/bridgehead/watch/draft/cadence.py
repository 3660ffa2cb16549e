"""How often batches come, from the days their files are named after; and how old the newest row may be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from itertools import pairwise

from bridgehead.watch.draft.sample import Sampled

LEAST_BATCHES = 3
_WEEKDAYS = 5
_LEAST_DAYS = 5


def cadence(days: Sequence[date]) -> Mapping[str, str] | None:
    """Return a cadence as the contract writes it; nothing where the days follow no rhythm.

    At which hour batches come, no name says: a cron line has noon, for a person to correct.
    """
    if len(days) < LEAST_BATCHES:
        return None
    gaps = Counter((after - before).days for before, after in pairwise(days))
    usual, times = gaps.most_common(1)[0]
    if all(day.weekday() < _WEEKDAYS for day in days) and set(gaps) <= {1, 3} and len(days) > _WEEKDAYS:
        return {"cron": "0 12 * * 1-5", "timezone": "UTC"}
    if len({day.day for day in days}) == 1 and all(28 <= gap <= 31 for gap in gaps):
        return {"cron": f"0 12 {days[0].day} * *", "timezone": "UTC"}
    if times < 0.8 * sum(gaps.values()) or any(gap % usual for gap in gaps):
        return None
    if usual == 7:
        return {"cron": f"0 12 * * {days[0].isoweekday() % 7}", "timezone": "UTC"}
    return (
        {"cron": "0 12 * * *", "timezone": "UTC"} if usual == 1 else {"every": f"{usual}d", "timezone": "UTC"}
    )


def freshness(column: Sampled, now: datetime) -> tuple[float, float] | None:
    """Return how many hours old the newest value may be, and how old it is; nothing without a rhythm.

    Twice the widest gap between days that have rows, the longest twentieth left out, and at least a day.
    """
    days = sorted({day for value in column.values if (day := _day(value)) is not None})
    if len(days) < _LEAST_DAYS:
        return None
    gaps = sorted((after - before).days for before, after in pairwise(days))
    usual = gaps[min(len(gaps) - 1, int(0.95 * len(gaps)))]
    newest = datetime.combine(days[-1], time(), UTC)
    return float(max(2, 2 * usual) * 24), (now - newest).total_seconds() / 3600


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text.strip()[:10])
    except ValueError:
        return None
