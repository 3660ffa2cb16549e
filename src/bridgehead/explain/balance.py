"""What an undo comes to in one sentence, and its money both ways, for somebody who reads only that."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from bridgehead.explain.words import plural
from bridgehead.kernel.money import shown
from bridgehead.kernel.undoing import balance

_BEFORE = {
    "automatic": ("will be taken back", "will be taken back"),
    "approval": (
        "will be once somebody agrees to it by itself",
        "will be once somebody agrees to each by itself",
    ),
    "impossible": ("cannot be taken back", "cannot be taken back"),
    "changed": ("is left, because its record was changed since", "are left, because their records changed"),
    "unknown": ("is unclear", "are unclear"),
    "nothing": ("needs nothing", "need nothing"),
}
_AFTER = {
    "undone": ("was taken back", "were taken back"),
    "pending": ("is still to come", "are still to come"),
    "refused": ("was refused and stands", "were refused and stand"),
    "skipped": ("was left, because its record was changed since", "were left, because their records changed"),
    "person": ("needs a person", "need a person"),
    "impossible": ("cannot be taken back", "cannot be taken back"),
    "unknown": ("is unclear", "are unclear"),
    "nothing": ("needed nothing", "needed nothing"),
}
_FIRST = {
    "planned": "This is a plan; nothing was stopped or taken back. ",
    "asking": "Nothing is taken back before somebody agrees. ",
    "refused": "Nobody agreed, so nothing was taken back. ",
}


class Counted(Protocol):
    """A number of effects that have something in common."""

    @property
    def group(self) -> str:
        """What they have in common: a group of the plan, or an outcome."""

    @property
    def number(self) -> int:
        """How many they are."""


class Counts(Protocol):
    """An effect with what came of it, and its amount."""

    @property
    def outcome(self) -> str:
        """What came of it."""

    @property
    def amount(self) -> str:
        """Its amount as decimal text, or empty."""

    @property
    def currency(self) -> str:
        """The currency of the amount."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyLine:
    """Money of one currency, as decimal text: ``moved`` is ``taken_back`` and ``remaining`` together.

    ``pending`` is the part of what remains that is still to be taken back; ``unclear`` is counted apart.
    """

    currency: str
    moved: str
    taken_back: str
    remaining: str
    pending: str
    unclear: str


def money_lines(items: Iterable[Counts]) -> tuple[MoneyLine, ...]:
    """Return the money both ways, a line for each currency."""
    triples = [(item.outcome, item.amount, item.currency) for item in items]
    coming = balance(one for one in triples if one[0] == "pending")
    return tuple(
        MoneyLine(
            currency=currency,
            moved=shown(of["moved"]),
            taken_back=shown(of["taken-back"]),
            remaining=shown(of["remaining"]),
            pending=shown(coming[currency]["moved"] if currency in coming else Decimal(0)),
            unclear=shown(of["unclear"]),
        )
        for currency, of in sorted(balance(triples).items())
    )


def certified_money(said: Mapping[str, Mapping[str, str]]) -> tuple[MoneyLine, ...]:
    """Return the money a certificate names, as its lines say it."""
    return tuple(
        MoneyLine(
            currency=currency,
            moved=shown(Decimal(of["moved"])),
            taken_back=shown(Decimal(of["taken-back"])),
            remaining=shown(Decimal(of["remaining"])),
            pending="0.00",
            unclear=shown(Decimal(of["unclear"])),
        )
        for currency, of in said.items()
    )


def sentence(
    state: str, groups: Sequence[Counted], outcomes: Sequence[Counted], money: Sequence[MoneyLine]
) -> str:
    """Return how an undo stands, in words for somebody who reads nothing else."""
    total = sum(one.number for one in outcomes)
    if not total:
        return "Nothing was done in another system, so there is nothing to take back."
    before = state in ("planned", "asking")
    counted = groups if before else outcomes
    said = _effects(total, counted, _BEFORE if before else _AFTER)
    return " ".join([_FIRST.get(state, "") + said, *(_money(one, before) for one in money)])


def _effects(total: int, counted: Sequence[Counted], words: dict[str, tuple[str, str]]) -> str:
    if len(counted) == 1:
        said = words[counted[0].group][total > 1]
        return f"{'The one effect' if total == 1 else f'All {total} effects'} {said}."
    parts = [f"{one.number} {words[one.group][one.number > 1]}" for one in counted]
    return f"Of {plural(total, 'effect')}, {'; '.join(parts)}."


def _money(line: MoneyLine, before: bool) -> str:
    if before:
        return f"{line.moved} {line.currency} moved, of which {line.pending} {line.currency} would come back."
    said = f"Of {line.moved} {line.currency} moved, {line.taken_back} {line.currency} came back"
    said += f" and {line.remaining} {line.currency} remain"
    said += f", of which {line.pending} {line.currency} are still to come." if Decimal(line.pending) else "."
    return said + (f" Another {line.unclear} {line.currency} is unclear." if Decimal(line.unclear) else "")
