"""A feed as it is taken in: what the charter and the contract say of it, and where its batches lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bridgehead.declare.model import Feed
from bridgehead.declare.model import Table as Declares
from bridgehead.enforce.boundary import Boundary
from bridgehead.enforce.snapshots import FEEDS
from bridgehead.watch.arrivals.declared import Declared
from bridgehead.watch.cadence import promised
from bridgehead.watch.checks.baseline import Baseline
from bridgehead.watch.contract.model import Contract, Table
from bridgehead.watch.contract.ours import Criticality


@dataclass(frozen=True, slots=True, kw_only=True)
class Supply:
    """The feed of one table of a source. ``names`` are new names of its columns by the old ones, as people
    had accepted them when somebody began to read it."""

    boundary: Boundary
    source: str
    table: str
    contract: Contract
    baseline: Baseline | None = None
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Return what people call it: ``source.table``."""
        return f"{self.source}.{self.table}"

    @property
    def feed(self) -> Feed:
        """Return what the charter declares of it."""
        return self.boundary.charter.sources[self.source].feeds[self.table]

    @property
    def declares(self) -> Declares:
        """Return the table as the charter declares it: the columns that queries see, and their types."""
        return self.boundary.charter.sources[self.source].tables[self.table]

    @property
    def drop(self) -> Path:
        """Return the folder that batches are dropped into, as it lies on this machine."""
        return self.boundary.home / self.feed.folder

    @property
    def place(self) -> Path:
        """Return the folder that holds our copies."""
        return self.boundary.state / FEEDS / self.source / self.table

    @property
    def promised(self) -> Table | None:
        """Return the table as the contract has it; None where it says nothing of it."""
        return self.contract.table(self.table)

    @property
    def key(self) -> tuple[str, ...]:
        """Return the columns of its key, as its files call them."""
        found = [self.promised.column(name) for name in self.promised.key] if self.promised else []
        return tuple(column.physical for column in found if column is not None)

    @property
    def segmented_by(self) -> str:
        """Return the column whose usual values are in every batch; empty where the contract names none."""
        return self.promised.ours.segment if self.promised else ""

    @property
    def declared(self) -> Declared:
        """Return what the contract says of its arrivals."""
        found = promised(self.contract, self.source, self.table, self.boundary.clock.now())
        return found.declared if found is not None else Declared(feed=self.name)

    @property
    def max_staleness(self) -> float | None:
        """Return for how many seconds the last good snapshot may be read as if nothing were wrong."""
        own = self.promised.ours.max_staleness_seconds if self.promised else None
        return own if own is not None else self.contract.ours.max_staleness_seconds

    @property
    def criticality(self) -> Criticality:
        """Return how much hangs on it."""
        own = self.promised.ours.criticality if self.promised else None
        return own or self.contract.ours.criticality or "normal"

    def where(self) -> str:
        """Return ``charter.yaml:LINE`` of the feed."""
        return self.boundary.where("sources", self.source, "tables", self.table, "feed")
