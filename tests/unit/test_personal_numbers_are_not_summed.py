"""Of a personal column nothing is kept that is one person's number when a batch has few rows."""

from __future__ import annotations

from pathlib import Path

from bridgehead.kernel.clock import SystemClock
from bridgehead.watch.checks.engine import Limits
from bridgehead.watch.checks.where import place
from bridgehead.watch.distributions.framing import framed
from bridgehead.watch.distributions.measuring import profiled
from bridgehead.watch.distributions.written import columns_text
from bridgehead.watch.profile import Frame, Profile
from fixtures.batches import contract, csv_files

ABOUT = contract(
    "schema:\n  - name: people\n    logicalType: object\n    properties:\n"
    "      - {name: income, logicalType: integer}\n      - {name: debt, logicalType: integer}\n"
)
KEYS = {"income": b"k" * 32}


def counted(folder: Path, incomes: list[int], frame: Frame | None = None) -> tuple[Frame, Profile]:
    folder.mkdir()
    rows = [{"income": one, "debt": one + 1} for one in incomes]
    csv_files(folder, {"people": ({"income": "integer", "debt": "integer"}, rows)})
    with place(str(folder), ABOUT.tables, limits=Limits(), clock=SystemClock()) as found:
        (table,) = ABOUT.tables
        frame = frame or framed(table, found.engine, KEYS)
        return frame, profiled(frame, table, found.engine, KEYS)


def test_a_batch_of_one_row_does_not_tell_an_income(tmp_path: Path) -> None:
    frame, many = counted(tmp_path / "many", [1000 + 7 * n for n in range(500)])
    assert frame.column("income").numeric, "it is counted in bins, as other numbers are"
    assert sum(many.column("income").counts) == 500
    _, one = counted(tmp_path / "one", [84_217], frame)
    kept = columns_text(one)
    assert "84217" not in kept and str(84_217**2) not in kept
    assert "84218" in kept, "of a column that is not personal the sums are kept"
    assert sum(one.column("income").counts) == 1
