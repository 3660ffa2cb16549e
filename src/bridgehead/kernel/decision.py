"""Answers that carry reasons: Permit, Ask, Refuse. None of them has a truth value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why: the rule's id, its words for people, and where it is written (``file:line``)."""

    rule: str
    words: str
    source: str = ""


class _NoTruth:
    __slots__ = ()

    def __bool__(self) -> NoReturn:
        # INVARIANT: a slip such as `if decision:` must not be able to permit anything.
        raise TypeError("a decision has no truth value; match on Permit, Ask or Refuse")


@dataclass(frozen=True, slots=True, kw_only=True)
class Permit(_NoTruth):
    """It may happen now."""

    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask(_NoTruth):
    """It may happen if people agree: ``approvals`` are names of the charter's approval rules."""

    approvals: tuple[str, ...]
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse(_NoTruth):
    """It must not happen. ``step`` is the step of ``perform`` that said so (1 to 10)."""

    reasons: tuple[Reason, ...]
    step: int

    def words(self) -> str:
        """Return the reasons as one sentence for people."""
        return " ".join(reason.words for reason in self.reasons)


Decision = Permit | Ask | Refuse
