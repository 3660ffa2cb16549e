"""What a batch holds, counted: rows, hashes, sums, segments of CSV and JSON lines; others by their bytes."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import PurePath

from bridgehead.watch.arrivals.duplicates import Fingerprint, hashed, overlap, smallest
from bridgehead.watch.arrivals.event import Total
from bridgehead.watch.arrivals.manifest import Manifest

_LONGEST = 10_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What was counted; ``rows`` None for a format whose rows are counted by the scan of checks instead."""

    rows: int | None
    content: str
    keys: str
    overlap: float | None
    smallest: tuple[int, ...]
    schema: str
    segments: tuple[tuple[str, int], ...]
    sums: dict[str, Decimal | None] = field(default_factory=dict)

    def against(self, promised: Manifest) -> tuple[Total, ...]:
        """Return what the sender says beside what was counted; a column that cannot be summed counts as 0."""
        found = []
        if promised.rows is not None and self.rows is not None:
            found.append(Total(name="rows", said=Decimal(promised.rows), counted=Decimal(self.rows)))
        if self.rows is not None:
            for name, said in promised.sums:
                found.append(Total(name=name, said=said, counted=self.sums.get(name) or Decimal(0)))
        return tuple(found)


def measured(
    parts: Sequence[tuple[str, bytes]], key: Sequence[str], segment: str, before: Sequence[int]
) -> Batch:
    """Return what the files of a batch hold. ``before`` are the smallest key hashes of the last one.

    What is not CSV or JSON lines, or is not text, is known by its bytes alone.
    """
    try:
        tables = [_table(name, content) for name, content in parts]
    except (UnicodeDecodeError, csv.Error, ValueError, RecursionError):
        tables = [None]
    known = [each for each in tables if each is not None]
    if len(known) < len(tables):
        digests = sorted(hashlib.sha256(content).hexdigest() for _, content in parts)
        content = hashlib.sha256("".join(digests).encode()).hexdigest()
        return Batch(rows=None, content=content, keys="", overlap=None, smallest=(), schema="", segments=())
    return _counted(known, key, segment, before)


def hashes(parts: Sequence[tuple[str, bytes]], key: Sequence[str]) -> frozenset[int]:
    """Return a hash for each row of a batch: of its key, or of all of it where there is none. Of what is not
    CSV or JSON lines, or has no such columns, nothing."""
    found: set[int] = set()
    try:
        for columns, rows in filter(None, (_table(name, content) for name, content in parts)):
            if not set(key) <= set(columns):
                return frozenset()
            places = [columns.index(each) for each in key] or range(len(columns))
            found |= {hashed([_at(row, place) for place in places]) for row in rows}
    except (UnicodeDecodeError, csv.Error, ValueError, RecursionError):
        return frozenset()
    return frozenset(found)


def _counted(
    tables: Iterable[tuple[list[str], list[list[str]]]],
    key: Sequence[str],
    segment: str,
    before: Sequence[int],
) -> Batch:
    whole, keys, hashes, names = Fingerprint(), Fingerprint(), set[int](), list[str]()
    counts, sums = Counter[str](), dict[str, Decimal | None]()
    for columns, rows in tables:
        names = names or columns
        places = [columns.index(each) for each in key if each in columns]
        of_key = (
            [hashed([_at(row, place) for place in places]) for row in rows]
            if len(places) == len(key) > 0
            else []
        )
        whole += _print(hashed(row) for row in rows)
        keys += _print(of_key)
        hashes |= set(of_key)
        if segment in columns:
            counts.update(_at(row, columns.index(segment)) for row in rows)
        for place, column in enumerate(columns):
            sums[column] = _sum(sums.get(column, Decimal(0)), (_at(row, place) for row in rows))
    few = smallest(hashes)
    return Batch(
        rows=whole.rows,
        content=whole.text(),
        keys=keys.text(),
        overlap=overlap(few, before) if few and before else None,
        smallest=few or tuple(before),
        schema=hashlib.sha256("\x1f".join(names).encode("utf-8", "surrogatepass")).hexdigest()[:16],
        segments=tuple(sorted(counts.items())),
        sums=sums,
    )


def _table(name: str, content: bytes) -> tuple[list[str], list[list[str]]] | None:
    """Return columns and rows of a file as text; None where its format is not one of ours."""
    kind = PurePath(name).suffix.lower()
    if kind in (".csv", ".tsv"):
        text = io.StringIO(content.decode("utf-8-sig"), newline="")
        csv.field_size_limit(_LONGEST)
        rows = list(csv.reader(text, delimiter="\t" if kind == ".tsv" else ","))
        rows = [row for row in rows if row]
        return (rows[0], rows[1:]) if rows else ([], [])
    if kind in (".jsonl", ".ndjson"):
        return _json_lines(content.decode("utf-8"))
    return None


def _json_lines(text: str) -> tuple[list[str], list[list[str]]]:
    records = [json.loads(line) for line in text.splitlines() if line.strip()]
    if not all(isinstance(record, dict) for record in records):
        raise ValueError("a line that is no object")
    columns = sorted({name for record in records for name in record})
    return columns, [[_text(record.get(column)) for column in columns] for record in records]


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _at(row: Sequence[str], place: int) -> str:
    return row[place] if place < len(row) else ""


def _print(hashes: Iterable[int]) -> Fingerprint:
    found = Fingerprint()
    for one in hashes:
        found += Fingerprint(rows=1, total=one, mixed=one)
    return found


def _sum(before: Decimal | None, values: Iterator[str]) -> Decimal | None:
    """Return a sum with more values; None once there is one that is no number."""
    if before is None:
        return None
    try:
        total = sum((Decimal(value) for value in values if value), start=before)
    except InvalidOperation:
        return None
    return total if total.is_finite() else None
