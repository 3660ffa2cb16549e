"""One byte string for one value, and back to the bit: what replay, approvals and the ledger rest on."""

from __future__ import annotations

import json
import math
import struct
from collections import OrderedDict, UserDict, namedtuple
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from typing import Any

import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st

from bridgehead.kernel.canonical import (
    MAX_DEPTH,
    SAFE_INTEGER,
    canonical_bytes,
    decode,
    decoded,
    digest,
    encode,
    encoded_bytes,
)
from bridgehead.kernel.errors import LedgerError
from bridgehead.kernel.money import Money

SAFE = st.integers(-SAFE_INTEGER, SAFE_INTEGER)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
ASCII = st.text(st.characters(max_codepoint=127), max_size=6)

PROFILE = st.recursive(
    st.none() | st.booleans() | SAFE | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ASCII, inner, max_size=4),
    max_leaves=20,
)

MONEY = st.builds(
    lambda amount, currency: Money(amount=amount, currency=currency),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.sampled_from(["USD", "EUR", "JPY"]),
)
MOMENTS = st.datetimes(
    datetime(2, 1, 1),
    datetime(9998, 12, 31),
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=-11.5))]),
)
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT | st.binary(max_size=8)
    | st.decimals() | MONEY | MOMENTS | st.dates()
)  # fmt: skip
KEYS = (
    TEXT | st.integers() | st.booleans() | st.none() | st.dates() | st.binary(max_size=4)
    | st.tuples(TEXT, st.integers()) | st.sampled_from(["$f", "$o", "$tuple", "$nobody"])
)  # fmt: skip
RICH = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.tuples(inner, inner) | st.dictionaries(KEYS, inner, max_size=3)
    ),
    max_leaves=15,
)


def same(one: Any, other: Any) -> bool:
    """Equal in type and to the bit, which ``==`` is not: 1 == True == 1.0, NaN != NaN, -0.0 == 0.0."""
    if type(one) is not type(other):
        return False
    if isinstance(one, float):
        return (math.isnan(one) and math.isnan(other)) or struct.pack("d", one) == struct.pack("d", other)
    if isinstance(one, Decimal):
        return one.as_tuple() == other.as_tuple()
    if isinstance(one, Money):
        return same(one.amount, other.amount) and one.currency == other.currency
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return len(one) == len(other) and _same_pairs(one, other)
    return bool(one == other)


def _same_pairs(one: dict[Any, Any], other: dict[Any, Any]) -> bool:
    def ordered(pairs: dict[Any, Any]) -> list[tuple[Any, Any]]:
        return sorted(pairs.items(), key=lambda pair: repr(pair[0]))

    return all(same(a, b) for a, b in zip(ordered(one), ordered(other), strict=True))


@given(RICH)
@example({"$f": 1})
@example({"$f": {"$f": {"$o": []}}})
@example({"$tuple": (1, [2, (3,)])})
@example({"": 1, "$o": 2})
@example({"ä": {"ö": ()}, 1: -0.0})
@example([0.1, -0.0, float("nan"), float("inf"), 5e-324, 1.7976931348623157e308])
@example([2**53 - 1, 2**53, -(2**53), 10**400, True, 1, 1.0])
@example([Decimal("1.10"), Decimal("-0"), Decimal("1E+30"), Decimal("sNaN12"), Decimal("-Infinity")])
def test_every_value_comes_back_to_the_bit(value: Any) -> None:
    back = decoded(encoded_bytes(value))
    assert same(back, value), (back, value)
    assert encoded_bytes(back) == encoded_bytes(value)


@given(PROFILE)
def test_inside_the_profile_the_bytes_are_those_of_rfc_8785(value: Any) -> None:
    assert canonical_bytes(value) == rfc8785.dumps(value)


@given(RICH)
def test_whatever_is_encoded_is_inside_the_profile(value: Any) -> None:
    assert encoded_bytes(value) == rfc8785.dumps(encode(value))


@given(PROFILE)
def test_plain_values_stay_readable(value: Any) -> None:
    """No tag where none is needed, so that another program's JSON reader sees the value itself."""
    if "$" not in json.dumps(value):
        assert encode(value) == value


@given(st.dictionaries(KEYS, st.integers(), min_size=2, max_size=5), st.randoms(use_true_random=False))
def test_equal_mappings_have_one_digest_however_they_were_filled(value: dict[Any, int], random: Any) -> None:
    pairs = list(value.items())
    random.shuffle(pairs)
    assert digest(dict(pairs)) == digest(value)


@given(RICH, RICH)
def test_different_values_have_different_bytes(one: Any, other: Any) -> None:
    assert (encoded_bytes(one) == encoded_bytes(other)) == same(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, True),
        (1, 1.0),
        (0, False),
        ("1", 1),
        ([1], (1,)),
        (b"a", "a"),
        (0.0, -0.0),
        ({}, []),
        (None, False),
        (Decimal("1.0"), Decimal("1.00")),
        ({"$f": "0x1p0"}, 1.0),
        (date(2026, 1, 1), "2026-01-01"),
    ],
)
def test_what_python_calls_equal_or_json_looks_alike_is_told_apart(one: Any, other: Any) -> None:
    assert digest(one) != digest(other)


def test_the_same_instant_in_two_zones_is_one_value() -> None:
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert digest(noon) == digest(noon.astimezone(timezone(timedelta(hours=9))))


class Colour(StrEnum):
    RED = "red"


class Level(IntEnum):
    HIGH = 3


class Shouting(str):
    def __str__(self) -> str:
        return self.upper()


Point = namedtuple("Point", "x y")


@pytest.mark.parametrize(
    ("given_value", "back"),
    [
        (Colour.RED, "red"),
        (Level.HIGH, 3),
        (Shouting("quiet"), "quiet"),
        ({Colour.RED: Level.HIGH}, {"red": 3}),
        (Point(1, 2), (1, 2)),
        (OrderedDict(b=1, a=2), {"a": 2, "b": 1}),
        (UserDict({"a": 1}), {"a": 1}),
        (range(3), [0, 1, 2]),
        (bytearray(b"x"), b"x"),
        (memoryview(b"x"), b"x"),
    ],
)
def test_relatives_come_back_as_the_plain_type(given_value: Any, back: Any) -> None:
    assert same(decoded(encoded_bytes(given_value)), back)


class Nowhere(tzinfo):
    """A time zone that does not know its offset."""

    def utcoffset(self, _moment: datetime | None) -> None:
        return None


class Plain(Enum):
    ONE = 1


def nested(depth: int) -> Any:
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value


def a_loop() -> Any:
    value: list[Any] = []
    value.append(value)
    return value


@pytest.mark.parametrize(
    "value",
    [
        datetime(2026, 1, 1),
        datetime(2026, 1, 1, tzinfo=Nowhere()),
        datetime.max.replace(tzinfo=timezone(-timedelta(hours=1))),
        time(12),
        timedelta(1),
        {1, 2},
        frozenset(),
        object(),
        Plain.ONE,
        1j,
        10**5000,
        iter([]),
        print,
        a_loop(),
        nested(MAX_DEPTH + 1),
        "\ud800",
        {"\udfff": 1},
        ["ok", {"deep": {"er": {1, 2}}}],
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_has_no_canonical_form_is_refused(value: Any) -> None:
    with pytest.raises(LedgerError) as fault:
        encoded_bytes(value)
    assert fault.value.code == "BH-REC-001"
    assert fault.value.fix


@pytest.mark.parametrize(
    "value",
    [
        1.0,
        float("nan"),
        2**53,
        -(2**53),
        10**5000,
        {"ä": 1},
        {1: 2},
        {None: 1},
        (1,),
        b"x",
        "\ud800",
        nested(300),
        Decimal(1),
        date(2026, 1, 1),
        [[{"a": 1.5}]],
        {"a": {"ö": 1}},
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_strict_profile_refuses_everything_else(value: Any) -> None:
    """Envelopes are written without tags: nothing is silently bent to fit."""
    with pytest.raises(LedgerError) as fault:
        canonical_bytes(value)
    assert fault.value.code == "BH-REC-001"


def test_the_edge_of_the_profile_is_inside() -> None:
    edge = [SAFE_INTEGER, -SAFE_INTEGER, nested(MAX_DEPTH - 2), "\u2028\u0000\u007f\U0001f680"]
    assert same(decoded(encoded_bytes(edge)), edge)


def test_a_tag_of_a_newer_version_is_not_guessed() -> None:
    with pytest.raises(LedgerError) as fault:
        decode({"$matrix": [[1]]})
    assert fault.value.code == "BH-REC-002"


TAGS = st.sampled_from(["$f", "$i", "$d", "$m", "$t", "$day", "$b", "$tuple", "$o"])


@given(TAGS, PROFILE)
@example("$o", [[[], 1]])
@example("$m", ["1", "usd"])
@example("$m", ["NaN", "USD"])
@example("$t", "2026-01-01T00:00:00")
@example("$f", "0x1p99999")
@example("$i", "1" * 5000)
@example("$b", "é")
def test_a_damaged_tag_is_our_fault_type_never_python_s(tag: str, content: Any) -> None:
    try:
        value = decode({tag: content})
    except LedgerError as fault:
        assert fault.code in ("BH-REC-002", "BH-REC-005")
    else:
        encoded_bytes(value)  # whatever was accepted is a value we could have written


@given(st.binary(max_size=40))
@example(b"[" * 100_000)
@example(b"NaN")
@example(b"\xff")
@example(b'{"$f"')
@example(b"1.5")
@example(b'{"a":1,"a":2}')
def test_damaged_bytes_are_our_fault_type_never_python_s(raw: bytes) -> None:
    try:
        value = decoded(raw)
    except LedgerError as fault:
        assert fault.code in ("BH-REC-002", "BH-REC-005")
    else:
        encoded_bytes(value)


@pytest.mark.parametrize("raw", [b"1.5", b"NaN", b"-Infinity", b'{"a":[1e3]}', b"", b"[1,]"])
def test_bytes_no_writer_of_ours_would_write_are_refused(raw: bytes) -> None:
    with pytest.raises(LedgerError) as fault:
        decoded(raw)
    assert fault.value.code == "BH-REC-005"
