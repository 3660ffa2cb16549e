"""How a column differs from what was accepted, as somebody says it who owns a process and no statistics."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import pairwise

from bridgehead.watch.drift.effects import Measure
from bridgehead.watch.profile import Column, ColumnFrame

ALIKE = 0.05
"""Averages that differ by less, as a part of what was accepted, are called alike."""


def plainly(frame: ColumnFrame, before: Column, now: Column, measures: Collection[Measure]) -> str:
    """Return what differs, for the measures that found it. Holds no value of a personal column."""
    return "; ".join(_parts(frame, before, now, measures))


def labels(frame: ColumnFrame) -> Iterator[str]:
    """Yield what each bin or value of a column is called; of a personal one by its number."""
    if frame.numeric:
        edges = [f"{edge:,.6g}" for edge in frame.edges]
        yield f"up to {edges[0]}"
        for low, high in pairwise(edges):
            yield f"{low} to {high}"
        yield f"above {edges[-1]}"
        return
    for number, word in enumerate(frame.top, 1):
        yield f"value {number}, kept as a hash" if frame.keyed else word
    yield "all other values" if frame.top else "any value"


def _parts(frame: ColumnFrame, before: Column, now: Column, measures: Collection[Measure]) -> Iterator[str]:
    if "null_rate" in measures:
        gone, had = _share(now.nulls, now.rows), _share(before.nulls, before.rows)
        yield f"{gone:.1%} of rows have no value, {had:.1%} had none"
    if "unseen" in measures:
        yield f"{_share(now.unseen, now.rows):.1%} of rows have a value that never occurred"
    if not {"psi", "ks", "tv"} & set(measures):
        return
    was, becomes = before.mean, now.mean
    if was is not None and becomes is not None and abs(becomes - was) > ALIKE * abs(was):
        yield f"{becomes:,.4g} on average, {was:,.4g} when it was accepted"
    else:
        yield _largest(frame, before, now)


def _largest(frame: ColumnFrame, before: Column, now: Column) -> str:
    """Return the bin or value whose share differs most."""
    shares = [
        (_share(becomes, now.present), _share(was, before.present), label)
        for label, was, becomes in zip(labels(frame), before.counts, now.counts, strict=True)
    ]
    becomes, was, label = max(shares, key=lambda each: abs(each[0] - each[1]))
    return f"{becomes:.1%} are {label}, {was:.1%} when it was accepted"


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
