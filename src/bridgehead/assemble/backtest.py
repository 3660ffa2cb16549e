"""Recorded traffic through a deployment's boundary, in a house that is thrown away. Nothing is performed.

::

    report = await backtest(Path("desk"), open("calls.jsonl"))
    report.sums                      # {"permitted": 41, "asked": 3, "refused": 6, "held": 0}
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bridgehead.assemble.house import House
from bridgehead.connect.actions.recorded import RecordedDriver
from bridgehead.declare import load
from bridgehead.enforce.boundary import Boundary
from bridgehead.kernel.errors import LedgerError
from bridgehead.kernel.principal import Principal
from bridgehead.run.recording import Call, Recording, recordings
from bridgehead.run.rehearse import Judged, Rehearsal, Verdict, workflow_of
from bridgehead.watch.health import Look, recording

VERDICTS: tuple[Verdict, ...] = ("permitted", "asked", "refused", "held")
_UNRECORDABLE = ("BH-REC-001", "BH-REC-003", "BH-REC-004")
"""Without a canonical form, of another shape, too large: faults of the call, not of the ledger."""
_REPLAY = Principal(id="replay", kind="service", name="replay")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One recorded call and how this charter judges it; ``number`` counts the calls of its run from 1."""

    run: str
    number: int
    judged: Judged

    def as_value(self) -> dict[str, Any]:
        """Return it as plain values, for ``--json``."""
        judged = self.judged
        return {
            "run": self.run,
            "call": self.number,
            "tool": judged.tool,
            "action": judged.action,
            "verdict": judged.verdict,
            "step": judged.step,
            "rules": list(judged.rules),
            "why": list(judged.why),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a charter would have said to recorded calls."""

    deployment: str
    release: str
    lines: tuple[Line, ...]

    @property
    def sums(self) -> dict[str, int]:
        """Return how many calls had each verdict."""
        found = Counter(line.judged.verdict for line in self.lines)
        return {str(verdict): found[verdict] for verdict in VERDICTS}

    @property
    def rules(self) -> list[tuple[str, str, int]]:
        """Return (verdict, rule, calls) for what asked and refused, the most frequent first."""
        found = Counter(
            (line.judged.verdict, rule)
            for line in self.lines
            if line.judged.verdict != "permitted"
            for rule in dict.fromkeys(line.judged.rules)
        )
        return [(verdict, rule, count) for (verdict, rule), count in found.most_common()]

    def as_value(self) -> dict[str, Any]:
        """Return it as plain values, for ``--json``."""
        return {
            "deployment": self.deployment,
            "release": self.release,
            "runs": len({line.run for line in self.lines}),
            "sums": self.sums,
            "rules": [{"verdict": v, "rule": rule, "calls": count} for v, rule, count in self.rules],
            "calls": [line.as_value() for line in self.lines],
        }


def differences(one: Report, other: Report) -> list[tuple[Line, Line]]:
    """Return the calls that two charters judge differently, in order."""
    return [
        (before, after)
        for before, after in zip(one.lines, other.lines, strict=True)
        if (before.judged.verdict, before.judged.rules) != (after.judged.verdict, after.judged.rules)
    ]


async def backtest(
    folder: Path, lines: Iterable[str | bytes], *, source: str = "", workflow: str = ""
) -> Report:
    """Judge every recorded call by the charter in a folder; perform nothing.

    What is refused or asked gives no answer: later calls cannot rest on what would not have been read. Raises
    ``EngineError`` (BH-RUN-045, 046) for what cannot be read or placed, and what activating a folder raises.
    """
    runs = list(recordings(lines, source))
    driver = RecordedDriver()
    with rehearsal_house(folder, driver) as house:
        boundary = replace(house.boundary, distrusted=set())
        placed = [(run, *workflow_of(boundary, run.who, workflow)) for run in runs]
        judged: list[Line] = []
        for run, name, person in placed:
            judged += await _one(boundary, driver, run, name, person)
        charter = house.boundary.charter
        return Report(deployment=charter.name, release=house.deployment.digest, lines=tuple(judged))


@contextmanager
def rehearsal_house(folder: Path, driver: Any) -> Iterator[House]:
    """Yield a house on a folder whose every system is ``driver``; its store and keys are thrown away."""
    servers = load(folder).charter.servers
    with tempfile.TemporaryDirectory(prefix="bridgehead-replay-") as state:
        house = House.open(folder, state=Path(state), drivers={f"server:{name}": driver for name in servers})
        try:
            house.activate(by=_REPLAY)
            _in_order(house)
            yield house
        finally:
            house.close()


def _in_order(house: House) -> None:
    """Take the data for in order: what was true of them when the calls were recorded is not known here."""
    for name, source in house.deployment.charter.sources.items():
        for table in source.tables if source.contract else ():
            look = Look(source=name, table=table, at=house.clock.now())
            house.ledger.append(recording(house.boundary, look))


async def _one(
    boundary: Boundary, driver: RecordedDriver, run: Recording, workflow: str, person: str
) -> Sequence[Line]:
    rehearsal = Rehearsal.begin(boundary, workflow=workflow, said=run.user, on_behalf=person)
    driver.forget()
    for call in reversed(run.calls):  # what was read first answers first, for reads made to decide
        _expect(driver, rehearsal, boundary, call)
    found = []
    for number, call in enumerate(run.calls, 1):
        _expect(driver, rehearsal, boundary, call)
        if call.distrusted:
            _distrust(boundary, rehearsal.next)
        found.append(Line(run=run.run, number=number, judged=await _judged(rehearsal, call)))
    return found


async def _judged(rehearsal: Rehearsal, call: Call) -> Judged:
    """Judge one call. What cannot be recorded does not happen, and is refused as it would have been."""
    try:
        return await rehearsal.call(call.tool, call.arguments)
    except LedgerError as error:
        if error.code not in _UNRECORDABLE:
            raise
        why = f"It cannot be recorded, so it does not happen: {error.what}."
        action = rehearsal.tools.get(call.tool, call.tool)
        return Judged(tool=call.tool, action=action, verdict="refused", rules=(error.code,), why=(why,))


def _expect(driver: RecordedDriver, rehearsal: Rehearsal, boundary: Boundary, call: Call) -> None:
    name = rehearsal.tools.get(call.tool, call.tool)
    rule = boundary.charter.actions.get(name)
    if rule is not None:
        driver.expect(rule.tool or name, call.arguments, call.content if call.answered else {})


def _distrust(boundary: Boundary, place: str) -> None:
    assert isinstance(boundary.distrusted, set)
    boundary.distrusted.add(place)
