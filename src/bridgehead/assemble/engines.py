"""Which engine works on a store: one process, or one of many on PostgreSQL."""

from __future__ import annotations

from importlib.util import find_spec

from bridgehead.kernel.clock import Clock
from bridgehead.kernel.errors import ConfigError
from bridgehead.run.engine import EngineName
from bridgehead.store import Store
from bridgehead.store.machines import ahead


def usual(store: Store) -> EngineName:
    """Return the engine that works on a store unless somebody says otherwise."""
    return "dbos" if store.shared and find_spec("dbos") else "embedded"


MAX_APART = 5.0
"""Seconds the clocks of two machines may differ before settle windows and lanes cannot be relied on."""


def require_the_time(store: Store, clock: Clock) -> None:
    """Raise ``ConfigError`` (BH-ASM-008) where this machine's clock is far from that of a shared store."""
    apart = ahead(store, clock) if store.shared else 0.0
    if abs(apart) > MAX_APART:
        where = "ahead of" if apart > 0 else "behind"
        raise ConfigError(
            "BH-ASM-008",
            f"the clock of this machine is {abs(apart):.0f} s {where} that of the database",
            means="Nothing was started: settle windows and rates go by the clock of whoever carries a run.",
            fix="Let both machines follow a time server (NTP), and start again.",
        )


def require_workers(store: Store) -> None:
    """Raise ``ConfigError`` (BH-ASM-005, 006) where several workers cannot work on this store."""
    if not store.shared:
        raise ConfigError(
            "BH-ASM-005",
            "several workers need a store on PostgreSQL; this one is a SQLite file",
            means="A file on one machine is worked on by one process: `bridgehead up`.",
            fix="Give it a database, in a new state folder: --store postgresql://user@host/database",
        )
    if find_spec("dbos") is None:
        raise ConfigError(
            "BH-ASM-006",
            "the engine for several workers is not installed here",
            means="Nothing was started.",
            fix="Install it with: pip install 'bridgehead[dbos]'",
        )
