"""Promise 5 in documents: two people, the same question, each answered from what they may read now."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from fixtures import handbook
from fixtures.handbook import documents, found
from fixtures.houses import START, Desk

QUERY = "Who pays the train?"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A desk with nothing said about documents yet."""
    desk = Desk(tmp_path)
    yield desk
    desk.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The handbook's folder."""
    return handbook.written(tmp_path / "handbook")


async def test_two_people_get_two_answers_each_with_its_citation(desk: Desk, folder: Path) -> None:
    handbook.add_to(desk, folder)
    ana, hal = [await found(desk, person, QUERY) for person in ("ana", "hal")]
    assert documents(ana) == ["travel.md"]
    assert set(documents(hal)) == {"travel.md", "hr/pay.md"}
    (passage,) = ana["value"]["passages"]
    assert passage["citation"] == "Travel rules, Travel > Trains"
    text = (folder / "travel.md").read_text()
    assert passage["text"] == text[passage["start"] : passage["end"]]
    assert ana["value"]["searched"] == "words"


async def test_a_guest_finds_nothing_and_is_told_nothing(desk: Desk, folder: Path) -> None:
    handbook.add_to(desk, folder)
    zoe = await found(desk, "zoe", "merger")
    assert zoe["value"] == {"passages": [], "searched": "words"}


async def test_an_agent_finds_no_more_than_it_is_cleared_for(desk: Desk, folder: Path) -> None:
    handbook.add_to(desk, folder, more="    tags: [internal]\n")
    assert documents(await found(desk, "hal", QUERY)) == []
    refused = await found(desk, "hal", QUERY, workflow="strange")
    assert refused["is"] == "refused" and refused["step"] == 2


async def test_rights_that_come_with_the_documents_are_needed_too(desk: Desk, folder: Path) -> None:
    access = handbook.rights(
        folder,
        {
            "travel.md": {"groups": ["everyone"]},
            "hr/pay.md": {"people": ["HAL@example.com"], "tags": ["pii"]},
        },
        everyone={"groups": ["staff"]},
    )
    handbook.add_to(desk, folder, access=access, cleared="tags: [pii]")
    assert documents(await found(desk, "ana", QUERY)) == ["travel.md"]
    assert set(documents(await found(desk, "hal", QUERY))) == {"travel.md", "hr/pay.md"}
    handbook.rights(folder, {"hr/pay.md": {"people": ["hal@example.com"]}})
    assert documents(await found(desk, "ana", QUERY)) == []
    assert documents(await found(desk, "hal", QUERY)) == ["hr/pay.md"]


async def test_rights_that_are_too_old_or_not_there_refuse_the_whole_search(desk: Desk, folder: Path) -> None:
    access = handbook.rights(folder, {"travel.md": {"groups": ["staff"]}})
    handbook.add_to(desk, folder, access=access)
    assert documents(await found(desk, "ana", QUERY)) == ["travel.md"]
    desk.clock.advance(4 * 3600 + 1)
    old = await found(desk, "ana", QUERY)
    assert (old["is"], old["step"], old["rules"]) == ("refused", 3, ["documents.stale"])
    handbook.rights(folder, {"travel.md": {"groups": ["staff"]}}, START + timedelta(days=2))
    assert (await found(desk, "ana", QUERY))["rules"] == ["documents.stale"]  # not of a time to come
    access.write_text("{")
    assert (await found(desk, "ana", QUERY))["rules"] == ["documents.rights"]
    access.unlink()
    assert (await found(desk, "ana", QUERY))["rules"] == ["documents.rights"]


async def test_rights_taken_away_while_it_is_searched_refuse_the_answer(desk: Desk, folder: Path) -> None:
    access = handbook.rights(folder, {"travel.md": {"groups": ["staff"]}})
    handbook.add_to(desk, folder, access=access)
    desk.on_step[9] = lambda: handbook.rights(folder, {})
    gone = await found(desk, "ana", QUERY)
    assert (gone["is"], gone["step"], gone["rules"]) == ("refused", 9, ["documents.changed"])
    assert "travel" not in str(gone["words"])


async def test_a_person_who_left_a_group_finds_less_at_once(desk: Desk, folder: Path) -> None:
    handbook.add_to(desk, folder)
    assert "hr/pay.md" in documents(await found(desk, "hal", QUERY))
    desk.change("groups: [staff, hr]", "groups: [staff]").activate()
    assert documents(await found(desk, "hal", QUERY)) == ["travel.md"]


async def test_the_ledger_keeps_digests_and_the_text_can_be_erased(desk: Desk, folder: Path) -> None:
    handbook.add_to(desk, folder)
    ana = await found(desk, "ana", QUERY)
    (outcome,) = [e for e in desk.entries("action.outcome") if e["action"]["kind"] == "retrieve"]
    digests = [passage["digest"] for passage in ana["value"]["passages"]]
    assert outcome["retrieval"] == {"passages": digests, "searched": "words"}
    assert "train" not in str(outcome)
    body = desk.bodies("action.outcome")[0]
    assert body["labels"]["passages.0"] == {
        "sources": ["handbook:travel.md"],
        "tags": [],
        "region": ["eu"],
        "integrity": ["untrusted"],
    }
    assert desk.verified().ok


async def test_what_is_deleted_or_changed_is_not_given_and_leaves_no_byte(desk: Desk, folder: Path) -> None:
    handbook.add_to(desk, folder)
    await found(desk, "hal", QUERY)
    (folder / "hr" / "pay.md").unlink()
    (folder / "travel.md").write_text("# Travel\n\nNo train is paid.\n")
    hal = await found(desk, "hal", QUERY)
    assert documents(hal) == [] and hal["value"]["behind"]  # not read yet, and no longer what was read
    (collection,) = _collections(desk)
    done = collection.sync()
    assert (done.deleted, done.changed, done.unchanged) == (["hr/pay.md"], ["travel.md"], 2)
    assert documents(await found(desk, "hal", QUERY)) == ["travel.md"]
    kept = b"".join(place.read_bytes() for place in collection.index.path.parent.iterdir())
    assert b"fourteen" not in kept and b"First class" not in kept


def _collections(desk: Desk) -> list[Any]:
    return list(desk.house.collections().values())
