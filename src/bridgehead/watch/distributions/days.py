"""A table that does not come in batches is counted whole, while a look has it open: one part for each day.

A later look of a day takes the place of an earlier one. Of a table that grows by new rows the old ones count
each day again: what has moved is seen once it weighs enough.
"""

from __future__ import annotations

import logging
from functools import partial

from bridgehead.enforce.boundary import Boundary
from bridgehead.record.unit import UnitOfWork
from bridgehead.watch.checks.engine import Engine, Unmeasured
from bridgehead.watch.contract.model import Contract, Table
from bridgehead.watch.distributions import rows
from bridgehead.watch.distributions.framing import framed
from bridgehead.watch.distributions.judging import counting
from bridgehead.watch.distributions.measuring import profiled
from bridgehead.watch.distributions.personal import keys
from bridgehead.watch.distributions.rows import Part

_log = logging.getLogger("bridgehead.watch")


class Days:
    """The tables of a source that are counted while they are looked at; ``units`` write it down."""

    def __init__(self, boundary: Boundary, source: str) -> None:
        self._boundary, self._source = boundary, source
        self.units: list[UnitOfWork] = []

    def take(self, contract: Contract, table: Table, engine: Engine) -> None:
        """Count a table where it is open now. One that cannot be counted has not been compared: said where
        somebody accepted a baseline."""
        boundary, source = self._boundary, self._source
        now = boundary.clock.now()
        part = partial(
            Part, source=source, table=table.name, part=now.date().isoformat(), day=now.date(), at=now
        )
        live = boundary.store.look(lambda connection: rows.live(connection, source, table.name, now))
        hidden = keys(boundary, source, table)
        try:
            frames = [kept.frame for kept in live] or [framed(table, engine, hidden)]
            counted = {each.digest: profiled(each, table, engine, hidden) for each in frames}
        except Exception as error:  # whatever it was: its clauses were looked at nevertheless
            words = error.words if isinstance(error, Unmeasured) else type(error).__name__
            if not isinstance(error, Unmeasured):
                _log.exception("a table was not counted")
            self.units.append(counting(boundary, contract, part(), fault=words))
            return
        frame = None if live else frames[0]
        self.units.append(counting(boundary, contract, part(profiles=counted), frame=frame))
