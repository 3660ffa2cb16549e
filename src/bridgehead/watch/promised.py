"""The contract of a source of a deployment, and the distributions frozen beside it: files of a release."""

from __future__ import annotations

from bridgehead.enforce.boundary import Boundary
from bridgehead.watch.checks import baseline
from bridgehead.watch.checks.baseline import Baseline
from bridgehead.watch.contract.model import Contract
from bridgehead.watch.contract.read import read

BASELINE = ".baseline.json"
"""Takes the place of a contract's suffixes in the name of its frozen distributions, where there are any."""


def contract_of(boundary: Boundary, source: str) -> Contract:
    """Return a source's contract, as this release has it. Raises as ``contract.read`` does."""
    return read(boundary.deployment.folder / boundary.charter.sources[source].contract)


def baseline_of(boundary: Boundary, source: str) -> Baseline | None:
    """Return the frozen distributions beside a source's contract, where there are any."""
    file = boundary.deployment.folder / boundary.charter.sources[source].contract
    frozen = file.with_name(f"{file.name.partition('.')[0]}{BASELINE}")
    return baseline.read(frozen) if frozen.is_file() else None
