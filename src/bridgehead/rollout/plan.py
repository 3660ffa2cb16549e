"""The plan of an undo, as a pure function: what happened, what was seen of it, and so what is done about it.

::

    made = plan(effects, seen, standing, person="ruth", due_at=...)
    made.digest()                # what people agree to; the same effects give the same digest
    made.counts()["automatic"]   # every effect is in exactly one group

Never: reads a store or a clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, Protocol

from bridgehead.kernel.canonical import digest
from bridgehead.kernel.money import shown
from bridgehead.kernel.undoing import GROUPS, TAKEN_BACK, Group

Sight = Literal["there", "changed", "gone", "unreadable", "unasked"]
"""What the other system shows of an effect: as it was left, changed since, not there; it could not be read;
nothing in the charter reads it."""

Fate = Literal["done", "unclear", "none"]
"""What the ledger says of an effect: it happened, nobody knows yet, it did not happen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compensation:
    """The action that takes an effect back. ``arguments`` is their digest; ``above_limit`` says that an
    approval rule asks about such an amount."""

    action: str
    arguments: str
    effect: str
    outward: bool
    above_limit: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One effect of the population, as the ledger knows it.

    ``entry`` orders effects by when they were claimed; ``record`` is the business record it changed, or
    empty. ``taken_back`` names the run that did so already.
    """

    run: str
    position: str
    key: str
    target: str
    fate: Fate
    effect: str
    outward: bool
    record: str
    amount: str
    currency: str
    entry: int
    compensation: Compensation | None
    taken_back: str = ""

    @property
    def name(self) -> str:
        """``run/position``."""
        return f"{self.run}/{self.position}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the other system showed when it was asked. ``fields`` are names of parts that differ; ``silent``
    says that it did not answer, and may when it is asked again."""

    sight: Sight
    fields: tuple[str, ...] = ()
    silent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One line of the plan. ``after`` is the number of the item to be taken back before this one, or 0;
    ``remedy`` says what is left to do where nothing is taken back."""

    number: int
    effect: Effect
    group: Group
    why: str
    after: int = 0
    remedy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What an undo would do: every effect once, the last first."""

    scope: str
    target: str
    items: tuple[Item, ...]

    def digest(self) -> str:
        """Return what an approval of this plan binds to: the explicit list. No times, no ids of its own."""
        return digest({"scope": self.scope, "target": self.target, "items": [_line(i) for i in self.items]})

    def counts(self) -> dict[Group, int]:
        """Return how many effects each group has; they add up to the population."""
        return {group: sum(1 for item in self.items if item.group == group) for group in GROUPS}

    def as_value(self) -> dict[str, object]:
        """Return the plan as plain values without content, for the ledger's body and ``--json``."""
        lines = [_line(i) | {"why": i.why, "remedy": i.remedy} for i in self.items]
        return {"scope": self.scope, "target": self.target, "digest": self.digest(), "items": lines}


class _MakeItem(Protocol):
    """Makes the line of one effect."""

    def __call__(self, group: Group, why: str, *, after: int = 0, remedy: str = "") -> Item:
        """Return the line."""


def plan(
    scope: str,
    target: str,
    effects: Iterable[Effect],
    seen: Mapping[str, Seen],
    later: Mapping[str, Sequence[tuple[int, str]]],
) -> Plan:
    """Return the plan for a population.

    ``seen`` holds what the other systems showed, by name of the effect. ``later`` holds, by record, every
    effect on it that stands, of whomever, as (entry, name).
    """
    items: list[Item] = []
    numbers: dict[str, int] = {}
    for number, effect in enumerate(sorted(effects, key=lambda e: (-e.entry, e.name)), 1):
        above = [name for entry, name in sorted(later.get(effect.record, ())) if entry > effect.entry]
        above = above if effect.record else []
        item = _judged(number, effect, seen.get(effect.name, Seen(sight="unasked")), above, numbers)
        if item.group in TAKEN_BACK:
            numbers[effect.name] = number
        items.append(item)
    return Plan(scope=scope, target=target, items=tuple(items))


def _judged(
    number: int, effect: Effect, seen: Seen, above: Sequence[str], numbers: Mapping[str, int]
) -> Item:
    """Return the line of one effect. ``above`` are later effects that stand on its record, nearest first;
    ``numbers`` are those this plan takes back."""

    def item(group: Group, why: str, *, after: int = 0, remedy: str = "") -> Item:
        return Item(number=number, effect=effect, group=group, why=why, after=after, remedy=remedy)

    if effect.taken_back:
        return item("nothing", f"It was taken back already, by {effect.taken_back}.")
    if effect.fate == "unclear":
        return item("unknown", NOBODY_KNOWS, remedy=_FIND_OUT)
    if effect.fate == "none":
        if seen.sight == "there" and not above:
            why = "The ledger says that it did not happen, and the other system shows it."
            return item("unknown", why, remedy=_FIND_OUT)
        return item("nothing", DID_NOT)
    if effect.compensation is None:
        return item("impossible", _not_declared(effect), remedy=remedy(effect))
    stands = next((name for name in above if name not in numbers), "")
    if stands:
        return item("changed", f"The record was changed since, by {stands}; that stays.", remedy=_BY_HAND)
    if above:
        return _singly(item, effect.compensation, Seen(sight="there"), numbers[above[0]])
    return _as_seen(item, effect.compensation, seen)


def _as_seen(item: _MakeItem, compensation: Compensation, seen: Seen) -> Item:
    match seen.sight:
        case "changed":
            what = f": {', '.join(seen.fields)}" if seen.fields else ""
            return item("changed", f"The record was changed since{what}.", remedy=_BY_HAND)
        case "gone":
            return item("changed", "The other system does not show it any more.", remedy=_BY_HAND)
        case "unreadable":
            return item("unknown", "Its record could not be read.", remedy=_FIND_OUT)
    return _singly(item, compensation, seen, 0)


def _singly(item: _MakeItem, compensation: Compensation, seen: Seen, after: int) -> Item:
    """Return the line of an effect that can be taken back: with the others, or agreed to by itself."""
    if seen.sight == "unasked":
        return item("approval", "Nothing can read whether its record was changed since.", after=after)
    if compensation.effect == "final":
        return item("approval", f"{compensation.action} cannot be taken back itself.", after=after)
    if compensation.outward:
        return item("approval", f"{compensation.action} leaves the company.", after=after)
    if compensation.above_limit:
        return item("approval", "People are asked about such an amount.", after=after)
    return item("automatic", f"{compensation.action} takes it back.", after=after)


def remedy(effect: Effect) -> str:
    """Return what is left to do about an effect that cannot be taken back."""
    parts = []
    if effect.outward:
        parts.append("send a notice that corrects it")
    if effect.amount:
        parts.append(f"credit or charge {shown(Decimal(effect.amount))} {effect.currency}")
    parts.append("settle it with whoever it concerns")
    return f"A person: {', '.join(parts)}."


def _not_declared(effect: Effect) -> str:
    if effect.effect == "final":
        return f"{effect.target} is final: no action takes it back."
    return f"What takes {effect.target} back is not known any more."


NOBODY_KNOWS = "Nobody knows yet whether it happened."
DID_NOT = "It did not happen."
_FIND_OUT = "A person: find out whether it happened, and settle it."
_BY_HAND = "A person: look at the record as it is now, and decide what of it stays."


def _line(item: Item) -> dict[str, object]:
    effect, back = item.effect, item.effect.compensation
    return {
        "number": item.number,
        "effect": effect.name,
        "key": effect.key,
        "target": effect.target,
        "group": item.group,
        "after": item.after,
        "amount": effect.amount,
        "currency": effect.currency,
        "compensation": {"action": back.action, "arguments": back.arguments} if back else None,
    }
