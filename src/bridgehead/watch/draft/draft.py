"""What the objects of a place promise, from samples of them: the parts of a draft put together.

1 the objects of the place · 2 a sample of each, column by column · 3 what each column promises · 4 what
columns promise of each other, within a table and between tables · 5 by which column batches are complete.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from bridgehead.kernel.clock import Clock
from bridgehead.kernel.errors import WatchError
from bridgehead.watch.arrivals.volume import ENOUGH
from bridgehead.watch.checks.engine import Limits, Unmeasured
from bridgehead.watch.contract.model import Logical
from bridgehead.watch.draft import keys
from bridgehead.watch.draft.batches import Counted, counted
from bridgehead.watch.draft.cadence import cadence, freshness
from bridgehead.watch.draft.columns import drafted, typed
from bridgehead.watch.draft.complete import candidates, segment
from bridgehead.watch.draft.dependencies import Dependency, dependencies, grouped
from bridgehead.watch.draft.nearby import run_together
from bridgehead.watch.draft.objects import Found, in_files
from bridgehead.watch.draft.proposal import (
    DraftTable,
    LeftOut,
    Quality,
    Support,
    example,
    tolerance,
)
from bridgehead.watch.draft.reading import in_postgresql, samples
from bridgehead.watch.draft.references import referred
from bridgehead.watch.draft.sample import Sample, Sampled
from bridgehead.watch.draft.spelling import id_of

Say = Callable[[str], None]
Count = Callable[[Found, Sequence[str]], Sequence[Counted]]
OLDEST_HOURS = 24 * 400
"""How old the newest day of a column may be for anybody to be asked about its freshness."""
EMPTY = (
    "it had no row, so nothing is known but its columns: draft it again when it has, or is it often empty?"
)


class Objects(NamedTuple):
    """What a place holds: tables that could be drafted, and what could not be read."""

    tables: Sequence[DraftTable]
    left_out: Sequence[LeftOut]


def from_files(data: Path, *, limits: Limits, clock: Clock, say: Say, only: Sequence[str] = ()) -> Objects:
    """Return the draft of every object of a file or folder. Raises ``WatchError`` BH-WAT-016, 090, 091."""
    found = [one for one in in_files(data) if not only or one.name in only or one.physical in only]

    def count(one: Found, columns: Sequence[str]) -> Sequence[Counted]:
        say(f"counting {one.name} file by file")
        return counted(one, columns, limits, clock)

    return _tables(samples(found, limits, clock, say), clock.now(), say, count)


def from_postgresql(
    address: str, *, limits: Limits, clock: Clock, say: Say, only: Sequence[str] = ()
) -> Objects:
    """Return the draft of every table of a database. Raises ``WatchError`` BH-WAT-016, 090, 091."""
    return _tables(in_postgresql(address, only, limits, clock, say), clock.now(), say)


def _tables(
    read: Iterable[tuple[Found, Sample | LeftOut]], now: datetime, say: Say, count: Count | None = None
) -> Objects:
    made, kept, places, left_out = [], [], [], []
    for found, sample in read:
        if isinstance(sample, LeftOut):
            left_out.append(sample)
            continue
        say(f"drafting {found.name}: {sample.rows:,} rows, {len(sample.columns)} columns")
        made.append(table(sample, found, now))
        kept.append(sample)
        places.append(found)
    if left_out and not made:
        raise _unreadable(left_out)
    referred(made, kept)
    if count is not None:
        for drafted_one, sample, found in zip(made, kept, places, strict=True):
            _segmented(drafted_one, sample, found, count)
    return Objects(made, left_out)


def _segmented(made: DraftTable, sample: Sample, found: Found, count: Count) -> None:
    """Propose the column by which batches are complete, where there are enough of them."""
    columns = candidates(made, sample) if len(found.batches) >= ENOUGH else []
    if not columns:
        return
    try:
        rows = count(found, columns)
    except Unmeasured as fault:
        made.notes.append(f"is every value in every file? It could not be counted: {fault.words}")
        return
    references = {one.name for one in made.columns if one.reference}
    made.segment = segment(rows, references, files=len(found.batches))
    if made.segment is not None and made.segment.question():
        made.notes.append(made.segment.question())


def _unreadable(left_out: Sequence[LeftOut]) -> WatchError:
    first, more = left_out[0], f" ({len(left_out) - 1} more cannot, either)" if left_out[1:] else ""
    return WatchError(
        "BH-WAT-091", f"{first.name} cannot be read: {first.why}{more}", means="Nothing was written.",
        fix="Mend it where it comes from, or name other data.",
    )  # fmt: skip


def table(sample: Sample, found: Found, now: datetime) -> DraftTable:
    """Return the draft of one object."""
    kinds = {one.name: typed(one) for one in sample.columns}
    logical = {name: kind.logical if not kind.failing else "string" for name, kind in kinds.items()}
    made = DraftTable(
        name=found.name, physical=found.physical, rows=sample.total, looked_at=sample.rows,
        columns=[drafted(one, logical[one.name], kinds[one.name]) for one in sample.columns],
        cadence=cadence(found.days),
    )  # fmt: skip
    if not sample.total:
        made.notes.append(EMPTY)
    _keyed(made, sample, logical)
    for one in _chosen(dependencies(sample), sample):
        made.quality.append(_decided(made, sample, one))
    for name, other, rows in run_together(sample):
        made.notes.append(f"in {int(rows.sum()):,} rows `{name}` also holds what belongs into `{other}`")
    _fresh(made, sample, now)
    if len(found.days) > 1:
        _for_one_batch(made, sample.rows, sample.total / len(found.days))
    return made


def _for_one_batch(made: DraftTable, rows: int, at_a_time: float) -> None:
    """Widen every share by what chance does to a batch of that size: each is checked by itself later."""
    places = [made.quality, *(column.quality for column in made.columns)]
    for clauses in places:
        clauses[:] = [replace(one, tolerance=tolerance(one.support, rows, at_a_time)) for one in clauses]


def _keyed(made: DraftTable, sample: Sample, logical: dict[str, Logical]) -> None:
    key = keys.key(sample, lambda one: logical[one.name])
    for position, name in enumerate(key, 1):
        column = made.column(name)
        column.key_position = position
        column.supports.append(Support(clause="primaryKey", rows=sample.rows))
    for one in sample.columns:
        column = made.column(one.name)
        if keys.is_unique(one) and keys.is_named(one.name) and one.present >= keys.LEAST_ROWS and not (
            column.key_position or column.logical in ("number", "date", "timestamp")
        ):  # fmt: skip
            column.unique = True
            column.supports.append(Support(clause="unique", rows=one.present))


def _chosen(known: list[Dependency], sample: Sample) -> list[Dependency]:
    """Return one strict dependency for each column that has any: of about equally good ones the widest.

    Where two columns decide each other, the one that does it better is kept, else the one further left.
    """
    order = {column.name: n for n, column in enumerate(sample.columns)}
    strict = {(one.by, one.of): one for one in known if one.kind == "strict"}

    def leads(one: Dependency) -> bool:
        back = strict.get((one.of, one.by))
        return back is None or (-one.support, order[one.by]) < (-back.support, order[one.of])

    leading = [one for one in strict.values() if leads(one)]
    chosen = []
    for of in dict.fromkeys(one.of for one in leading):
        mine = [one for one in leading if one.of == of]
        best = max(one.support for one in mine)
        good = [one for one in mine if one.support >= best - 0.01]
        chosen.append(min(good, key=lambda one: (len(sample.column(one.by).values), one.by)))
    return chosen


def _decided(made: DraftTable, sample: Sample, one: Dependency) -> Quality:
    by, of = sample.column(one.by), sample.column(one.of)
    support = _broken(by, of, made.column(one.by).personal or made.column(one.of).personal, sample.rows)
    return Quality(
        id=id_of(f"{one.by}_decides_{one.of}"),
        body={"metric": "dependency", "properties": [one.by], "column": one.of},
        tolerance=tolerance(support, sample.rows), support=support, is_ours=True,
    )  # fmt: skip


def _broken(by: Sampled, of: Sampled, personal: bool, rows: int) -> Support:
    groups = grouped(by, of)
    both = (by.codes >= 0) & (of.codes >= 0)
    other = both & (of.codes != groups.top[by.codes])
    told = []
    for row in other.nonzero()[0][:3]:
        place = by.codes[row]
        told.append(
            f"{example(by.values[place], personal)} with {example(of.values[of.codes[row]], personal)}, "
            f"else {example(of.values[groups.top[place]], personal)}"
        )
    clause = f"`{by.name}` decides `{of.name}`"
    return Support(clause=clause, rows=rows, against=int(other.sum()), examples=tuple(told))


def _fresh(made: DraftTable, sample: Sample, now: datetime) -> None:
    """Propose the freshness of the column whose newest value is the latest."""
    best: tuple[float, float, str] | None = None
    for one in sample.columns:
        if made.column(one.name).logical in ("date", "timestamp"):
            found = freshness(one, now)
            if found is not None and found[1] >= -24 and (best is None or found[1] < best[0]):
                best = (found[1], found[0], one.name)
    if best is None:
        return
    age, hours, name = best
    if age > OLDEST_HOURS:
        return  # days of birth, or data that do not come any more
    if age <= hours:
        made.freshness = (name, hours)
    else:
        made.notes.append(
            f"the newest `{name}` is {age / 24:,.0f} days old: for data that still come, a freshness of "
            f"{hours:g} h would fit their rhythm"
        )
