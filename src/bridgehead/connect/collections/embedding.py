"""Which model makes the vectors of a collection."""

from __future__ import annotations

from bridgehead.connect.collections.vectors import Embedder, numpy
from bridgehead.declare.collecting import Embeddings


def embedder(name: str, settings: Embeddings) -> Embedder:
    """Return the model a collection declares. Raises ``ConfigError`` BH-CON-001/002."""
    numpy()
    if settings.driver == "wordllama":
        from bridgehead.connect.collections.wordllama_model import WordLlama

        return WordLlama()
    from bridgehead.connect.collections.endpoint import EmbeddingEndpoint

    return EmbeddingEndpoint(name, settings)
