"""Fields of a run by the path a charter writes: ``input.application.income``, ``result.decision``."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any


def field_of(run: Mapping[str, Any], path: str) -> Any:
    """Return the value at a path; None where the path is empty or leads nowhere. A step into a list is an
    index."""
    if not path:
        return None
    value: Any = run
    for step in path.split("."):
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, Sequence) and not isinstance(value, str) and step.isdecimal():
            value = value[int(step)] if int(step) < len(value) else None
        else:
            return None
    return value


def probability_of(value: object) -> float | None:
    """Return a number from 0 to 1, also where it is written as text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and 0 <= number <= 1 else None
