"""A process that cannot carry a run through no fault of the run: its disk is full, a release cannot be had.

Such a run is left to other workers and comes back here later, after longer and longer pauses. Its owner is
told once for each worker, and once more when that worker is well again. Called by ``carry``. Never: ends a
run.
"""

from __future__ import annotations

import logging
from collections import Counter

from bridgehead.enforce import incidents
from bridgehead.kernel.canonical import recordable
from bridgehead.kernel.clock import Clock
from bridgehead.kernel.errors import EngineError
from bridgehead.record import Ledger

_log = logging.getLogger("bridgehead.worker")
FIRST, LONGEST = 1.0, 120.0
"""Seconds until the second try, and between two tries at most."""


class NotHere(Exception):
    """This process cannot carry a segment now. ``pause``: seconds until it is worth another try here."""

    def __init__(self, pause: float) -> None:
        super().__init__(f"not here for {pause:.0f} s")
        self.pause = pause


class Sickness:
    """What one process cannot carry: releases by their digest, and runs by their id."""

    def __init__(self, ledger: Ledger, clock: Clock, name: str) -> None:
        self._ledger, self._clock = ledger, clock
        self._name = name
        self._kind = f"{self._fault('', '').code}:{name[:100]}"
        self._tries: Counter[str] = Counter()
        self._until: dict[str, float] = {}
        self._new = True  # what an earlier process of this name told of is over

    def heed(self, what: str) -> None:
        """Raise ``NotHere`` where it is too early to try this again."""
        left = self._until.get(what, 0.0) - self._clock.monotonic()
        if left > 0:
            raise NotHere(max(left, FIRST))

    async def struck(self, what: str, words: str, error: Exception) -> NotHere:
        """Note that this cannot be done here, tell the owner once, and return what ends the try.

        Raises ``StoreError`` or ``LedgerError`` where nobody can be told.
        """
        pause = float(min(FIRST * 2 ** min(self._tries[what], 10), LONGEST))
        self._tries[what] += 1
        self._until[what] = self._clock.monotonic() + pause
        fault = self._fault(words, f"{type(error).__name__}: {error}")
        _log.warning("%s", fault)
        told = recordable(f"{fault.what}. {fault.means}")
        await self._ledger.commit(incidents.of_worker(self._clock, self._kind, told))
        return NotHere(pause)

    def _fault(self, words: str, why: str) -> EngineError:
        return EngineError(
            "BH-RUN-037",
            f"worker {self._name} cannot carry {words}: {why}",
            means="No run ended by it: they are left to the other workers, and tried here again.",
            fix="Look at that machine: its disk, its memory, its state folder. It goes on by itself.",
        )

    async def well(self, what: str) -> None:
        """Note that this goes well now. Once nothing is left that did not, the owner is told so."""
        was_new, self._new = self._new, False
        if not was_new and not self._tries:
            return
        self._forget(what)
        self._forget_old()
        if not self._tries:
            await self._ledger.commit(incidents.worker_is_well(self._clock, self._kind))

    def _forget_old(self) -> None:
        """Forget what has not come back here for long: others have carried it."""
        before = self._clock.monotonic() - LONGEST
        for what in [what for what, until in self._until.items() if until < before]:
            self._forget(what)

    def _forget(self, what: str) -> None:
        self._tries.pop(what, None)
        self._until.pop(what, None)
