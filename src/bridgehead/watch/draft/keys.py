"""What tells the rows of a table apart: a column no value of which comes twice, or two columns together."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import combinations

import numpy as np

from bridgehead.watch.contract.model import Logical
from bridgehead.watch.draft.sample import Sample, Sampled

LEAST_ROWS = 10
SURE_ROWS = 50
"""Rows from which a column without a telling name may be a key."""
_NAMED = re.compile(
    r"(?:^|[_\W\s]|(?<=[a-z]))(?:id|uuid|guid|key|code|no|nr|num|number|isbn|sku)\d*$", re.IGNORECASE
)


def key(table: Sample, logical: Callable[[Sampled], Logical]) -> tuple[str, ...]:
    """Return the columns of the primary key; nothing where none is to be seen."""
    if table.rows < LEAST_ROWS:
        return ()
    whole = [one for one in table.columns if one.nulls == 0 and logical(one) in ("integer", "string", "date")]
    alone = [one for one in whole if is_unique(one) and logical(one) != "date" and not _is_prose(one)]
    named = [one for one in alone if is_named(one.name)]
    if named:
        return (_best(named, table.name).name,)
    if alone and table.rows >= SURE_ROWS:
        return (alone[0].name,)
    return _pair(table, whole)


def is_unique(column: Sampled) -> bool:
    """Say whether no value comes twice."""
    return bool(column.present) and len(column.values) == column.present


def is_named(name: str) -> bool:
    """Say whether a name says that it tells things apart: ``id``, ``order_no``, ``customerId``."""
    return _NAMED.search(name) is not None


def _best(named: list[Sampled], table: str) -> Sampled:
    """Return the one named after the table or plainly ``id``, else the first."""
    singular = table.lower().rstrip("s")
    own = [one for one in named if one.name.lower() == "id" or one.name.lower().startswith(singular)]
    return (own or named)[0]


def _pair(table: Sample, whole: list[Sampled]) -> tuple[str, ...]:
    if table.rows < SURE_ROWS:
        return ()
    repeated = [one for one in whole if 1 < len(one.values) < table.rows and not _is_prose(one)]
    for one, other in combinations(repeated[:12], 2):
        # A table of a few thousand rows has many pairs that happen to be distinct: the two must be as few
        # values as a pair of things can be, so that their not meeting twice says something.
        if len(one.values) * len(other.values) > 20 * table.rows:
            continue
        pairs = one.codes * len(other.values) + other.codes
        if len(np.unique(pairs)) == table.rows:
            return (one.name, other.name)
    return ()


def _is_prose(column: Sampled) -> bool:
    return any(" " in value.strip() or len(value) > 64 for value in column.values[:200])
