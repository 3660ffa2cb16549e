"""The two engines that checks run on, and what of SQL is theirs alone."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from bridgehead.watch.checks.ir import Histogram
from bridgehead.watch.checks.write import Writer, literal


class DuckdbWriter(Writer):
    """DuckDB: files."""

    dialect = "duckdb"

    def matches(self, value: str, pattern: str) -> str:
        return f"regexp_matches({value}, {literal(pattern)})"

    def double(self, value: str) -> str:
        return f"CAST({value} AS DOUBLE)"

    def unmatched(self, mine: str, theirs: str, on: str) -> str:
        return f"SELECT count(*) FROM {mine} ANTI JOIN {theirs} ON {on}"  # noqa: S608

    def histogram(self, metric: Histogram) -> tuple[str, ...]:
        """Return one histogram over edges: four times cheaper than a filtered count for each (measured)."""
        edges = ", ".join(f"{self.number(edge)}::DOUBLE" for edge in metric.edges)
        return (f"histogram({self.double(self.value(metric.column))}, [{edges}])",)

    def counts(self, metric: Histogram, values: Sequence[object]) -> tuple[int, ...]:
        found = values[0]
        if not isinstance(found, Mapping):
            return (0,) * (len(metric.edges) + 1)
        below = [int(found.get(edge, 0)) for edge in metric.edges]
        return (*below, sum(int(count) for count in found.values()) - sum(below))


class PostgresqlWriter(Writer):
    """PostgreSQL."""

    dialect = "postgres"

    def matches(self, value: str, pattern: str) -> str:
        # A word boundary is \y there, and \b a backspace.
        said = re.sub(r"\\(.)", lambda found: {"b": r"\y", "B": r"\Y"}.get(found[1], found[0]), pattern,
                      flags=re.DOTALL)  # fmt: skip
        return f"({value} ~ {literal(said)})"

    def exact(self, value: str) -> str:
        return f"CAST({value} AS NUMERIC(38, 6))"
