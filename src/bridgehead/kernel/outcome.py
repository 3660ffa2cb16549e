"""How a crossing ended: Done, Refused or Failed. ``unknown`` is first class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bridgehead.kernel.decision import Refuse
from bridgehead.kernel.errors import BridgeheadError, EffectState


class ActionRefused(BridgeheadError):
    """Raised by ``Refused.value``: the workflow wanted a value that nobody permitted."""


class ActionFailed(BridgeheadError):
    """Raised by ``Failed.value``; ``effect_state`` says what is known about the effect."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.code, fault.words)
        self.fault = fault


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What went wrong in the other system, in words that are safe to show."""

    code: str
    words: str
    effect_state: EffectState


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What an action consumed. ``cost`` is a decimal string in the charter's budget currency."""

    input_tokens: int = 0
    output_tokens: int = 0
    cost: str = "0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """It happened; ``value`` is what came back.

    ``labels`` are those of an answer with columns: by column, the ``sources`` it was made of
    (``source.table.column``) and their ``tags``.
    """

    value: Any
    usage: Usage = Usage()
    labels: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """It did not happen, by decision."""

    decision: Refuse

    @property
    def value(self) -> Any:
        """Raise ``ActionRefused`` with the reasons."""
        raise ActionRefused("BH-ENF-001", self.decision.words() or "refused")


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """It was tried and did not work, or nobody can know (``fault.effect_state == "unknown"``).

    ``usage`` is what it cost all the same. ``private`` is what the other system said, where that is not for
    whoever asked: it is kept in the entry's body, and nobody gets it back.
    """

    fault: Fault
    usage: Usage = Usage()
    private: str = ""

    @property
    def value(self) -> Any:
        """Raise ``ActionFailed``."""
        raise ActionFailed(self.fault)


Outcome = Done | Refused | Failed
