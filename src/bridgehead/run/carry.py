"""Carry one segment to its end: finished, parked, or stopped with the fault on record.

Shared by the engines; they say when and where, this says how. A segment that another process has taken over
meanwhile (this one was paused, or cut off) is left alone: on a shared store nothing of it is recorded any
more. What this process alone cannot do ends no run (``sickness``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from bridgehead.declare.model import Person
from bridgehead.enforce import incidents, limits
from bridgehead.enforce.boundary import Boundary, RunState
from bridgehead.enforce.in_the_air import InTheAir
from bridgehead.enforce.park import Park
from bridgehead.kernel.canonical import recordable
from bridgehead.kernel.clock import Clock
from bridgehead.kernel.errors import BridgeheadError, EngineError, StoreError
from bridgehead.record import Ledger, Work
from bridgehead.record.unit import UnitOfWork, joined
from bridgehead.run import journal, leftovers, runs, segments
from bridgehead.run.segments import Segment, Superseded
from bridgehead.run.sickness import Sickness
from bridgehead.run.workflow import Run
from bridgehead.store import Store

SUSPECT = 2
"""Processes in a row that died while a segment was under way and made no new crossing. Whatever was under way
is as likely to be why, so from then on it is carried on alone."""
MAX_ALONE = 5
"""Processes in a row that died while it was alone: then it is why, and its run is stopped."""


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
        name: str,
    ) -> None:
        self.store, self.ledger, self.clock = store, ledger, clock
        self.boundary, self.active = boundary, active
        self.in_the_air = InTheAir()
        self._sickness = Sickness(ledger, clock, name)

    def begin(self) -> None:
        """Be ready for an engine that starts, on its event loop."""
        self.in_the_air = InTheAir()

    async def carry(self, segment: Segment) -> None:
        """Carry a claimed segment to its end.

        Raises ``StoreError`` or ``LedgerError`` where nothing can be recorded, and ``NotHere`` where this
        process cannot do it: then the segment is to be given back.
        """
        active, boundary = await self._boundaries(segment)
        ledger = self.ledger
        if self.store.shared:
            ledger = ledger.fenced(lambda connection: segments.still_ours(connection, segment))
        boundary = replace(boundary, ledger=ledger, in_the_air=self.in_the_air)
        try:
            await _Carrying(self, boundary, segment).go(active.charter.people)
        except Superseded:
            return
        except StoreError:
            raise
        except Exception as error:  # the run's own faults are on record by now: this is one of ours
            raise await self._sickness.struck(segment.run, f"run {segment.run}", error) from error
        await self._sickness.well(segment.run)

    async def _boundaries(self, segment: Segment) -> tuple[Boundary, Boundary]:
        """Return the boundary of the active release and that of the segment's. Raises ``NotHere``."""
        self._sickness.heed(segment.release)
        try:
            found = self.active(), self.boundary(segment.release)
        except StoreError:
            raise
        except Exception as error:
            words = f"runs of release {segment.release[:12]}"
            raise await self._sickness.struck(segment.release, words, error) from error
        await self._sickness.well(segment.release)
        return found


class _Carrying:
    """One segment on its way, and the log that records it only while it is ours."""

    def __init__(self, carrier: Carrier, boundary: Boundary, segment: Segment) -> None:
        self._store, self._clock = carrier.store, carrier.clock
        self._boundary, self._ledger, self._segment = boundary, boundary.ledger, segment
        self._state: RunState | None = None
        self._case: dict[str, Any] = {}
        self._scheduled = ""

    async def go(self, people: Mapping[str, Person]) -> None:
        try:
            result = await self._workflow(people)
        except Park as park:
            await self._ledger.commit(self._waiting(park))
        except (StoreError, Superseded):
            raise  # nothing can be recorded: the process must say so, losing nothing; or nothing is to be
        except BridgeheadError as error:
            await self._stop(error.code, str(error))
        except Exception as error:
            await self._stop("BH-RUN-012", f"the workflow raised {type(error).__name__}: {_said(error)}")
        else:
            await self._finish(result)

    async def _workflow(self, people: Mapping[str, Person]) -> Any:
        segment, boundary, (state, case) = self._segment, self._boundary, self._known(people)
        if segment.attempt > 1:
            await leftovers.end_reads(boundary, state)
        if segment.fruitless >= SUSPECT + MAX_ALONE:
            raise EngineError(
                "BH-RUN-011", f"its process died {segment.fruitless} times in a row while it was under way"
            )
        own = boundary.own.get(state.kind)
        if own is not None:
            return await own(boundary, state)
        workflow = boundary.function(boundary.charter.workflows[state.workflow].function)
        run = Run(boundary, state)
        result = await run.carry(workflow(run, **case))
        journal.require_finished(boundary, state.id)
        return result

    def _known(self, people: Mapping[str, Person]) -> tuple[RunState, dict[str, Any]]:
        """Return the run as the boundary wants it, and its case."""
        row = self._store.look(lambda connection: runs.row_of(connection, self._segment.run))
        self._scheduled = f"Schedule {row.schedule}: " if row.schedule else ""
        self._state = runs.state_of(row, self._segment, runs.principal_of(people, row))
        body = self._store.look(lambda connection: self._ledger.body(connection, row.input_entry))
        self._case = dict(body.get("input", {}))
        return self._state, self._case

    def _waiting(self, park: Park) -> UnitOfWork:
        """Return the unit that parks the run; or ends it, where it is taken back: it comes to rest here."""
        parked, state = runs.park(self._clock, self._segment, park), self._state
        if state is None:
            return parked
        at_rest = leftovers.taken_back(self._boundary, state, self._segment)

        def work(connection: Connection) -> Work:
            over = limits.held(connection, state) and not leftovers.unclear(connection, state.id)
            return (at_rest if over else parked)(connection)

        return work

    async def _finish(self, result: Any) -> None:
        try:
            await self._ledger.commit(self._ending(result))
        except (StoreError, Superseded):
            raise
        except BridgeheadError as error:
            await self._stop(error.code, str(error))

    def _ending(self, result: Any) -> UnitOfWork:
        ended = runs.end(self._clock, self._segment, "done", {"result": result})
        state = self._state
        more = self._boundary.at_end(self._boundary, state, self._case, result) if state is not None else None
        return ended if more is None else joined([more, ended])

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
