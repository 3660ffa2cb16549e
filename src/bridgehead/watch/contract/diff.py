"""What changed between two contracts, by what it does to somebody who reads the data.

A contract is a list of promises. A promise withdrawn or loosened is ``breaking``: a reader may rely on it. A
promise added or tightened is ``additive``. A value that may newly occur is ``behaviour``: a reader that
switches on it meets a case it does not know. Everything else is ``none``. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from bridgehead.watch.contract.model import Clause, Column, Contract, Query, Table, Threshold
from bridgehead.watch.contract.ours import Ours

Effect = Literal["breaking", "behaviour", "additive", "none"]
ORDER: tuple[Effect, ...] = ("breaking", "behaviour", "additive", "none")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One difference. ``what`` names the object or column; ``where`` is its line in the newer file, or, of
    what is gone, in the older one."""

    effect: Effect
    what: str
    words: str
    where: str


def differences(old: Contract, new: Contract) -> tuple[Change, ...]:
    """Return every difference that a reader or an owner would want to know, the gravest first."""
    found = [*_tables(old, new), *_freshness(old, new), *_ours("the contract", old.ours, new.ours, new.file)]
    return tuple(sorted(found, key=lambda change: ORDER.index(change.effect)))


def says_too_little(old: Contract, new: Contract, changes: Sequence[Change]) -> str:
    """Return a sentence where the version does not say that a change breaks readers, or nothing."""
    if not any(change.effect == "breaking" for change in changes):
        return ""
    before, after = old.version.split(".")[0], new.version.split(".")[0]
    if before != after:
        return ""
    return (
        f"The version went from {old.version} to {new.version}: a breaking change wants a new first number."
    )


def _tables(old: Contract, new: Contract) -> Iterator[Change]:
    for table in old.tables:
        after = new.table(table.name)
        if after is None:
            yield _change("breaking", table.name, "the object is gone", table.where)
            continue
        yield from _table(table, after)
    for table in new.tables:
        if old.table(table.name) is None:
            yield _change("additive", table.name, "a new object", table.where)


def _table(old: Table, new: Table) -> Iterator[Change]:
    if old.physical != new.physical:
        yield _change("breaking", old.name, f"it is now called {new.physical}, not {old.physical}", new.where)
    for column in old.columns:
        after = new.column(column.name)
        label = f"{old.name}.{column.name}"
        if after is None:
            yield _change("breaking", label, "the column is gone", column.where)
        else:
            yield from _column(label, column, after)
    for column in new.columns:
        if old.column(column.name) is None:
            yield _change("additive", f"{old.name}.{column.name}", "a new column", column.where)
    kept = [column.name for column in old.columns if new.column(column.name)]
    if kept != [column.name for column in new.columns if old.column(column.name)]:
        words = "the columns stand in another order: breaks only readers of files by position"
        yield _change("none", old.name, words, new.where)
    if old.key != new.key:
        effect: Effect = "breaking" if old.key else "additive"
        words = f"the primary key is {_list(new.key)}, was {_list(old.key)}"
        yield _change(effect, old.name, words, new.where)
    yield from _promised(old.name, "reference", _references(old), _references(new), old.where, new.where)
    yield from _clauses(old.name, old.clauses, new.clauses)
    yield from _ours(old.name, old.ours, new.ours, new.where)


def _column(label: str, old: Column, new: Column) -> Iterator[Change]:
    if old.physical != new.physical:
        yield _change("breaking", label, f"it is now called {new.physical}, not {old.physical}", new.where)
    if old.logical != new.logical:
        narrower = (old.logical, new.logical) == ("number", "integer")
        words = f"its type is {new.logical}, was {old.logical}"
        yield _change("additive" if narrower else "breaking", label, words, new.place("logicalType"))
    if old.physical_type and new.physical_type and old.physical_type.lower() != new.physical_type.lower():
        words = f"its physical type is {new.physical_type}, was {old.physical_type}"
        yield _change("behaviour", label, words, new.place("physicalType"))
    for part, words_of in (("required", "be null"), ("unique", "occur twice")):
        before, after = getattr(old, part), getattr(new, part)
        if before != after:
            effect: Effect = "breaking" if before else "additive"
            yield _change(
                effect, label, f"it may {'now' if before else 'no longer'} {words_of}", new.place(part)
            )
    yield from _enum(label, old, new)
    yield from _options(label, old, new)
    yield from _promised(label, "reference", {r.to: r for r in old.references},
                         {r.to: r for r in new.references}, old.where, new.where)  # fmt: skip
    yield from _clauses(label, old.clauses, new.clauses)
    yield from _ours(label, old.ours, new.ours, new.where)


def _enum(label: str, old: Column, new: Column) -> Iterator[Change]:
    if not old.enum or not new.enum:
        if old.enum or new.enum:
            effect: Effect = "breaking" if old.enum else "additive"
            words = "any value may occur now" if old.enum else f"only {_list(new.enum)} may occur now"
            yield _change(effect, label, words, new.place("enum"))
        return
    gone = [value for value in old.enum if value not in new.enum]
    come = [value for value in new.enum if value not in old.enum]
    if gone:
        yield _change("breaking", label, f"{_list(gone)} is no value any more", new.place("enum"))
    if come:
        yield _change("behaviour", label, f"{_list(come)} may occur now", new.place("enum"))


_LOWS = (("minimum", False), ("exclusive_minimum", True), ("min_length", False))
_HIGHS = (("maximum", False), ("exclusive_maximum", True), ("max_length", False))


def _options(label: str, old: Column, new: Column) -> Iterator[Change]:
    for group, sign in ((_LOWS, 1), (_HIGHS, -1)):
        for name, _ in group:
            before, after = getattr(old.options, name), getattr(new.options, name)
            if before == after:
                continue
            effect = _bound_moved(before, after, sign)
            yield _change(effect, label, f"{_camel(name)} is {_said(after)}, was {_said(before)}",
                          new.place(f"options.{_camel(name)}"))  # fmt: skip
    for name in ("pattern", "multiple_of", "format"):
        before, after = getattr(old.options, name), getattr(new.options, name)
        if before != after:
            effect = "additive" if before is None else "breaking"
            yield _change(effect, label, f"{_camel(name)} is {_said(after)}, was {_said(before)}",
                          new.place(f"options.{_camel(name)}"))  # fmt: skip


def _bound_moved(before: Any, after: Any, sign: int) -> Effect:
    """Return what a moved bound does: outward it withdraws a promise, inward it adds one."""
    if before is None:
        return "additive"
    if after is None or isinstance(before, str) != isinstance(after, str):
        return "breaking"
    outward = after < before if sign > 0 else after > before
    return "breaking" if outward else "additive"


def _references(table: Table) -> dict[str, Any]:
    return {f"{_list(one.columns)} to {one.to}": one for one in table.references}


def _promised(
    label: str, noun: str, old: dict[str, Any], new: dict[str, Any], was: str, now: str
) -> Iterator[Change]:
    for name in old:
        if name not in new:
            yield _change("breaking", label, f"the {noun} {name} is promised no more", was)
    for name in new:
        if name not in old:
            yield _change("additive", label, f"a {noun} is promised: {name}", now)


def _clauses(label: str, old: Sequence[Clause], new: Sequence[Clause]) -> Iterator[Change]:
    before, after = _by_name(old), _by_name(new)
    for name, clause in before.items():
        if name not in after:
            yield _change("breaking", label, f"the clause {name} is gone", clause.where)
            continue
        changed = after[name]
        if clause.threshold != changed.threshold or clause.unit != changed.unit:
            effect = _moved(clause, changed)
            words = f"{name} {_threshold(changed)}, was {_threshold(clause)}"
            yield _change(effect, label, words, changed.where)
        if clause.rule != changed.rule:
            words = f"the clause {name} measures something else"
            yield _change("breaking", label, words, changed.where)
        if clause.severity != changed.severity:
            words = f"{name} is now {changed.severity}, was {clause.severity}"
            yield _change(
                "breaking" if clause.severity == "block" else "additive", label, words, changed.where
            )
        yield from _ours(f"{label} {name}", clause.ours, changed.ours, changed.where)
    for name, clause in after.items():
        if name not in before:
            yield _change("additive", label, f"a new clause {name}: {_threshold(clause)}", clause.where)


def _by_name(clauses: Sequence[Clause]) -> dict[str, Clause]:
    named: dict[str, Clause] = {}
    for clause in clauses:
        bare = clause.id or ("sql" if isinstance(clause.rule, Query) else clause.rule.metric)
        name, number = bare, 2
        while name in named:
            name, number = f"{bare}#{number}", number + 1
        named[name] = clause
    return named


def _moved(old: Clause, new: Clause) -> Effect:
    """Return whether the numbers that hold now are fewer (additive) or not (breaking)."""
    if old.unit != new.unit:
        return "breaking"
    wider, inner = _interval(old.threshold), _interval(new.threshold)
    if wider is None or inner is None:
        return "breaking"
    return "additive" if wider[0] <= inner[0] and inner[1] <= wider[1] else "breaking"


def _interval(threshold: Threshold) -> tuple[tuple[float, int], tuple[float, int]] | None:
    """Return the numbers a threshold lets through, each end with +1 or -1 where it is left out."""
    low, high = (float("-inf"), 0), (float("inf"), 0)
    value = threshold.value
    match threshold.operator:
        case "mustBe":
            return (value, 0), (value, 0)
        case "mustBeGreaterThan":
            return (value, 1), high
        case "mustBeGreaterOrEqualTo":
            return (value, 0), high
        case "mustBeLessThan":
            return low, (value, -1)
        case "mustBeLessOrEqualTo":
            return low, (value, 0)
        case "mustBeBetween":
            return (value, 0), (threshold.upper or 0, 0)
    return None


def _freshness(old: Contract, new: Contract) -> Iterator[Change]:
    before = {(one.table, one.column): one for one in old.freshness}
    after = {(one.table, one.column): one for one in new.freshness}
    for key, one in before.items():
        label = ".".join(key)
        if key not in after:
            yield _change("breaking", label, "its freshness is promised no more", one.where)
        elif after[key].seconds != one.seconds:
            effect: Effect = "breaking" if after[key].seconds > one.seconds else "additive"
            yield _change(effect, label, f"{after[key].words}, was {one.words}", after[key].where)
    for key, one in after.items():
        if key not in before:
            yield _change("additive", ".".join(key), f"promised: {one.words}", one.where)


def _ours(label: str, old: Ours, new: Ours, where: str) -> Iterator[Change]:
    names = ("cadence", "need_by", "max_staleness_seconds", "on_breach", "criticality", "control_totals",
             "empty_batch", "upstream", "segment")  # fmt: skip
    for name in names:
        before, after = getattr(old, name), getattr(new, name)
        if name == "control_totals" and before and after:
            same = [(one.manifest, one.rows, one.sums, one.tolerance) for one in (before, after)]
            before, after = same
        if before != after:
            words = f"{_camel('bridgehead_' + name.removesuffix('_seconds'))} changed"
            yield _change("behaviour", label, words, where)


def _change(effect: Effect, what: str, words: str, where: str) -> Change:
    return Change(effect=effect, what=what, words=words, where=where)


def _list(values: Sequence[Any]) -> str:
    shown = [str(value) for value in values]
    return (
        ", ".join(shown[:6]) + (f" and {len(shown) - 6} more" if len(shown) > 6 else "") if shown else "none"
    )


def _said(value: Any) -> str:
    return "not limited" if value is None else str(value)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def _threshold(clause: Clause) -> str:
    one = clause.threshold
    value = f"[{one.value}, {one.upper}]" if one.upper is not None else f"{one.value}"
    return f"{one.operator} {value}{' %' if clause.unit == 'percent' else ''}"
