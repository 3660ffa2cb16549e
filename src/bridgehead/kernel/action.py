"""What crosses the boundary, and what it does to the world."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from bridgehead.kernel.canonical import digest

Kind = Literal["model", "retrieve", "query", "act"]
Effect = Literal["read", "write", "final"]

Value = Any
"""What a workflow passes and gets back: anything ``canonical.encode`` accepts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One thing a run wants to do outside itself.

    ``effect`` and ``outward`` come from the charter, never from the agent; what the charter does
    not declare is ``final``.
    """

    kind: Kind
    target: str
    arguments: Mapping[str, Value]
    effect: Effect = "final"
    outward: bool = False
    purpose: str = ""

    def digest(self) -> str:
        """Return what an approval and the journal bind to: kind, target, arguments, effect, outward.

        Not time, not attempt, not purpose.
        """
        return digest(
            {
                "kind": self.kind,
                "target": self.target,
                "arguments": dict(self.arguments),
                "effect": self.effect,
                "outward": self.outward,
            }
        )

    def label(self) -> str:
        """Return the action in short, for people and for faults."""
        return f"{self.kind}:{self.target}"
