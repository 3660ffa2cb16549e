"""Features of results as numbers, as the reference knew them: bins, categories, and what is not there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Value = str | int | float | bool | None
Floats = NDArray[np.float64]
BINS = 10
CATEGORIES = 20
UNSEEN = 0.01
"""Share of results with categories the reference never had, from which nothing is estimated."""
GONE = 0.5
MORE_NULLS, TWICE = 0.02, 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Both as numbers. ``forbids`` and ``warns`` say in words what keeps the reference from speaking for the
    batch."""

    reference: Floats
    batch: Floats
    forbids: str = ""
    warns: str = ""


def compared(reference: Sequence[Mapping[str, Value]], batch: Sequence[Mapping[str, Value]]) -> Compared:
    """Return reference and batch, encoded alike by what the reference holds."""
    names = sorted({name for row in reference for name in row})
    columns: list[tuple[Floats, Floats]] = []
    forbids, warns = [], []
    for name in names:
        known, new = [row.get(name) for row in reference], [row.get(name) for row in batch]
        forbid, warn = _nulls(name, known, new)
        if _is_number(known):
            columns += _binned(known, new)
        else:
            unseen = _unseen(known, new)
            forbid = forbid or (
                f"`{name}` has {_percent(unseen)} values unknown before." if unseen >= UNSEEN else ""
            )
            warn = warn or (f"`{name}` has values unknown before." if unseen else "")
            columns += _categories(known, new)
        forbids += [forbid] if forbid else []
        warns += [warn] if warn else []
    return Compared(
        reference=_stacked([column[0] for column in columns], len(reference)),
        batch=_stacked([column[1] for column in columns], len(batch)),
        forbids=" ".join(forbids),
        warns=" ".join(warns),
    )


def _is_number(values: Sequence[Value]) -> bool:
    there = [value for value in values if value is not None]
    return bool(there) and all(
        isinstance(value, (int, float)) and not isinstance(value, bool) for value in there
    )


def _nulls(name: str, known: Sequence[Value], new: Sequence[Value]) -> tuple[str, str]:
    before, now = _share_of_none(known), _share_of_none(new)
    if now > GONE >= before:
        return f"`{name}` is missing in {_percent(now)} of results.", ""
    if now - before >= MORE_NULLS and now >= TWICE * before:
        return "", f"`{name}` is missing in {_percent(now)} of results, {_percent(before)} before."
    return "", ""


def _share_of_none(values: Sequence[Value]) -> float:
    return sum(value is None for value in values) / len(values)


def _binned(known: Sequence[Value], new: Sequence[Value]) -> list[tuple[Floats, Floats]]:
    """Return a column for each bin of the reference's quantiles, and one for what is not there."""
    before, now = _numbers(known), _numbers(new)
    edges = np.unique(np.quantile(before[~np.isnan(before)], np.linspace(0, 1, BINS + 1)[1:-1]))
    places = [np.where(np.isnan(each), -1, np.searchsorted(edges, each)) for each in (before, now)]
    return [_told(places[0] == bin_, places[1] == bin_) for bin_ in range(-1, len(edges) + 1)]


def _numbers(values: Sequence[Value]) -> Floats:
    return np.array([float(v) if isinstance(v, (int, float)) else np.nan for v in values])


def _categories(known: Sequence[Value], new: Sequence[Value]) -> list[tuple[Floats, Floats]]:
    before, now = np.array([str(v) for v in known]), np.array([str(v) for v in new])
    most = [name for name, _ in Counter(before.tolist()).most_common(CATEGORIES)]
    return [_told(before == name, now == name) for name in most]


def _unseen(known: Sequence[Value], new: Sequence[Value]) -> float:
    before = {str(value) for value in known}
    return sum(value is not None and str(value) not in before for value in new) / len(new)


def _told(before: NDArray[np.bool_], now: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    return before.astype(float), now.astype(float)


def _stacked(columns: Sequence[Floats], rows: int) -> Floats:
    return np.column_stack(columns) if columns else np.zeros((rows, 0))


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %"
