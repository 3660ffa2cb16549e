"""Read a data contract: YAML with its lines, the standard's schema, then what the schema cannot say.

::

    contract = read(Path("contracts/orders.odcs.yaml"))
    contract.tables[0].columns[0].where     # "contracts/orders.odcs.yaml:12"

Called by ``bridgehead watch`` and by everything that watches data. Never rewrites the file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bridgehead.declare import compose
from bridgehead.kernel.errors import CharterError, WatchError
from bridgehead.watch.contract.build import build
from bridgehead.watch.contract.faults import ContractErrors, Found
from bridgehead.watch.contract.model import Contract
from bridgehead.watch.contract.older import brought_up
from bridgehead.watch.contract.shape import misshapen


def read(path: Path) -> Contract:
    """Return the contract in a file of ODCS v3.

    Raises ``ContractErrors`` with everything that is wrong, each with file and line: the text (BH-WAT-001),
    its shape (BH-WAT-002 to BH-WAT-005, BH-WAT-007), what it says (BH-WAT-006 to BH-WAT-013); and
    ``WatchError`` where the extra is missing (BH-WAT-014).
    """
    try:
        with path.open("rb") as stream:
            raw = stream.read(compose.MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise _unreadable(str(path), getattr(error, "strerror", None) or str(error), f"{path}:1") from error
    return parse(raw, str(path))


def parse(raw: bytes, file: str) -> Contract:
    """Return the contract that bytes hold; ``file`` is how it is called in what is said about it."""
    try:
        written = compose.read(file, raw)
    except CharterError as error:
        raise _unreadable(file, error.what, error.where) from error
    if written.errors:
        raise ContractErrors([_unwritten(error) for error in written.errors])
    found = Found(written.lines)
    value: Any = written.value
    _is_version_3(value, found)
    _stop(found)
    value = brought_up(value)
    misshapen(value, found)
    _stop(found)
    contract = build(value, found, file, hashlib.sha256(raw).hexdigest())
    _stop(found)
    return contract


def _stop(found: Found) -> None:
    if found.errors:
        raise ContractErrors(found.errors)


def _is_version_3(value: Mapping[str, Any], found: Found) -> None:
    version = value.get("apiVersion", value.get("dataContractSpecification"))
    older = "dataContractSpecification" in value or "datasetDomain" in value
    if older or (isinstance(version, str) and version.lstrip("v").startswith(("0.", "1.", "2."))):
        key = "dataContractSpecification" if "dataContractSpecification" in value else "apiVersion"
        found.wrong(
            "BH-WAT-005",
            f"this contract is written in version {version} of an older or another standard",
            key,
            means="Only version 3 of the Open Data Contract Standard is read; guessing would lose clauses.",
            fix="Convert to v3, with the tool that wrote it or `datacontract export --format odcs`.",
        )


def _unreadable(file: str, why: str, where: str) -> ContractErrors:
    return ContractErrors(
        [
            WatchError(
                "BH-WAT-001",
                f"the contract cannot be read: {why}",
                means="Nothing was checked; data it is for count as not checked.",
                fix="Name a YAML file of the Open Data Contract Standard, version 3.",
                where=where,
            )
        ]
    )


def _unwritten(error: CharterError) -> WatchError:
    """Return how a text is written wrongly (anchors, repeated keys) as an error of a contract."""
    return WatchError("BH-WAT-001", error.what, means=error.means, fix=error.fix, where=error.where)
