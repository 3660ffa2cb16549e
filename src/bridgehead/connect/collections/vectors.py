"""Vectors of passages: what makes them, and the exact search among those that are permitted.

No approximate index: with few permitted passages among many it would find nearly none of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from bridgehead.connect.faults import bad_setting

if TYPE_CHECKING:
    import numpy as np


class Embedder(Protocol):
    """A model that gives vectors. ``pinned`` names it: vectors of two models are never compared."""

    pinned: str

    def embedded(self, texts: Sequence[str]) -> list[bytes | None]:
        """Return a vector of length one for each text (float32, little endian); None for one that has none.

        Raises ``ConnectError`` or ``ConfigError``.
        """


def numpy() -> Any:
    """Return numpy, which the core does without. Raises ``ConfigError`` BH-CON-002."""
    try:
        import numpy as np
    except ImportError as error:
        raise bad_setting(
            "`embeddings` needs numpy, which is not installed here",
            fix="Install it: pip install 'bridgehead[documents]'.",
        ) from error
    return np


def normal(vector: Sequence[float] | np.ndarray) -> bytes | None:
    """Return a vector at length one, as it is kept; None for one without a direction (an empty text)."""
    np = numpy()
    values = np.asarray(vector, dtype="<f4")
    length = float(np.linalg.norm(values)) if values.size else 0.0
    if not np.isfinite(length) or length == 0.0:
        return None
    kept: bytes = (values / np.float32(length)).astype("<f4").tobytes()
    return kept


class Vectors:
    """Every vector of one generation of an index, in memory: passage numbers and a matrix."""

    def __init__(self, rows: Sequence[tuple[int, bytes]]) -> None:
        np = numpy()
        width = len(rows[0][1]) // 4 if rows else 0
        self._ids = np.fromiter((row[0] for row in rows), dtype=np.int64, count=len(rows))
        self._matrix = np.empty((len(rows), width), dtype=np.float32)
        for number, (_, vector) in enumerate(rows):
            self._matrix[number] = np.frombuffer(vector, dtype="<f4")

    def best(self, query: bytes | None, allowed: bytearray, most: int, rank: Sequence[int]) -> list[int]:
        """Return the permitted passages nearest to a query, the best first; each of them is looked at."""
        np = numpy()
        if query is None or not self._ids.size:
            return []
        rows = np.flatnonzero(np.frombuffer(allowed, dtype=np.uint8)[self._ids])
        asked = np.frombuffer(query, dtype="<f4")
        if rows.size * 2 > self._ids.size:
            near = (self._matrix @ asked)[rows]
        else:
            near = self._matrix[rows] @ asked
        near = np.round(near, 6)  # how many rows are multiplied at once may change the last bits
        if rows.size > most:
            edge = np.partition(near, rows.size - most)[rows.size - most]
            kept = np.flatnonzero(near >= edge)
            rows, near = rows[kept], near[kept]
        places = np.asarray(rank)[self._ids[rows]]
        order = np.lexsort((places, -near))[:most]
        return [int(one) for one in self._ids[rows[order]]]
