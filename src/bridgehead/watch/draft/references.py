"""Which column of a table names rows of another: every value is a key there, and the names agree."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from bridgehead.watch.draft.proposal import DraftColumn, DraftTable, Support, measured
from bridgehead.watch.draft.sample import Sample, Sampled

LEAST_VALUES = 2
NEARLY = 0.98


def referred(tables: Sequence[DraftTable], samples: Sequence[Sample]) -> None:
    """Add to each column the reference it seems to be; one with orphans is only noted."""
    for table, sample in zip(tables, samples, strict=True):
        for column in table.columns:
            for target, key, there in _targets(table, column, tables, samples):
                if _refers(column, sample, f"{target.name}.{key.name}", there):
                    break


def _targets(
    table: DraftTable, column: DraftColumn, tables: Sequence[DraftTable], samples: Sequence[Sample]
) -> Iterator[tuple[DraftTable, DraftColumn, Sampled]]:
    for target, sample in zip(tables, samples, strict=True):
        single = [one for one in target.columns if one.key_position]
        if target is table or len(single) != 1 or single[0].logical != column.logical:
            continue
        if _agree(column.name, target.name, single[0].name):
            yield target, single[0], sample.column(single[0].name)


def _refers(column: DraftColumn, sample: Sample, to: str, there: Sampled) -> bool:
    mine, known = sample.column(column.name), set(there.values)
    if len(mine.values) < LEAST_VALUES or there.rows < len(known):
        return False
    orphans = [n for n, value in enumerate(mine.values) if value not in known]
    support = measured(f"every value is one of {to}", mine, orphans, column.personal)
    if support.share < NEARLY:
        return False
    if support.against:
        column.notes.append(f"a reference to {to}? {support.words()}")
    else:
        column.reference = to
        column.supports.append(Support(clause=f"reference to {to}", rows=support.rows))
    return True


def _agree(column: str, table: str, key: str) -> bool:
    """Say whether a column is named after a table or its key: ``customer_id`` of ``customers``."""
    mine, other, named = _words(column), _words(table), _words(key)
    return (
        (mine == named and len(named) > 1)
        or mine[: len(other)] == other
        or (len(named) > 0 and mine[-len(other) - len(named) :] == [*other, *named])
    )


def _words(name: str) -> list[str]:
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+", name)
    return [_singular(one.lower()) for one in parts]


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    return word[:-1] if word.endswith("s") and not word.endswith("ss") and len(word) > 3 else word
