"""What this house adds to a data contract, in ``customProperties``, so that every other tool still reads it.

A clause, a column, an object and the contract itself can each carry them; the nearest one holds.
``docs/reference/contract-properties.md`` shows each with an example.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time
from typing import Literal

OnBreach = Literal[
    "record", "warn", "toPerson", "raiseAudit", "lastGood", "quarantine", "hold", "block", "rollBack"
]
Criticality = Literal["low", "normal", "high", "critical"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cadence:
    """When batches arrive: cron text, every so many seconds, or neither: as their arrivals show.

    ``country`` names whose holidays count. ``days``: a batch arrives so many days after the day it is for.
    ``within_seconds``: it is late so long after it is due. ``element``: the column by which new rows of a
    table of a database are known.
    """

    cron: str = ""
    every_seconds: float | None = None
    timezone: str = "UTC"
    country: str = ""
    days: int = 0
    within_seconds: float = 0.0
    element: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedBy:
    """The time of day by which a reader needs the batch, ``days`` after the day it is for."""

    at: time
    timezone: str = "UTC"
    days: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Responses:
    """What a breach does: ``default``, and for named readers something else."""

    default: OnBreach
    readers: tuple[tuple[str, OnBreach], ...] = ()

    def of(self, reader: str) -> OnBreach:
        """Return what a breach does to a reader."""
        return dict(self.readers).get(reader, self.default)


BATCH = "{batch}"
"""Stands in the name of a file of control totals for what the batch is called, of a table with a ``feed``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlTotals:
    """Figures the sender states about a batch, in a JSON file beside it.

    ``manifest`` is that file's name, relative to the data (``BATCH`` in it is replaced); ``rows`` and
    ``sums`` name its keys, dotted where they are nested. ``sums`` are pairs of a column and a key.
    ``tolerance`` is how far a sum may be off.
    """

    manifest: str
    rows: str = ""
    sums: tuple[tuple[str, str], ...] = ()
    tolerance: float = 0.0
    where: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moves:
    """From which size on it matters that a column's values have moved; None where the contract does not say.

    ``watched`` is False where they move by nature (a running number), and nobody is to hear of it.
    """

    psi: float | None = None
    psi_act: float | None = None
    ks: float | None = None
    tv: float | None = None
    null_rate: float | None = None
    null_times: float | None = None
    unseen: float | None = None
    watched: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Ours:
    """Our additions at one place of a contract."""

    cadence: Cadence | None = None
    on_breach: Responses | None = None
    max_staleness_seconds: float | None = None
    need_by: NeedBy | None = None
    criticality: Criticality | None = None
    control_totals: ControlTotals | None = None
    empty_batch: Literal["allowed", "refused"] | None = None
    drift: Moves | None = None
    upstream: tuple[str, ...] | None = None
    """Jobs and systems its batches hang on, the nearest first: what several tables miss is theirs."""
    segment: str = ""
    """The column whose every usual value is in each batch: store, country, account class."""


NOTHING = Ours()
