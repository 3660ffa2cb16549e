"""Carry one segment to its end: finished, parked, or stopped with the fault on record.

Shared by the engines; they say when and where, this says how. A segment that another process has taken over
meanwhile (this one was paused, or cut off) is left alone: on a shared store nothing of it is recorded any
more.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

from bridgehead.declare.lock import ReleaseUnreadable
from bridgehead.enforce import incidents
from bridgehead.enforce.boundary import Boundary, RunState
from bridgehead.enforce.park import Park
from bridgehead.kernel.canonical import recordable
from bridgehead.kernel.clock import Clock
from bridgehead.kernel.errors import BridgeheadError, EngineError, StoreError
from bridgehead.record import Ledger
from bridgehead.record.unit import joined
from bridgehead.run import journal, leftovers, runs, segments
from bridgehead.run.segments import Segment, Superseded
from bridgehead.run.workflow import Run
from bridgehead.store import Store

SUSPECT = 2
"""Processes in a row that died while a segment was under way and made no new crossing. Whatever was under way
is as likely to be why, so from then on it is carried on alone."""
MAX_ALONE = 5
"""Processes in a row that died while it was alone: then it is why, and its run is stopped."""
TRY_AGAIN = timedelta(minutes=1)
"""After which a release that could not be read is tried again."""
_log = logging.getLogger("bridgehead.carry")


class Carrier:
    """Carries segments of one store. ``boundary`` gives that of a release, ``active`` the one in force."""

    def __init__(
        self,
        store: Store,
        ledger: Ledger,
        clock: Clock,
        *,
        boundary: Callable[[str], Boundary],
        active: Callable[[], Boundary],
    ) -> None:
        self.store, self.ledger, self.clock = store, ledger, clock
        self.boundary, self.active = boundary, active

    async def carry(self, segment: Segment) -> None:
        """Carry a claimed segment to its end. Raises ``StoreError`` alone: then nothing can be recorded."""
        ledger = self.ledger
        if self.store.shared:
            ledger = ledger.fenced(lambda connection: segments.still_ours(connection, segment))
        with suppress(Superseded):
            await _Carrying(self, ledger, segment).go()


class _Carrying:
    """One segment on its way, and the log that records it only while it is ours."""

    def __init__(self, carrier: Carrier, ledger: Ledger, segment: Segment) -> None:
        self._store, self._clock = carrier.store, carrier.clock
        self._boundary_of, self._active = carrier.boundary, carrier.active
        self._ledger, self._segment = ledger, segment
        self._state: RunState | None = None
        self._scheduled = ""

    async def go(self) -> None:
        try:
            await self._to_its_end()
        except Park as park:
            await self._ledger.commit(runs.park(self._clock, self._segment, park))

    async def _to_its_end(self) -> None:
        self._boundary = self._read(self._active)
        try:
            result = await self._workflow()
        except (StoreError, Superseded):
            raise  # nothing can be recorded: the process must say so, losing nothing; or nothing is to be
        except BridgeheadError as error:
            await self._stop(error.code, str(error))
        except Exception as error:
            await self._stop("BH-RUN-012", f"the workflow raised {type(error).__name__}: {_said(error)}")
        else:
            await self._finish(result)

    async def _workflow(self) -> Any:
        segment, (state, case) = self._segment, self._known()
        boundary = self._boundary = self._read(lambda: self._boundary_of(segment.release))
        if segment.attempt > 1:
            await leftovers.end_reads(boundary, state)
        if segment.fruitless >= SUSPECT + MAX_ALONE:
            raise EngineError("BH-RUN-011", "it took its process down five times")
        own = boundary.own.get(state.kind)
        if own is not None:
            return await own(boundary, state)
        workflow = boundary.function(boundary.charter.workflows[state.workflow].function)
        run = Run(boundary, state)
        result = await run.carry(workflow(run, **case))
        journal.require_finished(boundary, state.id)
        return result

    def _read(self, release: Callable[[], Boundary]) -> Boundary:
        """Return the boundary of a release. Raises ``Park`` where that cannot be read now."""
        try:
            return replace(release(), ledger=self._ledger)
        except ReleaseUnreadable as error:
            _log.warning("%s", error)
            raise Park(f"release:{self._segment.release}", until=self._clock.now() + TRY_AGAIN) from error

    def _known(self) -> tuple[RunState, dict[str, Any]]:
        """Return the run as the boundary wants it, and its case."""
        people = self._boundary.charter.people
        row = self._store.look(lambda connection: runs.row_of(connection, self._segment.run))
        self._scheduled = f"Schedule {row.schedule}: " if row.schedule else ""
        self._state = runs.state_of(row, self._segment, runs.principal_of(people, row))
        body = self._store.look(lambda connection: self._ledger.body(connection, row.input_entry))
        return self._state, dict(body.get("input", {}))

    async def _finish(self, result: Any) -> None:
        try:
            await self._ledger.commit(runs.end(self._clock, self._segment, "done", {"result": result}))
        except (StoreError, Superseded):
            raise
        except BridgeheadError as error:
            await self._stop(error.code, str(error))

    async def _stop(self, code: str, words: str) -> None:
        """Stop the run for good: what it has under way, its incident and its end commit together."""
        words = recordable(words)
        fault = {"fault": {"code": code, "words": words}}
        units = [
            incidents.of_run(self._boundary, self._segment.run, code, self._scheduled + words),
            runs.end(self._clock, self._segment, "failed", fault),
        ]
        if self._state is not None:
            units.insert(0, leftovers.end_all(self._boundary, self._state))
        await self._ledger.commit(joined(units))


def _said(error: Exception) -> str:
    try:
        return str(error)
    except Exception:  # an exception of a deployment's own that cannot say what it is
        return "(without words)"
