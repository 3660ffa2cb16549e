"""What a place where data live can be asked: its columns, and read-only queries in bounded time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from bridgehead.watch.checks.write import Relation, Writer
from bridgehead.watch.contract.model import Column, Table


class Unmeasured(Exception):
    """A query that gave no answer. ``words`` say why; ``over`` is true where the time was up."""

    def __init__(self, words: str, *, over: bool = False) -> None:
        super().__init__(words)
        self.words = words
        self.over = over


@dataclass(frozen=True, slots=True, kw_only=True)
class Native:
    """A column as its place describes it, known before a row is read: ``type`` in the place's own words."""

    name: str
    type: str
    nullable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A table as it was found.

    ``relation`` reads every column of the contract that is there; ``absent`` are those that are not, and
    ``misfits`` those whose own type is another, in words. ``more`` are columns the contract does not name.
    ``faults`` are columns that cannot be read as declared. ``native`` is every column that is there, in its
    order, whether the contract names it or not.
    """

    relation: Relation
    absent: frozenset[str] = frozenset()
    misfits: Mapping[str, str] = field(default_factory=dict)
    faults: Mapping[str, str] = field(default_factory=dict)
    more: tuple[str, ...] = ()
    native: tuple[Native, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much a check may take: ``seconds`` for everything, ``memory_mib`` and ``threads`` for a query."""

    seconds: float = 600.0
    memory_mib: int = 512
    threads: int = 2


class Engine(Protocol):
    """Where data live. Nothing is ever written there."""

    dialect: str

    def writer(self, relation: Relation) -> Writer:
        """Return what writes this engine's SQL for a table."""

    def open(self, table: Table) -> Opened:
        """Look at a table. Raises ``Unmeasured``."""

    def rows(self, sql: str, most: int) -> Sequence[Sequence[Any]]:
        """Run one query and return at most so many rows. Raises ``Unmeasured``."""

    def close(self) -> None:
        """Leave."""


def by_name(names: Sequence[str], column: Column) -> str | None:
    """Return what a column is called there: exactly so, or the only name that differs in case alone."""
    if column.physical in names:
        return column.physical
    near = [name for name in names if name.lower() == column.physical.lower()]
    return near[0] if len(near) == 1 else None


def not_named(names: Sequence[str], table: Table) -> tuple[str, ...]:
    """Return columns there that the contract does not name."""
    known = {column.physical.lower() for column in table.columns}
    return tuple(name for name in names if name.lower() not in known)
