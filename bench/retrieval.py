"""Searching what somebody may read: ``python bench/retrieval.py [--documents N] [--json]``.

A made-up corpus (words by a Zipf law, topics, no data of others) is indexed once with everything and once for
each selectivity (10 %, 1 %, 0.1 %) with the permitted documents alone, in the way that ``run.retrieve`` does.
Measured: entitled recall (the share of the fresh index's first ten that are given), documents given that are
not permitted, differing answers; the same for a search of everything that is filtered afterwards (what we do
not do); and milliseconds of one search (CPU and clock), p50 and p95, beside a raw floor: SQLite FTS5 over
everything, unfiltered, and the bare matrix product. ``--vectors`` takes the ``wordllama`` extra, where it is
installed.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bridgehead.connect.collections.collection import DocumentCollection
from bridgehead.connect.collections.embedding import embedder
from bridgehead.declare.collecting import Embeddings
from bridgehead.declare.model import Collection

SHARES = (0.1, 0.01, 0.001)
FIRST = 10
LETTERS = "bdfgklmnprstvz"
VOWELS = "aeiou"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=10_000)
    parser.add_argument("--queries", type=int, default=100)
    parser.add_argument("--vectors", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder), options.documents, options.queries, vectors=options.vectors)
    if options.json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        print(f"{name}: {value}")


def measure(folder: Path, documents: int, queries: int, *, vectors: bool = False) -> dict[str, Any]:
    """Return the figures."""
    chance = random.Random(4)
    files, asked = corpus(chance, documents, queries)
    begun = time.process_time()
    everything = index(folder / "all", files, vectors)
    built = time.process_time() - begun
    found: dict[str, Any] = {
        "documents": documents,
        "passages": sum(known.passages for known in everything.listed()[0]),
        "searched": "words and meaning" if vectors else "words",
        "index_cpu_s": round(built, 1),
        "load_1m": round(os.getloadavg()[0], 1),
    }
    found |= {f"floor_{name}": value for name, value in floors(everything, asked, vectors).items()}
    times = timed(lambda query: ask(everything, query, None), asked)
    found["all_ms"] = times
    for share in SHARES:
        names = sorted(files)
        permitted = frozenset(chance.sample(names, max(1, round(documents * share))))
        fresh = index(folder / f"only-{share}", {name: files[name] for name in permitted}, vectors)
        found[f"{share:.1%}"] = compared(everything, fresh, asked, permitted)
    return found


def corpus(chance: random.Random, documents: int, queries: int) -> tuple[dict[str, str], list[str]]:
    """Return documents of some 150 words, each on a few topics, and queries of two to five words."""
    words = sorted({_word(chance) for _ in range(30_000)})
    weights = [1 / (rank + 3) for rank in range(len(words))]
    chance.shuffle(words)
    topics = [chance.choices(words, k=40) for _ in range(300)]
    common = iter(chance.choices(words, weights, k=documents * 100))
    files = {}
    for number in range(documents):
        topic = chance.choice(topics) + chance.choice(topics)
        said = [next(common) for _ in range(100)] + chance.choices(topic, k=50)
        chance.shuffle(said)
        lines = [" ".join(said[at : at + 25]) for at in range(0, len(said), 25)]
        files[f"{number % 97:02}/{number:06}.md"] = f"# {topic[0]} {topic[-1]}\n\n" + ".\n\n".join(lines)
    asked = [
        " ".join(
            chance.sample(chance.choice(topics), chance.randint(1, 3)) + chance.choices(words, weights, k=2)
        )
        for _ in range(queries)
    ]
    return files, asked


def _word(chance: random.Random) -> str:
    return "".join(chance.choice(LETTERS) + chance.choice(VOWELS) for _ in range(chance.randint(2, 4)))


def index(folder: Path, files: dict[str, str], vectors: bool) -> DocumentCollection:
    """Return the index of files, made once."""
    root = folder / "files"
    for name, text in files.items():
        place = root / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    model = Embeddings(driver="wordllama", region="local") if vectors else None
    declared = Collection.model_validate(
        {"title": "Bench", "folder": str(root), "region": "local", "readers": [{"to": ["all"]}]}
    )
    made = DocumentCollection(
        "bench",
        declared,
        root=root,
        texts={},
        state=folder,
        embedder=embedder("bench", model) if model else None,
    )
    done = made.sync()
    assert len(done.added) == len(files) and not done.refused
    return made


def ask(
    of: DocumentCollection, query: str, permitted: frozenset[str] | None, limit: int = FIRST
) -> list[Any]:
    """Return what is given to somebody who may read ``permitted``; None: everything."""
    answer = of._searched(
        {
            "query": query,
            "limit": limit,
            "permits": (lambda path: True) if permitted is None else permitted.__contains__,
            "rights": "all" if permitted is None else str(len(permitted)),
            "not_before": None,
        }
    )
    return [(one["document"], one["start"], one["digest"]) for one in answer["passages"]]


def compared(
    everything: DocumentCollection, fresh: DocumentCollection, asked: list[str], permitted: frozenset[str]
) -> dict[str, Any]:
    """Return recall against a fresh index, what was given wrongly, and how long a search takes."""
    wanted, given, filtered = 0, 0, 0
    wrong, different = 0, 0
    for query in asked:
        right = ask(fresh, query, permitted)
        got = ask(everything, query, permitted)
        after = [one for one in ask(everything, query, None, limit=FIRST) if one[0] in permitted]
        wanted += len(right)
        given += len(set(right) & set(got))
        filtered += len(set(right) & set(after))
        wrong += sum(document not in permitted for document, _, _ in got)
        different += right != got
    return {
        "permitted": len(permitted),
        "recall": round(given / wanted, 4) if wanted else None,
        "unpermitted_ids": wrong,
        "differing_answers": different,
        "recall_if_filtered_afterwards": round(filtered / wanted, 4) if wanted else None,
        "ms": timed(lambda query: ask(everything, query, permitted), asked),
    }


def floors(of: DocumentCollection, asked: list[str], vectors: bool) -> dict[str, Any]:
    """Return what the bare search costs: FTS5 over the same texts, nothing filtered, nothing looked up."""
    connection = sqlite3.connect(":memory:")
    connection.execute("create virtual table t using fts5(said, tokenize = 'porter unicode61')")
    with of.index.reading() as index:
        connection.executemany("insert into t values (?)", index.execute("select text from chunk").fetchall())
        rows = index.execute("select vector from chunk").fetchall() if vectors else []
    sql = "select rowid from t where t match ? order by bm25(t) limit 10"

    def words(query: str) -> Any:
        wanted = " OR ".join(f'"{word}"' for word in query.split())
        return connection.execute(sql, (wanted,)).fetchall()

    found = {"fts5_unfiltered_ms": timed(words, asked)}
    if vectors:
        import numpy as np

        matrix = np.stack([np.frombuffer(row[0], dtype="<f4") for row in rows])
        found["matrix_product_ms"] = timed(lambda query: matrix @ matrix[len(query)], asked)
    return found


def timed(once: Callable[[str], Any], asked: list[str]) -> dict[str, float]:
    """Return p50 and p95 of one warm call in milliseconds: of CPU, and by the clock of a machine that may be
    busy."""
    once(asked[0])
    cpu, clock = [], []
    for query in asked:
        begun, used = time.perf_counter(), time.process_time()
        once(query)
        cpu.append((time.process_time() - used) * 1000)
        clock.append((time.perf_counter() - begun) * 1000)
    return {
        "cpu_p50": round(statistics.median(cpu), 2),
        "cpu_p95": round(statistics.quantiles(cpu, n=20)[-1], 2),
        "clock_p50": round(statistics.median(clock), 2),
        "clock_p95": round(statistics.quantiles(clock, n=20)[-1], 2),
    }


if __name__ == "__main__":
    main()
