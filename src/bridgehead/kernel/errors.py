"""Faults, as interface. A refusal is a value (``decision.Refuse``); these are for what broke.

::

    BridgeheadError
    ├── CharterError        the declaration cannot be read or does not hold together
    ├── ConfigError         process settings, files, ports, a store of another version
    ├── StoreError          the database refused, is locked, or is full
    ├── LedgerError         an entry cannot be appended or a proof does not hold
    ├── EngineError         a run cannot be carried on
    │   └── Nondeterminism  replay asked for another action than the journal holds
    ├── PolicyError         the policy set cannot be loaded (an evaluation fault is a Refuse)
    ├── ApprovalError       a vote that cannot count
    ├── SettlementError     an answer about an unclear effect that cannot count
    ├── WatchError          a data contract, a baseline or data to check cannot be read
    └── ConnectError        a driver: carries ``effect_state``, what is known about the effect

Every fault has a stable code, e.g. ``BH-REC-004``, and answers three questions in words an
operator understands: what happened, what it means, what to do next. ``docs/reference/errors.md``
lists every code; a test keeps that list equal to the code.
"""

from __future__ import annotations

from typing import Literal

EffectState = Literal["none", "done", "unknown"]


class BridgeheadError(Exception):
    """A fault with a stable code.

    ``what`` happened, ``means`` for the person, ``fix`` to do next; ``where`` is ``file:line``
    when there is one.
    """

    def __init__(self, code: str, what: str, *, means: str = "", fix: str = "", where: str = "") -> None:
        super().__init__(what)
        self.code = code
        self.what = what
        self.means = means
        self.fix = fix
        self.where = where

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        tail = "".join(f" {part}" for part in (self.means, self.fix) if part)
        return f"{self.code} {place}{self.what}{tail}"

    def as_dict(self) -> dict[str, str]:
        """Return the fault as plain strings, for ``--json`` and RFC 9457 problem bodies."""
        return {
            "code": self.code,
            "what": self.what,
            "means": self.means,
            "fix": self.fix,
            "where": self.where,
        }


class CharterError(BridgeheadError):
    """The declaration cannot be read or does not hold together."""


class ConfigError(BridgeheadError):
    """Settings, files or ports of this process are not usable."""


class StoreError(BridgeheadError):
    """The database refused, is locked, is full, or belongs to another version."""


class LedgerError(BridgeheadError):
    """An entry cannot be appended, or a proof does not hold."""


class EngineError(BridgeheadError):
    """A run cannot be carried on."""


class Nondeterminism(EngineError):
    """Replay asked for another action than the journal holds at this position."""

    def __init__(self, position: str, recorded: str, got: str) -> None:
        super().__init__(
            "BH-RUN-001",
            f"at position {position} the journal holds {recorded}, the code asked for {got}",
            means="The workflow is not deterministic. The run was stopped; no effect was repeated.",
            fix="Move clocks, randomness and outside reads behind run.now(), run.random() or an action.",
        )
        self.position = position


class PolicyError(BridgeheadError):
    """The policy set cannot be loaded."""


class ApprovalError(BridgeheadError):
    """A vote that cannot count: closed, stale, by the requester, by someone not asked."""


class SettlementError(BridgeheadError):
    """An answer about an unclear effect that cannot count: settled already, stale, by the wrong person."""


class WatchError(BridgeheadError):
    """A data contract, a baseline or the data to check cannot be read."""


class ConnectError(BridgeheadError):
    """A driver could not do what was asked.

    ``effect_state`` says what is known about the effect in the other system: ``none`` only where
    the protocol proves that nothing was sent or done, otherwise ``unknown``.
    ``temporary`` is true where the same call may succeed later. ``private`` is what the other system said,
    where that may name what whoever asked may not see.
    """

    def __init__(
        self,
        code: str,
        what: str,
        *,
        effect_state: EffectState,
        temporary: bool = False,
        means: str = "",
        fix: str = "",
        private: str = "",
        where: str = "",
    ) -> None:
        super().__init__(code, what, means=means, fix=fix, where=where)
        self.effect_state: EffectState = effect_state
        self.temporary = temporary
        self.private = private
