"""How far two profiles of a column are apart, each number beside the noise it would show anyway."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal

from bridgehead.watch.profile import Column

Measure = Literal["psi", "ks", "tv", "null_rate", "unseen"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """A distance between a batch and what it is compared with; ``floor`` is what chance alone brings.

    ``before`` and ``now`` are the two shares, for measures that compare shares.
    """

    measure: Measure
    size: float
    floor: float
    before: float = 0.0
    now: float = 0.0


def effects(column: Column, reference: Column, *, numeric: bool) -> tuple[Effect, ...]:
    """Return the effects of a column: PSI with KS (numbers) or total variation, null rate, unseen values.

    Nothing is compared where one side has no rows.
    """
    if not column.rows or not reference.rows:
        return ()
    found = [_null_rate(column, reference), _unseen(column)]
    if column.present and reference.present:
        found.append(_psi(column.counts, reference.counts))
        found.append((_ks if numeric else _tv)(column.counts, reference.counts))
    return tuple(found)


def _psi(now: Sequence[int], before: Sequence[int]) -> Effect:
    """Population stability index, half a row added to each bin; its mean under no change is the floor."""
    used = [(a, b) for a, b in zip(now, before, strict=True) if a or b]
    n, m = sum(now), sum(before)
    p = [(a + 0.5) / (n + 0.5 * len(used)) for a, _ in used]
    q = [(b + 0.5) / (m + 0.5 * len(used)) for _, b in used]
    size = sum((a - b) * math.log(a / b) for a, b in zip(p, q, strict=True))
    return Effect(measure="psi", size=size, floor=(len(used) - 1) * (1 / n + 1 / m))


def _ks(now: Sequence[int], before: Sequence[int]) -> Effect:
    """Kolmogorov-Smirnov distance at the frozen edges."""
    n, m = sum(now), sum(before)
    apart = (abs(a / n - b / m) for a, b in zip(accumulate(now), accumulate(before), strict=True))
    return Effect(measure="ks", size=max(apart), floor=1.36 * math.sqrt(1 / n + 1 / m))


def _tv(now: Sequence[int], before: Sequence[int]) -> Effect:
    """Total variation: the share of rows that would have to change their value. The floor is its mean."""
    n, m = sum(now), sum(before)
    size = sum(abs(a / n - b / m) for a, b in zip(now, before, strict=True)) / 2
    pooled = [(a + b) / (n + m) for a, b in zip(now, before, strict=True)]
    spread = sum(math.sqrt(p * (1 - p) * (1 / n + 1 / m) * 2 / math.pi) for p in pooled)
    return Effect(measure="tv", size=size, floor=spread / 2)


def _null_rate(now: Column, before: Column) -> Effect:
    a, b = now.nulls / now.rows, before.nulls / before.rows
    floor = math.sqrt(max(b * (1 - b), 1 / before.rows) * (1 / now.rows + 1 / before.rows))
    return Effect(measure="null_rate", size=a - b, floor=floor, before=b, now=a)


def _unseen(now: Column) -> Effect:
    share = now.unseen / now.rows
    return Effect(measure="unseen", size=share, floor=1 / now.rows, before=0.0, now=share)
