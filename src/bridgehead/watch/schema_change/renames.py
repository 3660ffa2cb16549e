"""Which removal and which addition may be one rename. A proposal: a person approves the mapping, or not.

The score adds up what speaks for it: names that share words or are abbreviations of each other, equal types,
the same neighbours, equal default and nullability, and, where profiles are given, equal values. Where values
have the same shape on another scale (cents and euros) it is a change of unit, said as such, and never a
rename.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

from bridgehead.watch.profile import Column as Profile
from bridgehead.watch.schema_change.compare import widened
from bridgehead.watch.schema_change.schema import Column, Schema, Table

PROPOSED_FROM = 0.6
_NAME, _TYPE, _PLACE, _REST = 0.4, 0.2, 0.3, 0.1
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")

Profiles = Mapping[tuple[str, str], Profile]
"""Profiles of columns by table and column, counted in the same frame before and after."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rename:
    """A proposed rename; of a table where ``column`` is False. ``score`` is between 0 and 1.

    ``scaled`` says that the values are the same on another scale: a person must say what the unit is.
    """

    table: str
    before: str
    after: str
    score: float
    column: bool = True
    scaled: bool = False
    words: str = ""


def renames(old: Schema, new: Schema, profiles: Profiles | None = None) -> tuple[Rename, ...]:
    """Return the renames worth proposing from one schema to another, the best for each column."""
    found: list[Rename] = list(_tables(old, new))
    pairs = [(table, there) for table in old if (there := new.table(table.name)) is not None]
    for before, after in pairs:
        found += _columns(before, after, profiles or {})
    return tuple(found)


def _columns(old: Table, new: Table, profiles: Profiles) -> list[Rename]:
    gone = [each for each in old.columns if new.column(each.name) is None]
    come = [each for each in new.columns if old.column(each.name) is None]
    scored = [_scored(old, new, before, after, profiles) for before in gone for after in come]
    if len(gone) == len(come) == 1:
        scored = [replace(each, score=min(1.0, each.score + 0.05)) for each in scored]
    return _best([each for each in scored if each.score >= PROPOSED_FROM])


def _best(scored: list[Rename]) -> list[Rename]:
    """Return the best pairs, each column once, and nothing where two are as good."""
    chosen: list[Rename] = []
    for each in sorted(scored, key=lambda one: (-one.score, one.before, one.after)):
        rivals = [
            one
            for one in scored
            if one is not each and (one.before == each.before or one.after == each.after)
        ]
        if any(one.before == each.before or one.after == each.after for one in chosen):
            continue
        if not any(abs(one.score - each.score) < 0.02 for one in rivals):
            chosen.append(each)
    return chosen


def _scored(old: Table, new: Table, before: Column, after: Column, profiles: Profiles) -> Rename:
    name, place = alike(before.name, after.name), _place(old, new, before, after)
    kind = 1.0 if before.type == after.type else 0.5 if widened(before.type, after.type) else 0.0
    rest = ((before.nullable == after.nullable) + (before.default == after.default)) / 2
    score = _NAME * name + _TYPE * kind + _PLACE * place + _REST * rest
    values, scaled = _values(profiles.get((old.name, before.name)), profiles.get((new.name, after.name)))
    if values is not None:
        score = 0.5 * score + 0.5 * values
    if before.unit != after.unit and before.unit and after.unit:
        scaled = True
    told = f"names {name:.0%} alike, type {'equal' if kind == 1 else 'different'}, place {place:.0%}"
    words = f"{told}, values {values:.0%} alike" if values is not None else told
    return Rename(
        table=new.name,
        before=before.name,
        after=after.name,
        score=round(score, 3),
        scaled=scaled,
        words=words,
    )


def alike(before: str, after: str) -> float:
    """Return how alike two names are: in their letters, in their words, words cut short counting as equal."""
    first, second = _words(before), _words(after)
    letters = SequenceMatcher(None, before.casefold(), after.casefold(), autojunk=False).ratio()
    if not first or not second:
        return letters
    shared = sum(any(_same(one, other) for other in second) for one in first)
    back = sum(any(_same(one, other) for other in first) for one in second)
    return max(letters, (shared + back) / (len(first) + len(second)))


def _words(name: str) -> list[str]:
    return [each.casefold() for each in _WORDS.findall(name)]


def _same(one: str, other: str) -> bool:
    """Whether words are equal, or one is the other cut short, as ``usr`` and ``user``."""
    if one == other:
        return True
    short, long = sorted((one, other), key=len)
    letters = iter(long)
    return len(short) >= 3 and short[0] == long[0] and all(letter in letters for letter in short)


def _place(old: Table, new: Table, before: Column, after: Column) -> float:
    """Return whether the column before and the column after it are the same, of those that stayed."""
    staying = {each.name.casefold() for each in old.columns} & {each.name.casefold() for each in new.columns}
    a, b = _neighbours(old, before, staying), _neighbours(new, after, staying)
    return sum(one == other for one, other in zip(a, b, strict=True)) / 2


def _neighbours(table: Table, column: Column, staying: set[str]) -> tuple[str, str]:
    names = [each.name.casefold() for each in table.columns]
    place = names.index(column.name.casefold())
    left = next((name for name in reversed(names[:place]) if name in staying), "")
    return left, next((name for name in names[place + 1 :] if name in staying), "")


def _values(before: Profile | None, after: Profile | None) -> tuple[float | None, bool]:
    """Return how alike the values are, and whether they are rather the same on another scale."""
    if before is None or after is None or not before.present or not after.present:
        return None, False
    if len(before.counts) != len(after.counts):
        return 0.0, False
    apart = sum(
        abs(a / before.present - b / after.present) for a, b in zip(before.counts, after.counts, strict=True)
    )
    nulls = abs(before.nulls / before.rows - after.nulls / after.rows)
    return max(0.0, 1 - apart / 2 - nulls), _on_another_scale(before, after)


def _on_another_scale(before: Profile, after: Profile) -> bool:
    """Whether mean, least and most are all about the same number of times larger, and not equal."""
    if before.mean is None or after.mean is None or before.least is None or after.least is None:
        return False
    pairs = [(before.mean, after.mean), (before.most or 0.0, after.most or 0.0)]
    if any(a == 0 or b == 0 or (a < 0) != (b < 0) for a, b in pairs):
        return False
    first, second = (b / a for a, b in pairs)
    return 0.8 < first / second < 1.25 and not 0.5 < first < 2.0


def _tables(old: Schema, new: Schema) -> Iterator[Rename]:
    """Yield tables that are gone and come again under another name with nearly the same columns."""
    gone = [each for each in old if new.table(each.name) is None]
    come = [each for each in new if old.table(each.name) is None]
    scored = []
    for before in gone:
        for after in come:
            shared = _shared(before, after)
            score = round(0.7 * shared + 0.3 * alike(before.name, after.name), 3)
            words = f"{shared:.0%} of the columns are the same"
            if shared >= 0.5:
                scored.append(
                    Rename(
                        table="", before=before.name, after=after.name, score=score, column=False, words=words
                    )
                )
    yield from _best([each for each in scored if each.score >= PROPOSED_FROM])


def _shared(before: Table, after: Table) -> float:
    first, second = ({(c.name.casefold(), c.type) for c in table.columns} for table in (before, after))
    return len(first & second) / max(len(first | second), 1)
