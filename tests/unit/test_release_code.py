"""Two releases at work side by side: each runs its own files, compiled from what its digest covers."""

from __future__ import annotations

import py_compile
import sys
from pathlib import Path

import pytest

from bridgehead.kernel.errors import EngineError
from bridgehead.run.code import Code

FLOW = """
from __future__ import annotations

from dataclasses import dataclass

from wording import WORDS


@dataclass
class Said:
    words: str


def say():
    return Said(WORDS).words
"""


def folder(place: Path, words: str) -> Path:
    place.mkdir()
    (place / "wording.py").write_text(f"WORDS = {words!r}\n", "utf-8")
    (place / "flow.py").write_text(FLOW, "utf-8")
    return place


def test_each_release_imports_its_own_files(tmp_path: Path) -> None:
    old = Code(folder(tmp_path / "old", "the old words"), "a" * 64)
    new = Code(folder(tmp_path / "new", "the new words"), "b" * 64)

    assert old.function("flow.py:say")() == "the old words"
    assert new.function("flow.py:say")() == "the new words"
    assert old.function("flow.py:say")() == "the old words"
    assert "wording" not in sys.modules


def test_planted_bytecode_is_not_run(tmp_path: Path) -> None:
    place = folder(tmp_path / "release", "what is written")
    planted = tmp_path / "planted.py"
    planted.write_text("def say():\n    return 'planted'\n", "utf-8")
    cache = place / "__pycache__" / f"flow.{sys.implementation.cache_tag}.pyc"
    py_compile.compile(
        str(planted),
        cfile=str(cache),
        doraise=True,
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )

    assert Code(place, "c" * 64).function("flow.py:say")() == "what is written"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("flow.py:absent", "not a function"),
        ("absent.py:say", "cannot be loaded"),
        ("broken.py:say", "broken.py"),
    ],
)
def test_what_cannot_be_loaded_is_named(tmp_path: Path, name: str, words: str) -> None:
    place = folder(tmp_path / "release", "words")
    (place / "broken.py").write_text("raise RuntimeError('no')\n", "utf-8")

    with pytest.raises(EngineError) as caught:
        Code(place, "d" * 64).function(name)

    assert caught.value.code == "BH-RUN-005"
    assert words in caught.value.what
