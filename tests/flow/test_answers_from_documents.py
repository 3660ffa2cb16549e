"""Promise 5 in documents: two people, the same question, each answered from what they may read now."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bridgehead.assemble import House
from bridgehead.doors.cli import cli
from bridgehead.enforce.endorse import _found as found_returns
from bridgehead.enforce.provenance.leaves import Seen, taken_apart
from bridgehead.kernel.ports import SEARCH
from bridgehead.testing import ScriptedDriver
from fixtures import handbook
from fixtures.handbook import documents, found
from fixtures.houses import CASE, OPERATOR, START, Desk

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


async def test_a_sync_says_that_bytes_are_left_while_somebody_reads(desk: Desk, folder: Path) -> None:
    handbook.add_to(desk, folder)
    desk.activate()
    collection = desk.house.collections("handbook")["handbook"]
    collection.sync()
    secret = (folder / "hr" / "pay.md").read_bytes().split()[-1]

    def bytes_left() -> bool:
        return any(secret in place.read_bytes() for place in collection.index.path.parent.iterdir())

    with collection.index.reading() as reader:
        assert reader.execute("select count(*) from chunk").fetchone() != (0,)
        (folder / "hr" / "pay.md").unlink()
        collection.index.patience = 0.05
        assert (collection.sync().erased, bytes_left()) == (False, True)
        assert collection.sync().erased is False  # nothing new, and still not done
        place = ["--in", str(desk.folder), "--state", str(desk.state)]
        ran = CliRunner().invoke(cli, ["documents", "sync", *place])
        assert (ran.exit_code, "not done yet" in ran.output) == (1, True)
    assert (collection.sync().erased, bytes_left()) == (True, False)


async def test_the_index_is_synced_listed_and_explained_at_the_command_line(desk: Desk, folder: Path) -> None:
    access = handbook.rights(
        folder, {"travel.md": {"groups": ["staff"]}, "hr/pay.md": {"groups": ["hr"]}}, datetime.now(UTC)
    )
    handbook.add_to(desk, folder, access=access)
    (folder / "photo.jpg").write_bytes(b"\xff\xd8")
    desk.activate()
    desk.close()

    def told(*arguments: str) -> tuple[int, str]:
        place = ["--in", str(desk.folder), "--state", str(desk.state)]
        found = CliRunner().invoke(cli, [*arguments, *place])
        return found.exit_code, found.output

    code, said = told("documents", "sync")
    assert code == 1 and "4 added, 0 changed, 0 deleted" in said
    assert "not read: photo.jpg: files of this kind are not read" in said
    (folder / "hr" / "leave.md").unlink()
    code, said = told("documents", "sync", "handbook", "--json")
    assert json.loads(said)["collections"]["handbook"]["deleted"] == ["hr/leave.md"]
    code, said = told("documents", "list", "--json")
    (listed,) = json.loads(said)["collections"].values()
    assert [one["path"] for one in listed["documents"]] == ["board/merger.md", "hr/pay.md", "travel.md"]
    code, said = told("documents", "show", "travel.md")
    assert code == 0 and "Travel rules, Travel > Trains" in said
    assert told("documents", "show", "hr/leave.md")[0] == 1
    assert told("documents", "sync", "nothing")[0] != 0
    code, said = told("entitle", "documents", "--as", "ana", "--agent", "librarian")
    assert code == 0 and "may read 1 of the 3 documents" in said
    assert re.search(r"not   hr/pay\.md\n +No `readers` give it to ana\.  \[charter\.yaml:\d+\]", said)
    code, said = told("entitle", "documents", "--as", "hal", "--json")
    assert [one["document"] for one in json.loads(said)["documents"] if one["seen"]] == [
        "hr/pay.md",
        "travel.md",
    ]
    access.unlink()
    assert told("entitle", "documents", "--as", "ana")[0] != 0
    synced = [entry["collection"] for entry in desk.entries("collection.synced")]
    assert [(one["added"], one["deleted"], one["refused"]) for one in synced] == [(4, 0, 1), (0, 1, 1)]
    assert "travel" not in str(synced)


async def test_what_is_found_endorses_nothing_and_carries_its_tags(desk: Desk, folder: Path) -> None:
    """A document may say whom to pay; that it was found makes it nobody's word."""
    handbook.add_to(desk, folder, more="    tags: [internal]\n", cleared="tags: [internal]")
    run = desk.start(("retrieve", "handbook", {"query": "train"}), workflow="reading", on_behalf="ana")
    await desk.work()
    assert documents(desk.ended(run)[0]) == ["travel.md"]
    body = desk.bodies("action.outcome", run)[0]
    assert body["labels"]["passages.0"]["tags"] == ["internal"]
    seen = Seen(
        kind="retrieve", target="handbook", position="1", value=body["value"], returns=found_returns(body)
    )
    leaves, _ = taken_apart(seen)
    assert {leaf.integrity for leaf in leaves} == {"untrusted"}
    assert all(leaf.tags == {"internal"} for leaf in leaves if leaf.path.startswith("passages"))


async def test_a_collection_that_cannot_be_read_fails_and_tells_no_place(desk: Desk, folder: Path) -> None:
    handbook.add_to(desk, folder)
    desk.activate()
    folder.rename(folder.with_name("gone"))
    (missing,) = await desk.play(
        ("retrieve", "handbook", {"query": "train"}), workflow="reading", on_behalf="ana"
    )
    assert (missing["is"], missing["code"]) == ("failed", "BH-CON-071")
    (body,) = [body for body in desk.bodies("action.outcome") if "fault" in body]
    assert str(folder) not in str(body["fault"]) and str(folder) in body["private"]


@pytest.mark.parametrize("asked", [{"query": " "}, {"query": "x" * 4001}, {"query": "x", "limit": -1}])
async def test_a_search_that_asks_for_something_else_is_refused(
    desk: Desk, folder: Path, asked: dict[str, Any]
) -> None:
    handbook.add_to(desk, folder)
    (refused,) = await desk.play(("retrieve", "handbook", asked), workflow="reading", on_behalf="ana")
    assert (refused["is"], refused["step"], refused["rules"]) == ("refused", 3, ["documents.query"])


async def test_an_index_of_a_folder_that_is_declared_no_more_goes(desk: Desk, folder: Path) -> None:
    handbook.add_to(desk, folder)
    await found(desk, "ana", QUERY)
    (before,) = (desk.house.state / "collections").glob("*.sqlite")
    other = handbook.written(folder.with_name("other"), {"train.md": "Trains are blue."})
    desk.change(str(folder), str(other)).activate()
    assert documents(await found(desk, "ana", QUERY)) == ["train.md"]
    desk.house.sync(by=OPERATOR)
    assert not before.exists()
    assert documents(await found(desk, "ana", QUERY)) == ["train.md"]


async def test_an_answer_that_is_none_or_too_much_is_not_given(desk: Desk, folder: Path) -> None:
    """A collection is another system, too: what it says is looked at."""
    handbook.add_to(desk, folder)
    passage = {"document": "travel.md", "digest": "00", "text": "HIDDEN"}
    for value, ended in (
        ("words", "failed"),
        ({"passages": [{"text": "HIDDEN"}], "searched": "words"}, "failed"),
        ({"passages": [passage | {"document": "board/merger.md"}], "searched": "words"}, "refused"),
        ({"passages": [passage] * 6, "searched": "words"}, "refused"),
    ):
        driver = ScriptedDriver("handbook", {SEARCH: lambda _, value=value: value})
        await driver.open()
        house = House.open(
            desk.folder, state=desk.state, clock=desk.clock, drivers={"collection:handbook": driver}
        )
        house.activate(by=OPERATOR)
        step = ["retrieve", "handbook", {"query": "train"}]
        run = house.start("reading", {"steps": [step]}, bindings={"case": CASE}, on_behalf="ana")
        async with house.at_work() as engine:
            await engine.work(until_idle=True)
        house.close()
        (found_,) = desk.ended(run)
        desk.close()
        assert found_["is"] == ended and "HIDDEN" not in str(found_)
