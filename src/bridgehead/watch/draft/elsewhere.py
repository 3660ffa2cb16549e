"""Numbers and days as people write them elsewhere: with a decimal comma, or the day before the month.

A check reads ``1234.56`` and ``2026-11-22``. What is written otherwise stays text, and a question says how it
can be read: of days the contract can, of numbers only whoever writes them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from bridgehead.watch.draft.sample import Sampled

MOST = 0.95
"""The share of the rows with a value that must be written so."""
LEAST_SHARE = 0.02
"""A way of writing that fewer rows keep is an exception, not a way."""
_DECIMAL_COMMA = re.compile(r"\s*[+-]?([0-9]{1,3}(\.[0-9]{3})+|[0-9]+),[0-9]+\s*")
_DAYS = {
    "yyyy-MM-dd": (re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}"), "%Y-%m-%d"),
    "dd.MM.yyyy": (re.compile(r"[0-9]{2}\.[0-9]{2}\.[0-9]{4}"), "%d.%m.%Y"),
    "dd/MM/yyyy": (re.compile(r"[0-9]{2}/[0-9]{2}/[0-9]{4}"), "%d/%m/%Y"),
    "MM/dd/yyyy": (re.compile(r"[0-9]{2}/[0-9]{2}/[0-9]{4}"), "%m/%d/%Y"),
    "dd-MM-yyyy": (re.compile(r"[0-9]{2}-[0-9]{2}-[0-9]{4}"), "%d-%m-%Y"),
    "MM-dd-yyyy": (re.compile(r"[0-9]{2}-[0-9]{2}-[0-9]{4}"), "%m-%d-%Y"),
    "yyyyMMdd": (re.compile(r"(19|20)[0-9]{6}"), "%Y%m%d"),
}


def asked(column: Sampled) -> str:
    """Return a question about how the values of a column of text are written; empty where there is none."""
    if not column.present:
        return ""
    commas = [n for n, value in enumerate(column.values) if _DECIMAL_COMMA.fullmatch(value)]
    if _share(column, commas) >= MOST:
        return "numbers with a decimal comma: they stay text without a range; can the sender write a point?"
    return _days(column)


def _days(column: Sampled) -> str:
    """Ask about days. A form that some value cannot be read in is not the one that is meant."""
    ways: dict[str, list[str]] = {}
    covered: set[int] = set()
    for name, (form, strptime) in _DAYS.items():
        written = [n for n, value in enumerate(column.values) if form.fullmatch(value.strip())]
        if written and _share(column, written) >= LEAST_SHARE:
            covered.update(written)
            known = ways.setdefault(form.pattern, [])
            if all(_reads(column.values[n].strip(), strptime) for n in written):
                known.append(name)
    if _share(column, covered) < MOST or not all(ways.values()):
        return ""
    if len(ways) > 1:
        told = " and ".join(" or ".join(f"`{name}`" for name in known) for known in ways.values())
        return f"days are written in {len(ways)} ways, {told}: which one is meant? The check reads one."
    (known,) = ways.values()
    clause = f"`logicalType: date` with `logicalTypeOptions: {{format: {known[0]}}}`"
    if len(known) > 1:
        return f"days, but `{known[0]}` or `{known[1]}`? Declare {clause}, or the other."
    return f"days written {known[0]}: declare {clause}?"


def _share(column: Sampled, values: Sequence[int] | set[int]) -> float:
    return float(column.counts[list(values)].sum()) / column.present if values else 0.0


def _reads(text: str, form: str) -> bool:
    try:
        datetime.strptime(text, form)
    except ValueError:
        return False
    return True
