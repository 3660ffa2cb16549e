"""The file of control totals that a sender drops beside each batch: ``bridgeheadControlTotals`` of a feed.

``manifest: "{batch}.totals.json"`` names it by what the batch is called: its file's name without the ending,
or what its manifest calls it. A batch is complete once that file is there, too.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from bridgehead.enforce.boundary import Boundary
from bridgehead.kernel.errors import WatchError
from bridgehead.watch.contract.model import Contract
from bridgehead.watch.contract.ours import BATCH
from bridgehead.watch.contract.read import read


def named(contract: Contract, table: str) -> str:
    """Return how the file of totals of each batch is called; empty where the contract asks for none, or for
    one that does not say which batch it is about."""
    promised = contract.table(table)
    totals = promised.ours.control_totals if promised is not None else None
    return totals.manifest if totals is not None and BATCH in totals.manifest else ""


def named_in(boundary: Boundary, source: str, table: str) -> str:
    """Return the same of a source of this release, cheaply: its contract is read once."""
    file = boundary.deployment.folder / boundary.charter.sources[source].contract
    try:
        return dict(_of(file, file.stat().st_mtime_ns)).get(table, "")
    except (OSError, WatchError):
        return ""  # said at the next look


@lru_cache(maxsize=64)
def _of(file: Path, changed: int) -> tuple[tuple[str, str], ...]:
    contract = read(file)
    return tuple((one.name, named(contract, one.name)) for one in contract.tables)
