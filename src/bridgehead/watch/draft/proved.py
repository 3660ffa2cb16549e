"""A draft is checked against the very data it came from before anybody sees it.

A sample can miss what the whole table holds, and a file can be read in ways nobody thought of: a clause that
does not hold there is taken out, and a question in its place says so. What is written down therefore holds.
"""

from __future__ import annotations

from collections.abc import Sequence

from bridgehead.kernel.clock import Clock
from bridgehead.kernel.errors import WatchError
from bridgehead.watch.checks.check import check
from bridgehead.watch.checks.engine import Limits
from bridgehead.watch.checks.judge import Verdict
from bridgehead.watch.checks.where import place
from bridgehead.watch.contract.read import parse
from bridgehead.watch.draft.proposal import DraftColumn, DraftTable
from bridgehead.watch.draft.written import contract_text

ROUNDS = 4
"""A clause that is taken out can let another one be measured for the first time."""


def proved(
    name: str, tables: Sequence[DraftTable], data: str, day: str, *, where: str, limits: Limits, clock: Clock,
    remote: bool = False,
) -> tuple[str, int]:  # fmt: skip
    """Return the text of a contract that its own data keep, and how many checks that were.

    ``where`` is the address of the data, ``data`` how it is named in the text. Raises ``WatchError``
    BH-WAT-092 where clauses that cannot be taken out do not hold.
    """
    for _ in range(ROUNDS):
        text = contract_text(name, tables, data, day)
        contract = parse(text.encode(), "the draft")
        with place(where, contract.tables, limits=limits, clock=clock, remote=remote) as there:
            report = check(contract, there, now=clock.now(), samples=False)
        if not report.breaches:
            return text, len(report.verdicts)
        taken = [_taken_out(verdict, tables) for verdict in report.breaches]
        if not any(taken):
            break
    first = report.breaches[0]
    raise WatchError(
        "BH-WAT-092", f"the draft does not hold of its own data: {first.check.id}: {first.words}",
        means="Nothing was written: a contract that is broken from its first day helps nobody.",
        fix="Check the data by hand; if they are in order, tell us, this is a mistake of ours.",
    )  # fmt: skip


def _taken_out(verdict: Verdict, tables: Sequence[DraftTable]) -> bool:
    """Take the clause of a verdict out of its table and leave a question; say whether there was one."""
    table = next(one for one in tables if one.name == verdict.check.table)
    label = verdict.check.id.removeprefix(f"{table.name}.").partition("#")[0]
    note = f"`{verdict.check.source.clause}` was dropped, it does not hold of all rows: {verdict.words}"
    for column in table.columns:
        if label.startswith(f"{column.name}.") and _of_column(column, label.removeprefix(f"{column.name}.")):
            column.notes.append(note)
            return True
    if label.endswith(".primaryKey"):
        for column in table.columns:
            column.key_position = 0
    elif label.endswith(".freshness"):
        table.freshness = None
    else:
        kept = [one for one in table.quality if one.id != label]
        if len(kept) == len(table.quality):
            return False
        table.quality[:] = kept
    table.notes.append(note)
    return True


def _of_column(column: DraftColumn, label: str) -> bool:
    kept = [one for one in column.quality if one.id != label]
    if len(kept) < len(column.quality):
        column.quality[:] = kept
    elif label == "type" and column.logical != "string":
        column.logical, column.options = "string", {}
        column.quality[:] = []
    elif label == "required" and column.required:
        column.required = False
    elif label == "unique" and column.unique:
        column.unique = False
    elif label == "range" and column.options:
        column.options = {}
    elif label == "reference" and column.reference:
        column.reference = ""
    else:
        return False
    return True
