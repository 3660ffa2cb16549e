"""Checks and numbers in, verdicts out. Pure: the same numbers give the same verdicts, on replay too.

Nothing that could not be evaluated passes. A percentage of no rows is undefined, and so is a mean, a newest
value or a distance without values: breaches, unless the contract says that a batch may be empty. No figure
that data can hold raises: one that cannot be compared could not be evaluated.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation, localcontext
from typing import Any, Literal, assert_never

from bridgehead.kernel.finding import Finding
from bridgehead.watch.checks.distance import far, floor, ks, psi
from bridgehead.watch.checks.ir import (
    Age,
    Aggregate,
    Bound,
    Check,
    DependencyCount,
    Distance,
    DuplicateCount,
    Histogram,
    InvalidCount,
    MissingCount,
    NoBaseline,
    NotEmpty,
    NullCount,
    Numbers,
    OrphanCount,
    PairViolation,
    RowCount,
    SqlAnswer,
    Stated,
    TypeFailures,
    Value,
)
from bridgehead.watch.checks.plan import base_of
from bridgehead.watch.contract.model import Threshold

State = Literal["held", "broken", "unevaluable"]
RULE = "contract.broken"
"""A clause of a data contract is broken."""
RULE_UNEVALUABLE = "contract.unevaluable"
"""A clause of a data contract could not be evaluated, which counts as broken."""
SKEW_SECONDS = 300.0
"""How far a newest moment may lie ahead of our clock: clocks differ."""
AHEAD_SECONDS = 86_400.0
"""How far a newest day without a time may: somewhere it is tomorrow already."""
MOST_DIGITS = 300
"""Figures of more digits, before or after the point, are compared with nothing: none is meant."""
_WILD = "the figure is not a number that can be compared"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of one check. ``number`` is what was compared, in the check's unit; ``words`` say it.

    ``number`` and ``words`` may hold the value of a single row, as a maximum does: they are for the eyes of
    whoever checks. What is stored is ``plain``: the words without a value of any row.
    """

    check: Check
    state: State
    number: float | int | str | None
    words: str
    plain: str
    note: str = ""

    @property
    def is_breach(self) -> bool:
        """Say whether the clause is broken or could not be evaluated."""
        return self.state != "held"

    def finding(self) -> Finding:
        """Return a breach as a finding."""
        return Finding(
            rule=RULE if self.state == "broken" else RULE_UNEVALUABLE,
            severity=self.check.severity,
            words=f"{self.check.id}: {self.plain}",
            fix="Have the data repaired where they come from, or agree on another contract with their owner.",
            where=self.check.source.where,
        )


def judge(check: Check, numbers: Numbers, now: datetime, *, may_be_empty: bool = False) -> Verdict:
    """Return the verdict on one check. ``now`` is aware; ``may_be_empty`` is what the contract allows.

    Raises nothing for any figure: one that no rule can compare is unevaluable.
    """
    try:
        return _judged(check, numbers, now, may_be_empty)
    except (ArithmeticError, ValueError):  # their messages quote the figure
        return _not(check, _WILD)


def _judged(check: Check, numbers: Numbers, now: datetime, may_be_empty: bool) -> Verdict:
    key = (check.table, check.metric)
    if check.fault:
        return _not(check, check.fault)
    if isinstance(check.test, NoBaseline):
        return _not(check, f"no baseline holds this column, so its {check.test.kind} cannot be taken")
    if key in numbers.faults:
        return _not(check, numbers.faults[key])
    if key not in numbers.values:
        return _not(check, "it was not measured")
    value = numbers.values[key]
    if may_be_empty and numbers.rows.get(check.table) == 0 and _is_moot(check):
        return _verdict(check, "held", None, "the batch is empty, as it may be")
    match check.test:
        case Bound():
            return _bound(check, value, numbers)
        case NotEmpty():
            held = isinstance(value, int) and value > 0
            return _made(check, held, value, f"{value} rows" if held else "the batch is empty")
        case Age():
            return _age(check, value, check.test.at_most_seconds, now)
        case Stated():
            return _stated(check, value, check.test, numbers.stated)
        case Distance():
            return _distance(check, value, check.test)
    assert_never(check.test)


def _is_moot(check: Check) -> bool:
    """Say whether a check says nothing of an empty batch that may be empty."""
    return not isinstance(check.test, Age | Stated) and not isinstance(check.metric, SqlAnswer | RowCount)


def _not(check: Check, why: str) -> Verdict:
    return _verdict(check, "unevaluable", None, f"could not be evaluated: {why}")


def _verdict(
    check: Check, state: State, number: Any, words: str, *, plain: str = "", note: str = ""
) -> Verdict:
    return Verdict(check=check, state=state, number=number, words=words, plain=plain or words, note=note)


def _made(check: Check, held: bool, number: Any, words: str, *, plain: str = "", note: str = "") -> Verdict:
    """Return a verdict on a figure. Where it is one of values and not of rows, ``plain`` leaves it out."""
    if not plain and isinstance(check.metric, Aggregate | SqlAnswer):
        plain = _NAMED[held].format(_figure(check.metric))
    note = note or _NULLS.get(type(check.metric), "")
    return _verdict(check, "held" if held else "broken", number, words, plain=plain, note=note)


_NAMED = {True: "{} is as promised", False: "{} is not as promised"}


def _figure(metric: Aggregate | SqlAnswer) -> str:
    return "what the query answers" if isinstance(metric, SqlAnswer) else f"the {metric.of}"


_NULLS: Mapping[type, str] = {
    InvalidCount: "a null is not invalid; it has clauses of its own",
    PairViolation: "rows in which one of both is null are left out",
    DuplicateCount: "rows in which the key is null are left out",
    DependencyCount: "rows in which one of the columns is null are left out",
    OrphanCount: "rows in which the reference is null are left out",
}


def _bound(check: Check, value: Value, numbers: Numbers) -> Verdict:
    assert isinstance(check.test, Bound)
    threshold = check.test.threshold
    if isinstance(check.metric, TypeFailures) and isinstance(value, str):
        words = f"the column is {value}, which is not {check.metric.logical}"
        return _verdict(check, "broken", value, words)
    if value is None:
        return _not(check, "no row has a value")
    number = _number(value)
    if number is None:
        return _not(check, _WILD)
    if check.unit == "percent":
        base = numbers.values.get((check.table, base_of(check.metric)))
        if not isinstance(base, int) or base == 0:
            return _not(check, "a percentage of no rows is undefined")
        share = 100 * number / base
        return _made(check, within(share, threshold), share, f"{share:.4g} % ({number} of {base} rows)")
    return _made(check, within(number, threshold), number, _counted(check, number))


def within(number: float | int | Decimal, threshold: Threshold) -> bool:
    """Say whether a number is what an operator of the standard asks for."""
    low, high = threshold.value, threshold.upper
    if isinstance(number, Decimal):  # an exact sum is compared with the number as it is written
        exact = Decimal(str(low)), Decimal(str(high or 0))
        return _OPERATORS[threshold.operator](number, *exact)
    return _OPERATORS[threshold.operator](number, low, high)


_OPERATORS: Mapping[str, Callable[[Any, Any, Any], bool]] = {
    "mustBe": lambda x, a, b: x == a,
    "mustNotBe": lambda x, a, b: x != a,
    "mustBeGreaterThan": lambda x, a, b: x > a,
    "mustBeGreaterOrEqualTo": lambda x, a, b: x >= a,
    "mustBeLessThan": lambda x, a, b: x < a,
    "mustBeLessOrEqualTo": lambda x, a, b: x <= a,
    "mustBeBetween": lambda x, a, b: a <= x <= b,
    "mustNotBeBetween": lambda x, a, b: not a <= x <= b,
}


def _number(value: Value) -> int | float | Decimal | None:
    """Return a figure as a number; nothing where it is none, or none that means an amount of anything."""
    if isinstance(value, str):
        return _exact(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if isinstance(value, int) and abs(value) < 10**MOST_DIGITS else None


def _exact(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int):  # NaN and infinity have letters there
        return None
    return number if max(abs(exponent), abs(number.adjusted())) <= MOST_DIGITS else None


_COUNTED: Mapping[type, str] = {
    RowCount: "rows",
    NullCount: "null",
    MissingCount: "missing",
    InvalidCount: "invalid",
    DuplicateCount: "values that occur more than once",
    DependencyCount: "rows with another value than most that share the key",
    OrphanCount: "rows without a partner",
    PairViolation: "rows that do not stand so",
    TypeFailures: "values that are none of this type",
}


def _counted(check: Check, number: int | float | Decimal) -> str:
    if isinstance(check.metric, Aggregate):
        return (
            f"{check.metric.of} {number:.6g}" if isinstance(number, float) else f"{check.metric.of} {number}"
        )
    if isinstance(check.metric, SqlAnswer):
        return f"the query answers {number}"
    return f"{number} {_COUNTED.get(type(check.metric), '')}".strip()


def _age(check: Check, value: Value, at_most: float, now: datetime) -> Verdict:
    if not isinstance(value, str):
        return _not(check, "no row has a value, so there is no newest one")
    try:
        newest = datetime.fromisoformat(value)
    except ValueError:
        return _not(check, "the newest value is no moment of the years 1 to 9999")
    newest = newest if newest.tzinfo else newest.replace(tzinfo=UTC)
    age = (now - newest).total_seconds()
    when = newest.astimezone(UTC).strftime("%Y-%m-%d %H:%MZ")
    if -age > (AHEAD_SECONDS if len(value) == len("2026-11-21") else SKEW_SECONDS):
        words = f"the newest value lies {-age / 3600:.1f} hours in the future: it is of {when}"
        return _made(check, False, round(age, 3), words, plain="the newest value lies in the future")
    old = f"{max(age, 0.0) / 3600:.1f} h old"
    words, plain = f"the newest is of {when}, {old}", f"the newest value is {old}"
    return _made(check, age <= at_most, round(age, 3), words, plain=plain)


def _stated(check: Check, value: Value, test: Stated, stated: Mapping[tuple[str, str], Any]) -> Verdict:
    told = stated.get((check.table, test.key))
    wanted = _number(told if isinstance(told, int | float | str) and not isinstance(told, bool) else None)
    if told is None:
        return _not(check, f"the sender's `{test.key}` is not there: no manifest was found")
    if wanted is None:
        return _not(check, f"the sender's `{test.key}` is no number")
    found = _number(value)
    if found is None and value is not None:
        return _not(check, _WILD)
    number = Decimal(0) if found is None else Decimal(str(found))
    with localcontext(prec=3 * MOST_DIGITS):  # 28 digits, as usual, would round a long sum
        off = abs(number - Decimal(str(wanted)))
        said = f"{number.normalize():f} here, {wanted} stated by the sender"
    return _made(check, off <= Decimal(str(test.tolerance)), str(number), said)


def _distance(check: Check, value: Value, test: Distance) -> Verdict:
    assert isinstance(check.metric, Histogram)
    if not isinstance(value, tuple) or not sum(value):
        return _not(check, "no row has a value to compare with the baseline")
    measured = psi(test.counts, value) if test.kind == "psi" else ks(test.counts, value)
    noise = floor(test.kind, test.counts, value)
    words = f"{test.kind.upper()} {measured:.4g}, noise floor {noise:.2g} at {sum(value)} values"
    if within(measured, test.threshold):
        return _made(check, True, measured, words)
    if not far(test.kind, measured, noise):
        return _made(
            check, True, measured, words, note="over the threshold, but not told from chance in so few rows"
        )
    return _made(check, False, measured, words)
