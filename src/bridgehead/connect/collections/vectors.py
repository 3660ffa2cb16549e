"""Vectors of passages: what makes them, and the exact search among those that are permitted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from bridgehead.declare.collecting import Embeddings


class Embedder(Protocol):
    """A model that gives vectors. ``pinned`` names it: vectors of two models are never compared."""

    pinned: str

    def embedded(self, texts: Sequence[str]) -> list[bytes | None]:
        """Return a vector of length one for each text (float32, little endian); None for one that has none.

        Raises ``ConnectError`` or ``ConfigError``.
        """


def embedder(name: str, settings: Embeddings) -> Embedder:
    """Return the model a collection declares. Raises ``ConfigError`` BH-CON-001/002."""
    raise NotImplementedError(name)
