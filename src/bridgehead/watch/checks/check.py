"""Check data against their contract.

::

    contract = read(Path("orders.odcs.yaml"))
    with place("drop/", contract.tables, limits=Limits(), clock=clock) as found:
        report = check(contract, found, now=clock.now())
    report.breaches        # verdicts, each with file:line of its clause

1 the clauses become checks · 2 the checks a plan · 3 the plan runs where the data live · 4 numbers are
judged. Never: changes data, or lets a row leave: of failing rows only the key is shown, at most ten a check.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from bridgehead.kernel.clock import stamp
from bridgehead.watch.checks.baseline import Baseline
from bridgehead.watch.checks.compile import checks as compiled
from bridgehead.watch.checks.engine import Engine, Unmeasured
from bridgehead.watch.checks.ir import Check, Numbers
from bridgehead.watch.checks.judge import Verdict, judge
from bridgehead.watch.checks.measure import measure
from bridgehead.watch.checks.plan import plan
from bridgehead.watch.checks.totals import stated
from bridgehead.watch.checks.where import Place
from bridgehead.watch.contract.model import Contract, Unchecked

NOTHING_READ = "nothing of it could be read"
SAMPLES = 10
"""Failing rows whose keys are shown for one check, at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a check of a contract found. ``samples`` are keys of failing rows by the check's id.

    ``unchecked`` is what the contract says and no check covers; ``more`` are columns it does not name,
    ``absent`` optional columns that are not there, each by the object's name.
    """

    contract: Contract
    data: str
    at: datetime
    verdicts: tuple[Verdict, ...]
    numbers: Numbers
    samples: Mapping[str, tuple[tuple[str, ...], ...]] = field(default_factory=dict)
    more: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    absent: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def breaches(self) -> tuple[Verdict, ...]:
        """Return what is broken or could not be evaluated, in the order of the file."""
        return tuple(verdict for verdict in self.verdicts if verdict.is_breach)

    @property
    def holds(self) -> bool:
        """Say whether no clause that blocks is broken or could not be evaluated."""
        return not any(verdict.check.severity == "block" for verdict in self.breaches)

    @property
    def unchecked(self) -> tuple[Unchecked, ...]:
        """Return what nobody checked."""
        return self.contract.unchecked

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain values, for ``--json``."""
        contract = self.contract
        return {
            "ok": self.holds,
            "contract": {
                "id": contract.id, "name": contract.name, "version": contract.version,
                "file": contract.file, "digest": contract.digest,
            },
            "data": self.data,
            "at": stamp(self.at),
            "rows": dict(self.numbers.rows),
            "checks": [_as_dict(verdict, self.samples) for verdict in self.verdicts],
            "not_checked": [
                {"what": one.what, "why": one.why, "where": one.where} for one in self.unchecked
            ],
            "columns_not_in_contract": {name: list(found) for name, found in self.more.items() if found},
            "absent_columns": {name: list(found) for name, found in self.absent.items() if found},
        }  # fmt: skip


def check(
    contract: Contract, place: Place, *, now: datetime, baseline: Baseline | None = None,
    tables: Sequence[str] = (), totals: Path | None = None, samples: bool = True,
) -> Report:  # fmt: skip
    """Return what became of every clause. ``tables`` limits it to some objects; empty means all.

    Raises ``WatchError`` BH-WAT-019 where a named file of control totals cannot be read.
    """
    wanted = [one for one in compiled(contract, baseline) if not tables or one.table in tables]
    told = stated(contract, place.folder, totals)
    measured = measure(contract, plan(wanted), place.engine)
    numbers = measured.numbers(told)
    verdicts = _told_once(
        _of_absent(judge(one, numbers, now, may_be_empty=_may_be_empty(contract, one.table)), measured.absent)
        for one in wanted
    )
    return Report(
        contract=contract,
        data=place.label,
        at=now,
        verdicts=verdicts,
        numbers=numbers,
        samples=_samples(contract, verdicts, place.engine) if samples else {},
        more=measured.more,
        absent=measured.absent,
    )


def _told_once(verdicts: Iterable[Verdict]) -> tuple[Verdict, ...]:
    """Return verdicts that say only once, in what is stored, why nothing of an object could be read."""
    found, said = tuple(verdicts), set()
    reasons: dict[str, set[str]] = {}
    for one in found:
        reasons.setdefault(one.check.table, set()).add(one.plain if one.state == "unevaluable" else "")
    made = []
    for one in found:
        table = one.check.table
        again = len(reasons[table]) == 1 and one.state == "unevaluable" and table in said
        made.append(replace(one, plain=NOTHING_READ) if again else one)
        said.add(table)
    return tuple(made)


def _of_absent(verdict: Verdict, absent: Mapping[str, Sequence[str]]) -> Verdict:
    """Return a breach about a column that is not there with words that say so: it reads as null."""
    gone = [name for name in verdict.check.columns if name in absent.get(verdict.check.table, ())]
    if verdict.state != "broken" or not gone:
        return verdict
    said = f"there is no column `{gone[0]}`, so it reads as null: "
    return replace(verdict, words=said + verdict.words, plain=said + verdict.plain)


def _may_be_empty(contract: Contract, name: str) -> bool:
    table = contract.table(name)
    said = (table.ours.empty_batch if table else None) or contract.ours.empty_batch
    return said == "allowed"


def _samples(
    contract: Contract, verdicts: Sequence[Verdict], engine: Engine
) -> dict[str, tuple[tuple[str, ...], ...]]:
    found = {}
    for verdict in verdicts:
        if verdict.state == "broken":
            rows = _failing(contract, verdict.check, engine)
            if rows:
                found[verdict.check.id] = rows
    return found


def _failing(contract: Contract, one: Check, engine: Engine) -> tuple[tuple[str, ...], ...]:
    """Return the keys of at most ten failing rows; nothing where the object has no key."""
    table = contract.table(one.table)
    key = table.key or tuple(c.name for c in table.columns if c.unique)[:1] if table else ()
    if table is None or not key:
        return ()
    try:
        opened = engine.open(table)
        writer = engine.writer(opened.relation)
        condition = writer.rows_of(one.metric)
        if not condition or any(name in opened.absent for name in key):
            return ()
        shown = ", ".join(f"CAST({writer.text(name)} AS VARCHAR)" for name in key)
        rows = engine.rows(
            f"SELECT {shown} FROM {opened.relation.source} WHERE {condition} LIMIT {SAMPLES}",  # noqa: S608
            SAMPLES,
        )
    except Unmeasured:
        return ()
    return tuple(tuple("null" if cell is None else str(cell)[:80] for cell in row) for row in rows)


def _as_dict(verdict: Verdict, samples: Mapping[str, Sequence[Sequence[str]]]) -> dict[str, Any]:
    one = verdict.check
    responses = one.on_breach
    return {
        "id": one.id,
        "table": one.table,
        "columns": list(one.columns),
        "clause": one.source.clause,
        "where": one.source.where,
        "state": verdict.state,
        "severity": one.severity,
        "number": verdict.number
        if isinstance(verdict.number, int | float | str | None)
        else str(verdict.number),
        "unit": one.unit,
        "words": verdict.words,
        "note": verdict.note,
        "on_breach": None
        if responses is None
        else {"default": responses.default, "readers": dict(responses.readers)},
        "failing_keys": [list(row) for row in samples.get(one.id, ())],
    }
