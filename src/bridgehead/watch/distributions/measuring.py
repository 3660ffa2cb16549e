"""The profile of a table in a frame: one scan for its numbers, one narrow query for each column of words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from bridgehead.watch.checks.engine import Engine, Opened
from bridgehead.watch.checks.ir import Histogram
from bridgehead.watch.checks.write import Writer
from bridgehead.watch.contract.model import Table
from bridgehead.watch.distributions.framing import grouped, numeric
from bridgehead.watch.profile import KNOWN, Column, ColumnFrame, Frame, Profile, hashed, worded
from bridgehead.watch.sketch import Distinct

MOST = 2 * KNOWN
"""Different values that are looked at one by one; what is beyond is rare, and not of the baseline."""


def profiled(frame: Frame, table: Table, engine: Engine, keys: Mapping[str, bytes]) -> Profile:
    """Return the profile of a table as it is now. Raises ``Unmeasured``.

    A column that is absent is null in every row; one whose type is another has no value of the baseline. Both
    are changes of the schema, and said there.
    """
    opened = engine.open(table)
    able = [one for one in frame.columns if _is_able(one, table, opened)]
    numbers = [column for one in able if one.numeric and (column := table.column(one.name)) is not None]
    writer = engine.writer(numeric(opened, numbers))
    written = [_expressions(one, writer) for one in able]
    row = list(engine.rows(writer.scan(["count(*)", *(part for each in written for part in each)]), 1)[0])
    rows, found = int(row.pop(0)), dict[str, Column]()
    for one, expressions in zip(able, written, strict=True):
        taken, row = row[: len(expressions)], row[len(expressions) :]
        key = keys.get(one.name, b"")
        if one.numeric:
            found[one.name] = _number(one, rows, taken, writer)
        else:
            found[one.name] = _word(one, rows, int(taken[0]), engine, writer, key)
    columns = tuple(found.get(one.name) or _unread(one, rows, opened) for one in frame.columns)
    return Profile(frame=frame.digest, rows=rows, columns=columns)


def _is_able(one: ColumnFrame, table: Table, opened: Opened) -> bool:
    name = one.name
    known = table.column(name) is not None and name in opened.relation.cells
    return known and not (name in opened.absent or name in opened.misfits or name in opened.faults)


def _expressions(one: ColumnFrame, writer: Writer) -> tuple[str, ...]:
    nulls = f"count(*) FILTER (WHERE {writer.text(one.name)} IS NULL)"
    if not one.numeric:
        return (nulls,)
    value = writer.value(one.name)
    histogram = writer.histogram(Histogram(column=one.name, edges=one.edges))
    if one.keyed:  # of a few rows, a sum or the largest is a person's number
        return (nulls, *histogram)
    squares = f"sum(CASE WHEN abs({value}) < 1e150 THEN {value} * {value} END)"
    return (nulls, f"sum({value})", squares, f"min({value})", f"max({value})", *histogram)


def _number(one: ColumnFrame, rows: int, taken: Sequence[Any], writer: Writer) -> Column:
    nulls, *rest = taken
    sums: list[Any] = [None] * 4 if one.keyed else [rest.pop(0) for _ in range(4)]
    total, squares, least, most = sums
    counts = writer.counts(Histogram(column=one.name, edges=one.edges), rest)
    return Column(
        name=one.name,
        rows=rows,
        nulls=int(nulls),
        counts=counts,
        unseen=rows - int(nulls) - sum(counts),  # text among numbers has no bin
        least=None if least is None else float(least),
        most=None if most is None else float(most),
        total=_exact(total),
        squares=_exact(squares),
        distinct=Distinct(),
    )


def _exact(total: Any) -> str:
    try:
        return str(Fraction(float(total or 0)))
    except (OverflowError, ValueError):  # together they are no float any more
        return "0"


def _word(one: ColumnFrame, rows: int, nulls: int, engine: Engine, writer: Writer, key: bytes) -> Column:
    present, words = rows - nulls, dict[str, int]()
    if one.top or one.known:
        words = {worded(word, key): number for word, number in grouped(engine, writer, one.name, MOST)}
    tops = [words.get(word, 0) for word in one.top]
    unseen = 0
    if one.known:
        unseen = present - sum(number for word, number in words.items() if hashed(word) in one.known)
    return Column(
        name=one.name,
        rows=rows,
        nulls=nulls,
        counts=(*tops, present - sum(tops)),
        unseen=unseen,
        least=None,
        most=None,
        total="0",
        squares="0",
        distinct=Distinct.of(words) if len(words) < MOST else Distinct(),
    )


def _unread(one: ColumnFrame, rows: int, opened: Opened) -> Column:
    """Return the profile of a column that is not there, or is not what it was."""
    gone = one.name in opened.absent or one.name not in opened.relation.cells
    bins = len(one.edges) + 1 if one.numeric else len(one.top) + 1
    return Column(
        name=one.name,
        rows=rows,
        nulls=rows if gone else 0,
        counts=(0,) * bins,
        unseen=0 if gone else rows,
        least=None,
        most=None,
        total="0",
        squares="0",
        distinct=Distinct(),
    )
