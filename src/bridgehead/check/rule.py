"""A rule of ``bridgehead check``: what it looks for, why, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from bridgehead.declare import Deployment
from bridgehead.kernel.finding import Finding, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule with a stable id. ``title`` says what is found, ``why`` what it leads to."""

    id: str
    severity: Severity
    title: str
    why: str
    fix: str

    def found(self, words: str, where: str, fix: str = "") -> Finding:
        """Return a finding of this rule at a place."""
        return Finding(rule=self.id, severity=self.severity, words=words, fix=fix or self.fix, where=where)


class Family(NamedTuple):
    """Rules that look at the same thing, and the function that applies them."""

    name: str
    rules: tuple[Rule, ...]
    look: Callable[[Deployment], Iterator[Finding]]
