"""Vectors: from an endpoint, or from the small model in its wheel; never of two models, never by half."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from bridgehead.connect.collections.collection import DocumentCollection
from bridgehead.connect.collections.embedding import embedder
from bridgehead.declare.collecting import Embeddings
from bridgehead.declare.model import Collection
from bridgehead.kernel.errors import ConfigError, ConnectError
from bridgehead.testing.model_endpoint import FakeOpenAI

FILES = {
    "car.md": "The automobile was repaired in the garage.",
    "cake.md": "Bake the cake for forty minutes.",
    "law.md": "The contract ends when either party gives notice.",
}


def collection(folder: Path, model: Embeddings) -> DocumentCollection:
    """Return a collection whose passages get vectors."""
    root = folder / "files"
    root.mkdir(exist_ok=True)
    for name, text in FILES.items():
        (root / name).write_text(text)
    declared = Collection.model_validate(
        {"title": "T", "folder": str(root), "region": "eu", "readers": [{"to": ["staff"]}]}
    )
    made = embedder("t", model)
    return DocumentCollection("t", declared, root=root, texts={}, state=folder, embedder=made)


def first(of: DocumentCollection, query: str) -> dict[str, Any]:
    """Return the best passage, for somebody who may read everything."""
    asked = {"query": query, "limit": 3, "permits": lambda path: True, "rights": "all", "not_before": None}
    answer = of._searched(asked)
    assert answer["searched"] == "words and meaning"
    best: dict[str, Any] = answer["passages"][0]
    return best


def endpoint(url: str, model: str = "small", batch: int = 2) -> Embeddings:
    """Return the declaration of an endpoint."""
    return Embeddings(driver="openai", endpoint=url, model=model, region="eu", batch=batch)


def test_the_small_model_finds_what_is_said_in_other_words(tmp_path: Path) -> None:
    small = collection(tmp_path, Embeddings(driver="wordllama", region="local"))
    small.sync()
    assert first(small, "vehicle workshop")["document"] == "car.md"
    assert first(small, "dessert oven")["document"] == "cake.md"
    assert first(small, "legal agreement termination")["document"] == "law.md"


async def test_an_endpoint_is_sent_passages_and_queries_in_batches_with_its_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    async with FakeOpenAI() as fake:
        made = collection(tmp_path, endpoint(fake.url))
        await asyncio.to_thread(made.sync)
        assert [len(body["input"]) for body in fake.requests] == [1, 1, 1]  # a document at a time
        best = await asyncio.to_thread(first, made, "cake for forty minutes")
        assert best["document"] == "cake.md"
        assert fake.requests[-1] == {
            "model": "small",
            "input": ["cake for forty minutes"],
            "encoding_format": "float",
        }
        assert fake.headers[-1]["Authorization"] == "Bearer sk-test"


async def test_another_model_makes_the_index_anew(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake:
        await asyncio.to_thread(collection(tmp_path, endpoint(fake.url)).sync)
        other = collection(tmp_path, endpoint(fake.url, "large"))
        await other.open()
        assert {body["model"] for body in fake.requests[-3:]} == {"large"}
        again = await asyncio.to_thread(other.sync)
        assert (again.unchanged, again.added) == (3, [])


BAD = [
    b"no json",
    b"{}",
    b'{"data": []}',
    b'{"data": [{"index": 0, "embedding": []}]}',
    b'{"data": [{"index": 0, "embedding": ["a"]}]}',
    b'{"data": [{"index": 7, "embedding": [1.0]}]}',
    b'{"data": {"index": 0}}',
]


@pytest.mark.parametrize("answer", BAD)
async def test_an_answer_that_is_no_vectors_fails_and_nothing_is_guessed(
    tmp_path: Path, answer: bytes
) -> None:
    async with FakeOpenAI() as fake:
        made = collection(tmp_path, endpoint(fake.url))
        fake.raw(answer)
        with pytest.raises(ConnectError) as failed:
            await asyncio.to_thread(made.sync)
        assert failed.value.code == "BH-CON-014"


async def test_an_endpoint_that_is_away_or_sends_us_elsewhere_is_told(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake:
        made = collection(tmp_path, endpoint(fake.url))
        fake.fail(302, headers={"Location": "http://127.0.0.1:9/steal"})
        with pytest.raises(ConnectError) as elsewhere:
            await asyncio.to_thread(made.sync)
        assert elsewhere.value.code == "BH-CON-014"
        gone = collection(tmp_path, endpoint("http://127.0.0.1:9/v1"))
    with pytest.raises(ConnectError) as away:
        await asyncio.to_thread(gone.sync)
    assert away.value.code == "BH-CON-015"
    with pytest.raises(ConfigError):
        embedder("t", endpoint("ftp://127.0.0.1/"))
