"""The rows a draft is made from, column by column, each value kept once: what is counted is what is there.

Text is what a file holds and what a database says a value is; a null is None, which in a CSV file is nothing
at all between two separators.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

MOST_ROWS = 200_000
"""Rows looked at, at most, drawn evenly; the clauses are then measured on all of them."""

QUOTED = "text in quotes"
"""The type of a JSON field all values of which are text: that may be a day, but never a number."""


@dataclass(frozen=True, kw_only=True)
class Sampled:
    """A column. ``codes`` holds for each row the place of its value in ``values``, -1 for a null.

    ``native`` is the type the place itself gives the column, such as ``bigint``; empty where all is text.
    """

    name: str
    values: tuple[str, ...]
    codes: np.ndarray[Any, np.dtype[np.int64]]
    native: str = ""

    @property
    def rows(self) -> int:
        """Return how many rows there are."""
        return len(self.codes)

    @cached_property
    def counts(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Return how many rows hold each value."""
        return np.bincount(self.codes[self.codes >= 0], minlength=len(self.values))

    @cached_property
    def present(self) -> int:
        """Return how many rows hold a value."""
        return int((self.codes >= 0).sum())

    @property
    def nulls(self) -> int:
        """Return how many rows hold none."""
        return self.rows - self.present

    @property
    def share_of_nulls(self) -> float:
        """Return the part of the rows that hold none; 0 where there are no rows."""
        return self.nulls / self.rows if self.rows else 0.0

    def most_frequent(self) -> list[tuple[str, int]]:
        """Return every value with its count, the most frequent first."""
        order = np.lexsort((np.arange(len(self.values)), -self.counts))
        return [(self.values[n], int(self.counts[n])) for n in order]

    def rows_of(self, values: Iterable[int]) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Return the rows that hold one of these values, given by their places."""
        chosen = np.zeros(len(self.values) + 1, dtype=bool)
        chosen[list(values)] = True
        found: np.ndarray[Any, np.dtype[np.bool_]] = chosen[self.codes] & (self.codes >= 0)
        return found


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A table. ``total`` are its rows where it was read from, of which at most ``MOST_ROWS`` are here."""

    name: str
    columns: tuple[Sampled, ...]
    total: int

    @property
    def rows(self) -> int:
        """Return how many rows were looked at."""
        return self.columns[0].rows if self.columns else 0

    def column(self, name: str) -> Sampled:
        """Return a column. Raises ``KeyError``."""
        for one in self.columns:
            if one.name == name:
                return one
        raise KeyError(name)


def column(name: str, cells: Sequence[str | None], native: str = "") -> Sampled:
    """Return a column of cells in the order of the rows."""
    known: dict[str, int] = {}
    codes = np.fromiter(
        (-1 if one is None else known.setdefault(one, len(known)) for one in cells), np.int64, len(cells)
    )
    return Sampled(name=name, values=tuple(known), codes=codes, native=native)


def sample(name: str, header: Sequence[str], rows: Sequence[Sequence[str | None]], total: int = 0) -> Sample:
    """Return a table of rows of text."""
    columns = tuple(column(one, [row[n] for row in rows]) for n, one in enumerate(header))
    return Sample(name=name, columns=columns, total=total or len(rows))
