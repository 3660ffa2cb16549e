"""What a batch looks like, in a few numbers a column, such that profiles of parts add up to the whole's.

Bins and categories are frozen with the accepted baseline (``Frame``): else two batches could be neither
compared nor added. Profiles are then a commutative monoid: ``a + b == b + a``, ``(a + b) + c == a + (b +
c)``, ``a + EMPTY == a``, to the bit. Frames of another baseline do not add; that is an error, not a guess.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from hashlib import blake2b

from bridgehead.kernel.canonical import digest
from bridgehead.watch.sketch import Distinct

BINS = 20
TOP = 50
KNOWN = 10_000
"""Different values of a column up to which every one is known, and a new one therefore new."""
ONCE = 0.005
"""Share of rows whose value occurs once, beyond which new values are expected (Good, 1953): half of what is
relevant."""

Value = float | int | str | bool | Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnFrame:
    """How a column is counted. ``edges`` of bins for numbers; ``top`` values counted one by one for others.

    ``known`` are hashes of every value of the baseline, empty where there were too many to know. ``keyed``
    columns are personal: ``top`` then holds hashes under the deployment's key.
    """

    name: str
    edges: tuple[float, ...] = ()
    top: tuple[str, ...] = ()
    known: frozenset[int] = frozenset()
    keyed: bool = False

    @property
    def numeric(self) -> bool:
        """Whether its values are numbers that are binned."""
        return bool(self.edges)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The frozen frame of a table: its columns, and the digest that profiles of it carry."""

    columns: tuple[ColumnFrame, ...]
    digest: str

    def column(self, name: str) -> ColumnFrame:
        """Return a column's frame. Raises ``KeyError`` for one that the baseline has not."""
        return next(each for each in self.columns if each.name == name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column's profile.

    ``counts`` are rows per bin (one before the first edge, one after the last), or per top value and the
    rest. ``unseen`` counts rows whose value the baseline never had. ``total`` and ``squares`` are exact
    sums of what was rounded once per batch, as ``numerator/denominator``.
    """

    name: str
    rows: int
    nulls: int
    counts: tuple[int, ...]
    unseen: int
    least: float | None
    most: float | None
    total: str
    squares: str
    distinct: Distinct

    def __add__(self, other: Column) -> Column:
        return Column(
            name=self.name,
            rows=self.rows + other.rows,
            nulls=self.nulls + other.nulls,
            counts=tuple(a + b for a, b in zip(self.counts, other.counts, strict=True)),
            unseen=self.unseen + other.unseen,
            least=min((x for x in (self.least, other.least) if x is not None), default=None),
            most=max((x for x in (self.most, other.most) if x is not None), default=None),
            total=str(Fraction(self.total) + Fraction(other.total)),
            squares=str(Fraction(self.squares) + Fraction(other.squares)),
            distinct=self.distinct + other.distinct,
        )

    @property
    def present(self) -> int:
        """Rows that have a value."""
        return self.rows - self.nulls

    @property
    def mean(self) -> float | None:
        """The mean of the numbers; None without any."""
        return float(Fraction(self.total) / self.present) if self.present and self.least is not None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A batch's profile, or that of several added up; ``frame`` is empty only for the profile of nothing."""

    frame: str = ""
    rows: int = 0
    columns: tuple[Column, ...] = ()

    def __add__(self, other: Profile) -> Profile:
        if not self.frame or not other.frame:
            return self if self.frame else other
        if self.frame != other.frame:
            raise ValueError("profiles in the frames of two baselines do not add up")
        columns = tuple(a + b for a, b in zip(self.columns, other.columns, strict=True))
        return Profile(frame=self.frame, rows=self.rows + other.rows, columns=columns)

    def column(self, name: str) -> Column:
        """Return a column's profile. Raises ``KeyError``."""
        for each in self.columns:
            if each.name == name:
                return each
        raise KeyError(name)


EMPTY = Profile()


def added(profiles: Iterable[Profile]) -> Profile:
    """Return the profile of all batches together."""
    whole = EMPTY
    for each in profiles:
        whole += each
    return whole


def framed(table: Mapping[str, Sequence[Value]], personal: Mapping[str, bytes] | None = None) -> Frame:
    """Return the frame of an accepted baseline: 20 quantile bins of numbers, the top 50 of other values.

    ``personal`` columns are counted under hashes, with the key given.
    """
    columns = tuple(_framed(name, values, (personal or {}).get(name, b"")) for name, values in table.items())
    told = [
        [each.name, [repr(edge) for edge in each.edges], list(each.top), sorted(map(str, each.known))]
        for each in columns
    ]
    return Frame(columns=columns, digest=digest(told)[:16])


def profiled(
    frame: Frame, table: Mapping[str, Sequence[Value]], personal: Mapping[str, bytes] | None = None
) -> Profile:
    """Return the profile of a batch in a frame. A column that is absent counts as null in every row.

    That a column is absent, or of another type, is a schema change and said there.
    """
    rows = max((len(values) for values in table.values()), default=0)
    columns = (
        _profiled(each, table.get(each.name, [None] * rows), (personal or {}).get(each.name, b""))
        for each in frame.columns
    )
    return Profile(frame=frame.digest, rows=rows, columns=tuple(columns))


def _framed(name: str, values: Sequence[Value], key: bytes) -> ColumnFrame:
    there = [value for value in values if not _null(value)]
    numbers = [number for value in there if (number := _number(value)) is not None]
    if there and len(numbers) == len(there) and len(set(numbers)) > BINS and not key:
        ordered = sorted(numbers)
        edges = sorted({ordered[round(k * (len(ordered) - 1) / BINS)] for k in range(BINS + 1)})
        return ColumnFrame(name=name, edges=tuple(edges))
    counts = Counter(worded(value, key) for value in there)
    top = sorted(counts, key=lambda word: (-counts[word], word))[:TOP]
    return ColumnFrame(name=name, top=tuple(top), known=known_of(counts), keyed=bool(key))


def known_of(counts: Mapping[str, int]) -> frozenset[int]:
    """Return what every value is known by, of a column in which a new value would mean something; else
    nothing: names, free text and running numbers bring new values in every batch."""
    once = sum(number == 1 for number in counts.values())
    if len(counts) > KNOWN or once > ONCE * sum(counts.values()):
        return frozenset()
    return frozenset(map(hashed, counts))


def _profiled(frame: ColumnFrame, values: Sequence[Value], key: bytes) -> Column:
    there = [value for value in values if not _null(value)]
    if frame.numeric:
        found = [number for value in there if (number := _number(value)) is not None]
        counts = [0] * (len(frame.edges) + 1)
        for number in found:
            counts[bisect_left(frame.edges, number)] += 1
        # A word among numbers has no bin: no value that the baseline had.
        return _column(frame, values, there, counts, found, len(there) - len(found), key)
    words = [worded(value, key) for value in there]
    counted = Counter(words)
    tops = [counted[word] for word in frame.top]
    unseen = sum(n for word, n in counted.items() if hashed(word) not in frame.known) if frame.known else 0
    return _column(frame, values, there, [*tops, len(words) - sum(tops)], [], unseen, key)


def _column(
    frame: ColumnFrame,
    values: Sequence[Value],
    there: Sequence[Value],
    counts: Sequence[int],
    numbers: Sequence[float],
    unseen: int,
    key: bytes,
) -> Column:
    finite = [number for number in numbers if math.isfinite(number)]
    return Column(
        name=frame.name,
        rows=len(values),
        nulls=len(values) - len(there),
        counts=tuple(counts),
        unseen=unseen,
        least=min(finite, default=None),
        most=max(finite, default=None),
        total=str(_sum(finite)),
        squares=str(_sum([number * number for number in finite if abs(number) < 1e150])),
        distinct=Distinct.of(there, key),
    )


def _sum(numbers: Sequence[float]) -> Fraction:
    try:
        return Fraction(math.fsum(numbers))
    except OverflowError:  # together they are no float any more
        return sum(map(Fraction, numbers), Fraction())


def _null(value: Value) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _number(value: Value) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        return None
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def worded(value: Value, key: bytes) -> str:
    """Return a value as it is counted: its text, or with a key its keyed hash."""
    text = value if isinstance(value, str) else repr(value)
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8, key=key).hexdigest() if key else text


def hashed(word: str) -> int:
    """Return what a word of the baseline is known by."""
    return int.from_bytes(blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest())
