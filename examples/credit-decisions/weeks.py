"""Twelve weeks of a small bank: who applies each night, what the credit bureau drops, and what goes wrong.

The applicants are real; when they come, and what goes wrong with the bureau's file, is made up, the same
every time. Five nights a week some two dozen people apply; at four in the morning the bureau drops one file
about them. A file is written under another name and renamed: what lies there is whole.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from applicants import Applicant

Fault = Literal["", "renamed", "silent", "partial", "gaps"]
HERE = ZoneInfo("Europe/Berlin")
FIRST_DAY = date(2026, 1, 5)
WEEKS = 12
NIGHTLY = 24
FROM_THE_BUREAU = ("income", "assets", "debt")
SCRIPT: Mapping[tuple[int, int], Fault] = {
    (6, 2): "renamed",
    (7, 0): "silent",
    (8, 0): "silent",
    (8, 3): "partial",
    (9, 0): "silent",
    (10, 0): "silent",
    (11, 1): "gaps",
}
"""Week (from 1) and weekday (Monday is 0) -> what is wrong with the bureau's file of that morning."""
IN_WORDS: Mapping[Fault, str] = {
    "renamed": "the column income came as income_eur",
    "silent": "no file came, and nobody said so",
    "partial": "only the first 40 % of the file came",
    "gaps": "income was missing for two of three applicants",
}


class Night(NamedTuple):
    """The applications of one night, and what is wrong with the bureau's file about them."""

    day: date
    week: int
    applicants: Sequence[Applicant]
    fault: Fault

    def at(self, hour: int, minute: int = 0) -> datetime:
        """Return a time of its day, in the bank's time zone, as UTC."""
        return datetime.combine(self.day, time(hour, minute), tzinfo=HERE).astimezone(UTC)


def nights(
    to_come: Sequence[Applicant],
    *,
    weeks: int = WEEKS,
    nightly: int = NIGHTLY,
    script: Mapping[tuple[int, int], Fault] = SCRIPT,
) -> Iterator[Night]:
    """Yield the working nights in order. An empty ``script`` is the same time with nothing injected."""
    pace = random.Random(7)  # how many apply in a night is no secret
    begun = 0
    for week in range(1, weeks + 1):
        for weekday in range(5):
            count = nightly + pace.randint(-nightly // 12, nightly // 12)
            yield Night(
                day=FIRST_DAY + timedelta(weeks=week - 1, days=weekday),
                week=week,
                applicants=to_come[begun : begun + count],
                fault=script.get((week, weekday), ""),
            )
            begun += count


def drop(folder: Path, night: Night, *, mended: bool = False) -> Path | None:
    """Drop the bureau's file of a night as it came, or ``mended``; return it, where one came."""
    fault: Fault = "" if mended else night.fault
    if fault == "silent":
        return None
    file = folder / f"reports_{night.day}{'_again' if mended else ''}.csv"
    draft = file.with_suffix(".part")
    with draft.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        income = "income_eur" if fault == "renamed" else "income"
        writer.writerow(["application", "reported_at", income, "assets", "debt"])
        writer.writerows(_rows(night, fault))
    draft.rename(file)
    return file


def _rows(night: Night, fault: Fault) -> Iterator[list[object]]:
    at = f"{night.at(3, 30):%Y-%m-%dT%H:%M:%SZ}"
    came = night.applicants[: len(night.applicants) * 2 // 5] if fault == "partial" else night.applicants
    for place, one in enumerate(came):
        income = None if fault == "gaps" and place % 3 else one.income
        yield [one.number, at, *("" if given is None else given for given in (income, one.assets, one.debt))]
