"""The engine port: an engine's only job is to start each segment once, soon, and again if its worker died.

What has happened is the journal's to say, never the engine's: a segment may be run twice, an effect may not.
The next segment of a run is made in one place, ``enforce.stop.wake``, in the transaction that makes it due;
an engine finds it there. Two engines keep this port, held to one suite (``tests/contract/test_engines.py``):

- ``embedded``: one process on one store, SQLite or PostgreSQL;
- ``dbos_engine``: any number of worker processes on one PostgreSQL store.
"""

from __future__ import annotations

from typing import Literal, Protocol

EngineName = Literal["embedded", "dbos"]


class Engine(Protocol):
    """Carries the runs of one store forward."""

    async def work(self, *, until_idle: bool = False) -> None:
        """Carry runs forward for ever, or drain: until nothing is due and nothing is under way.

        Raises ``ConfigError`` (BH-RUN-008) when another process works on this store that cannot share it.
        """

    def wake(self) -> None:
        """Look for due segments now instead of at the next poll; from the loop that works."""
