"""What a run has read it knows, though the body was erased: all it may have been told is confidential."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bridgehead.enforce import endorse
from bridgehead.enforce.provenance import erased
from bridgehead.enforce.provenance.origins import Origins
from bridgehead.enforce.provenance.words import Words
from fixtures import handbook, sales
from fixtures.houses import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A desk without sources or documents yet."""
    desk = Desk(tmp_path)
    yield desk
    desk.close()


def _erase(desk: Desk, run: str, *kinds: str) -> None:
    for entry in [getattr(row, kind) for row in desk.crossings(run) for kind in kinds]:
        desk.house.ledger.erase_body(entry, by="human:ines", basis="gdpr-art-17", reason="asked")


def _known(desk: Desk, run: str) -> set[str]:
    crossing: Any = SimpleNamespace(run=SimpleNamespace(id=run))
    seen = desk.house.store.look(
        lambda connection: list(endorse._seen(connection, desk.house.boundary, crossing))
    )
    assert seen
    return set(Origins(Words([]), seen).tags)


ERASURES = [("intent_entry",), ("outcome_entry",), ("intent_entry", "outcome_entry")]


@pytest.mark.parametrize("kinds", ERASURES)
async def test_an_erased_answer_to_sql_carries_every_tag_of_its_source(
    desk: Desk, tmp_path: Path, kinds: tuple[str, ...]
) -> None:
    sales.sqlite_file(tmp_path / "sales.sqlite")
    sales.add_to(desk.folder, "sqlite", tmp_path / "sales.sqlite")
    desk.change("    row_limit: 50\n", "    row_limit: 50\n    tags: [inside]\n")
    desk.change("    tags: [bank]\n", "    tags: [bank, inside]\n")
    asked = {"statements": ["SELECT iban FROM customers"]}
    run = desk.start(workflow="clearly", input=asked, on_behalf="uma")
    await desk.work()
    assert desk.ended(run)[0]["is"] == "done"
    assert _known(desk, run) == {"bank", "inside"}
    _erase(desk, run, *kinds)
    assert _known(desk, run) == {"bank", "inside"}


@pytest.mark.parametrize("kinds", ERASURES)
@pytest.mark.parametrize("exported", [False, True])
async def test_an_erased_search_carries_every_tag_of_its_collection(
    desk: Desk, tmp_path: Path, kinds: tuple[str, ...], exported: bool
) -> None:
    folder = handbook.written(tmp_path / "handbook")
    access = handbook.rights(folder, {"travel.md": {"groups": ["staff"]}}) if exported else None
    handbook.add_to(desk, folder, access=access, more="    tags: [internal]\n", cleared="tags: [internal]")
    run = desk.start(("retrieve", "handbook", {"query": "train"}), workflow="reading", on_behalf="ana")
    await desk.work()
    assert handbook.documents(desk.ended(run)[0]) == ["travel.md"]
    assert _known(desk, run) == {"internal"}
    _erase(desk, run, *kinds)
    assert _known(desk, run) == {"internal", *([erased.UNKNOWN] if exported else [])}
