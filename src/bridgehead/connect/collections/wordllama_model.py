"""A small English model on this machine: the weights of the ``wordllama`` wheel, averaged over the tokens.

The package itself is not imported: it would change this process's logging, and looks for files on the
network. Two files of it are read, the tokenizer and the matrix.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bridgehead.connect.collections.vectors import normal, numpy
from bridgehead.connect.faults import bad_setting

WEIGHTS = "weights/l2_supercat_256.safetensors"
TOKENIZER = "tokenizers/l2_supercat_tokenizer_config.json"
_BATCH = 256


class WordLlama:
    """256 numbers for a text; no order of words, and no language but English to speak of."""

    def __init__(self) -> None:
        weights = _file(WEIGHTS)
        _file(TOKENIZER)
        self.pinned = f"wordllama:{_digest(weights)}"

    def embedded(self, texts: Sequence[str]) -> list[bytes | None]:
        """Return a vector for each text; None for one without a word."""
        matrix, tokenizer = _loaded()
        found: list[bytes | None] = []
        for begin in range(0, len(texts), _BATCH):
            batch = tokenizer.encode_batch(list(texts[begin : begin + _BATCH]), add_special_tokens=False)
            for encoded in batch:
                rows = numpy().clip(encoded.ids, 0, len(matrix) - 1)
                found.append(normal(matrix[rows].mean(axis=0)) if len(rows) else None)
        return found


@lru_cache(maxsize=1)
def _loaded() -> tuple[Any, Any]:
    """Return the matrix and the tokenizer, read once in this process."""
    from safetensors.numpy import load_file
    from tokenizers import Tokenizer

    (matrix,) = load_file(_file(WEIGHTS)).values()
    tokenizer = Tokenizer.from_file(str(_file(TOKENIZER)))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return matrix.astype("float32"), tokenizer


@lru_cache(maxsize=1)
def _digest(weights: Path) -> str:
    with weights.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _file(name: str) -> Path:
    found = find_spec("wordllama")
    for folder in (found.submodule_search_locations or []) if found else []:
        if (Path(folder) / name).is_file():
            return Path(folder) / name
    raise bad_setting(
        "the model `wordllama` is not installed here",
        fix="Install it: pip install 'bridgehead[wordllama]'; or declare an endpoint.",
    )
