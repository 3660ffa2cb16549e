"""The same model on the same data with nothing around it: what would have gone out.

A script of the kind that runs in many places at six in the morning: read the files that are there, join, fill
what is missing, score, send. It is run beside the deployment, on the same folder at the same hour; every
figure about "without Bridgehead" is counted from its letters.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from scorecard import score


class Letter(NamedTuple):
    """A decision that went out: ``missing`` are the fields for which the pilot's median stood in."""

    number: int
    day: date
    decision: str
    missing: tuple[str, ...]


class Without:
    """The nightly script, and the letters it sent."""

    def __init__(self, model: Mapping[str, Any], drop: Path) -> None:
        self._model, self._drop = model, drop
        self.letters: dict[int, Letter] = {}

    def morning(self, day: date, applications: Iterable[Mapping[str, Any]]) -> None:
        """Decide on what is open, on whatever lies in the folder."""
        reports = self._reports()
        for one in applications:
            number = int(one["number"])
            if number not in self.letters:
                found = score({**one, **reports.get(number, {})}, self._model)
                self.letters[number] = Letter(number, day, found.decision, found.missing)

    def _reports(self) -> dict[int, dict[str, Any]]:
        found = {}
        for file in sorted(self._drop.glob("reports_*.csv")):
            with file.open(encoding="utf-8") as stream:
                for row in csv.DictReader(stream):
                    told = {name: row.get(name) for name in ("income", "assets", "debt")}
                    found[int(row["application"])] = {
                        name: int(value) if value else None for name, value in told.items()
                    }
        return found
