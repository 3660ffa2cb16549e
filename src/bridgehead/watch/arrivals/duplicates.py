"""Whether a batch was here before: sent again, corrected, or overlapping with the one before.

A batch is known by two hashes that do not depend on the order of its rows: of all it holds, and of its keys.
Each is the sum and the exclusive or of the hashes of its rows, so that parts can be hashed apart and added.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Literal

from bridgehead.watch.arrivals.deadline import median
from bridgehead.watch.arrivals.event import Arrival, Noticed
from bridgehead.watch.arrivals.state import Feed, Remembered

KEPT = 90
"""Batches remembered."""
SMALLEST = 1024
"""Hashes of keys kept of a batch, the smallest: enough to tell 5 % from nothing."""
OVERLAP = 0.05
_WIDTH = 1 << 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """Rows counted, summed and xored as hashes; add two for the batch they make up. Empty is the zero."""

    rows: int = 0
    total: int = 0
    mixed: int = 0

    def __add__(self, other: Fingerprint) -> Fingerprint:
        return Fingerprint(
            rows=self.rows + other.rows,
            total=(self.total + other.total) % _WIDTH,
            mixed=self.mixed ^ other.mixed,
        )

    def text(self) -> str:
        """Return it as text; equal batches have equal text, whatever the order of their rows."""
        return f"{self.rows}-{self.total:016x}-{self.mixed:016x}" if self.rows else ""


def fingerprint(rows: Iterable[Sequence[str]]) -> Fingerprint:
    """Return the fingerprint of rows, each a sequence of its values as text."""
    count = total = mixed = 0
    for row in rows:
        one = hashed(row)
        count, total, mixed = count + 1, total + one, mixed ^ one
    return Fingerprint(rows=count, total=total % _WIDTH, mixed=mixed)


def hashed(row: Sequence[str]) -> int:
    """Return the hash of a row; ``("a", "bc")`` and ``("ab", "c")`` differ."""
    joined = "\x1f".join(row).encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(joined, digest_size=8).digest())


def smallest(hashes: Iterable[int]) -> tuple[int, ...]:
    """Return the smallest hashes of keys, sorted: what is kept of a batch to measure overlap."""
    return tuple(sorted(set(hashes))[:SMALLEST])


def overlap(new: Sequence[int], old: Sequence[int]) -> float:
    """Return about which share of a batch's keys the other held, from the smallest hashes of both."""
    if not new or not old:
        return 0.0
    # Beyond the last one kept of a full list nothing is known about it.
    limit = old[-1] if len(old) == SMALLEST else _WIDTH
    known, held = [each for each in new if each <= limit], set(old)
    return sum(each in held for each in known) / len(known) if known else 0.0


def duplicates(feed: Feed, arrival: Arrival) -> tuple[Feed, tuple[Noticed, ...]]:
    """Return the feed with the batch remembered, and what is said of it; a re-send is not."""
    if same := next(
        (old for old in feed.batches if arrival.content and old.content == arrival.content), None
    ):
        return feed, (sent_again(arrival, same.batch),)
    found = _correction(feed, arrival) or _overlapping(feed, arrival)
    one = Remembered(batch=arrival.batch, content=arrival.content, keys=arrival.keys)
    overlaps = feed.overlaps if arrival.overlap is None else (*feed.overlaps, arrival.overlap)
    feed = replace(feed, batches=(*feed.batches, one)[-KEPT:], overlaps=overlaps[-KEPT:])
    return feed, (found,) if found else ()


def sent_again(arrival: Arrival, same: str) -> Noticed:
    """Return what is said of a batch that holds what another one held."""
    held = "it held before" if same == arrival.batch else f"{same} held"
    return _said(arrival, "duplicate", f"holds exactly what {held}: it was sent again.")


def _correction(feed: Feed, arrival: Arrival) -> Noticed | None:
    if arrival.replaces:
        words = f"holds all rows of {arrival.replaces}, which was kept apart, and takes its place."
        return replace(_said(arrival, "correction", words), fix="Nothing to do: nobody had read that one.")
    for old in reversed(feed.batches):
        if old.batch == arrival.batch or (arrival.keys and old.keys == arrival.keys):
            return _said(arrival, "correction", f"brings other values for what {old.batch} held.")
    return None


def _overlapping(feed: Feed, arrival: Arrival) -> Noticed | None:
    """Say that a batch repeats the one before in part, where batches of this feed do not."""
    if arrival.overlap is None or arrival.overlap <= OVERLAP:
        return None
    if len(feed.overlaps) < 3 or median(feed.overlaps) > OVERLAP / 5:
        return None
    return _said(arrival, "overlap", f"holds {arrival.overlap:.0%} of its keys a second time.")


_FIXES = {
    "duplicate": "Nothing to do: it was set aside, and what was done for it is not done again.",
    "correction": "Decide whether what was done on the old values is to be looked at again.",
    "overlap": "Have the sender say which rows are new; nothing of it was used.",
}


def _said(arrival: Arrival, kind: Literal["duplicate", "correction", "overlap"], words: str) -> Noticed:
    return Noticed(
        kind=kind,
        feed=arrival.feed,
        at=arrival.at,
        day=max(arrival.about, default=None),
        words=f"Batch {arrival.batch} {words}",
        fix=_FIXES[kind],
        numbers=() if arrival.overlap is None else (("overlap", arrival.overlap),),
    )
