"""What the sender of a batch states about it: control totals in a JSON file beside the data."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

from bridgehead.kernel.errors import WatchError
from bridgehead.watch.contract.model import Contract

MAX_BYTES = 1024 * 1024
Stated = dict[tuple[str, str], Any]


def stated(contract: Contract, folder: Path | None, given: Path | None = None) -> Stated:
    """Return every control total that a contract names, by object and key.

    ``given`` is a file a person named: it must be readable (BH-WAT-019). A manifest beside the data that is
    missing or broken leaves its totals out, and the clauses that need them cannot be evaluated.
    """
    out: Stated = {}
    for table in contract.tables:
        totals = table.ours.control_totals
        if totals is None:
            continue
        keys = [key for key in (totals.rows, *(key for _, key in totals.sums)) if key]
        if given is not None:
            value = _named(given)
        elif folder is not None:
            value = _beside(folder, totals.manifest)
        else:
            value = None
        for key in keys:
            out[table.name, key] = _at(value, key)
    return out


def _named(path: Path) -> Any:
    try:
        return _read(path)
    except (OSError, ValueError, RecursionError) as error:
        raise WatchError(
            "BH-WAT-019",
            f"the control totals in {path} cannot be read: {getattr(error, 'strerror', None) or error}",
            means="Nothing was checked.",
            fix="Name a JSON file with the keys that the contract names.",
        ) from error


def _beside(folder: Path, manifest: str) -> Any:
    path = folder / manifest
    try:
        if not path.resolve().is_relative_to(folder.resolve()):
            return None
        return _read(path)
    except (OSError, ValueError, RecursionError):
        return None


def _read(path: Path) -> Any:
    with path.open("rb") as stream:
        raw = stream.read(MAX_BYTES + 1)
    if len(raw) > MAX_BYTES:
        raise ValueError(f"it has more than {MAX_BYTES} bytes")
    return json.loads(raw, parse_float=str)


def _at(value: Any, key: str) -> Any:
    """Return the value at a dotted key as a plain number or its text, or None."""
    for part in key.split("."):
        if not isinstance(value, dict) or part not in value:
            return None
        value = value[part]
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    return value if isinstance(value, int) or _is_number(value) else value[:80]


def _is_number(text: str) -> bool:
    try:
        return Decimal(text).is_finite()
    except ArithmeticError:
        return False
