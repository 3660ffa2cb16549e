"""What may not be read changes nothing: the answer is that of a fresh index that never held it."""

from __future__ import annotations

import hashlib
import struct
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridgehead.connect.collections.collection import DocumentCollection
from bridgehead.connect.collections.vectors import normal
from bridgehead.declare.model import Collection
from bridgehead.kernel.clock import SetClock

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
WORDS = ("train", "trains", "hotel", "pay", "bonus", "leave", "merger", "plan", "the", "größe", "東京")


class Hashed:
    """Vectors that depend on nothing but the words of a text."""

    pinned = "hashed"

    def embedded(self, texts: Sequence[str]) -> list[bytes | None]:
        """Return the mean of a vector for each word."""
        return [normal(_mean([_numbers(word) for word in text.split()])) for text in texts]


def _numbers(word: str) -> list[float]:
    return [one / 2**31 - 1 for one in struct.unpack("<8I", hashlib.sha256(word.encode()).digest())]


def _mean(rows: list[list[float]]) -> list[float]:
    return [sum(column) / len(rows) for column in zip(*rows, strict=True)] if rows else [0.0] * 8


def collection(folder: Path, files: Mapping[str, str], *, vectors: bool = False) -> DocumentCollection:
    """Return an index of files, made once."""
    root = folder / "files"
    root.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (root / name).write_text(text)
    declared = Collection.model_validate(
        {"title": "T", "folder": str(root), "region": "eu", "readers": [{"to": ["staff"]}]}
    )
    made = DocumentCollection(
        "c",
        declared,
        root=root,
        texts={},
        state=folder,
        embedder=Hashed() if vectors else None,
        clock=SetClock(NOW),
    )
    made.sync()
    return made


def answer(of: DocumentCollection, query: str, permitted: frozenset[str], limit: int = 5) -> dict[str, Any]:
    """Search as somebody who may read ``permitted``."""
    return of._searched(
        {
            "query": query,
            "limit": limit,
            "permits": permitted.__contains__,
            "rights": str(sorted(permitted)),
            "not_before": None,
        }
    )


texts = st.lists(st.sampled_from(WORDS), min_size=1, max_size=12).map(" ".join)
worlds = st.dictionaries(st.sampled_from([f"{n}.md" for n in range(8)]), texts, min_size=1, max_size=8)


@pytest.mark.parametrize("vectors", [False, True])
@given(
    world=worlds,
    other=worlds,
    permitted=st.frozensets(st.sampled_from([f"{n}.md" for n in range(8)])),
    query=texts,
)
@settings(max_examples=25, deadline=None)
def test_the_answer_is_the_same_in_every_world_that_differs_only_in_what_may_not_be_read(
    vectors: bool, world: dict[str, str], other: dict[str, str], permitted: frozenset[str], query: str
) -> None:
    seen = {name: text for name, text in world.items() if name in permitted}
    unseen = {name: text for name, text in other.items() if name not in permitted}
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        mixed = collection(Path(one), {**unseen, **seen}, vectors=vectors)
        fresh = collection(Path(two), seen, vectors=vectors)
        found = answer(mixed, query, permitted)
        assert found == answer(fresh, query, permitted)
    assert {passage["document"] for passage in found["passages"]} <= permitted


@pytest.mark.parametrize("share", [0.1, 0.01, 0.001])
def test_every_permitted_passage_is_found_however_few_there_are(tmp_path: Path, share: float) -> None:
    files = {f"{n:04}.md": f"# Paper {n}\n\ntrain {WORDS[n % 7]} number{n % 50}\n" for n in range(1000)}
    permitted = frozenset(
        sorted(files, key=lambda name: hashlib.sha256(name.encode()).digest())[: int(1000 * share)]
    )
    mixed = collection(tmp_path / "mixed", files, vectors=True)
    fresh = collection(tmp_path / "fresh", {name: files[name] for name in permitted}, vectors=True)
    for query in ("train", "hotel number7", "bonus"):
        assert answer(mixed, query, permitted, 50) == answer(fresh, query, permitted, 50)


def test_a_long_question_keeps_its_subject(tmp_path: Path) -> None:
    chatter = [
        f"{letter}{word}" for letter in "abcdefgh" for word in ("alpha", "bonus", "card", "detail", "echo")
    ]
    files = {f"n{n:02}.md": f"# Note {n}\n\n{' '.join(chatter[:9])}\n" for n in range(30)}
    files["z.md"] = "# Crossings\n\nApply for a zebra at counter seven.\n"
    mixed = collection(tmp_path, files)
    question = f"Dear team, {' '.join(chatter)}. My question: how do I find a zebra?"
    assert len(question.split()) > 40
    found = answer(mixed, question, frozenset(files))
    assert found["passages"][0]["document"] == "z.md"
    alone = answer(mixed, question, frozenset(files) - {"z.md"})
    assert alone["passages"] and "z.md" not in {one["document"] for one in alone["passages"]}


def test_an_index_that_was_changed_many_times_answers_as_a_fresh_one(tmp_path: Path) -> None:
    files = {f"{n}.md": f"train {WORDS[n % 5]} {n}" for n in range(20)}
    old = collection(tmp_path / "old", dict.fromkeys(files, "pay hotel") | {"gone.md": "train train"})
    (tmp_path / "old" / "files" / "gone.md").unlink()
    for name, text in reversed(files.items()):
        (tmp_path / "old" / "files" / name).write_text(text)
        old.sync()
    fresh = collection(tmp_path / "fresh", files)
    everything = frozenset(files)
    assert answer(old, "train hotel", everything, 20) == answer(fresh, "train hotel", everything, 20)


def test_words_are_found_in_other_forms_and_scripts(tmp_path: Path) -> None:
    found = collection(
        tmp_path,
        {"one.md": "The trains were paid.", "two.md": "Die Größe zählt.", "three.md": "東京タワーの料金"},
    )
    everything = frozenset({"one.md", "two.md", "three.md"})

    def first(query: str) -> str:
        return str(answer(found, query, everything)["passages"][0]["document"])

    assert first("who pays a train?") == "one.md"
    assert first("GROSSE groesse größe") == "two.md"
    assert first("東京") == "three.md"
    for odd in ('"; drop table chunk; --', "NEAR(a b) AND *", "🙂", "\u202e", "a" * 4000):
        answer(found, odd, everything)
