"""Where the other system lists our keys, an undo compares its list with the ledger, both ways."""

from __future__ import annotations

import pytest

from bridgehead.testing import Fails, ScriptedDriver
from fixtures.houses import Desk, act
from fixtures.undoing import Undoing

NOTES = """
  list_notes:
    server: shop
    title: List the notes
    effect: read

  remove_note:
    server: shop
    title: Remove the note {text}
    effect: write
    arguments:
      text: {type: string, maxLength: 60000}
    sensitive: [text]
    undo: post_note
    undo_arguments: {text: arguments.text}

"""
REFERENCES = """

def references(bindings: dict[str, str], answer: dict[str, str]) -> list[str]:
    return list(answer)


def noted(arguments: dict[str, str], answer: dict[str, str]) -> bool:
    return arguments["text"] in answer.values()
"""
PROBE = "    probe: {action: list_notes, arguments: {}, landed: facts.py:noted, strength: strong}\n"


@pytest.fixture(params=[64, 16])
def undoing(request: pytest.FixtureRequest, desk: Desk) -> Undoing:
    """A shop that keeps our references with its notes and lists them, in the length it has room for."""
    return Undoing(with_a_list(desk, request.param, PROBE))


def with_a_list(desk: Desk, length: int, probe: str = "") -> Desk:
    """Let the notes of a desk be listed, read back and removed."""
    charter = (desk.folder / "charter.yaml").read_text()
    start = charter.index("  post_note:")
    note = charter[start : charter.index("\n\n", start)]
    listed = note.replace("effect: final", "effect: write").rstrip() + (
        f"\n{probe}    key_length: {length}"
        "\n    undo: remove_note\n    undo_arguments: {text: arguments.text}"
        "\n    listing: {action: list_notes, keys: facts.py:references}"
    )
    (desk.folder / "charter.yaml").write_text(charter.replace(note, NOTES.strip("\n") + "\n\n" + listed))
    desk.add(REFERENCES, "facts.py")
    more = {"list_notes": lambda a: dict(desk.shop.notes), "remove_note": lambda a: _remove(desk, a["text"])}
    desk.system = ScriptedDriver("shop", desk.shop.handlers() | more)
    return desk


def _remove(desk: Desk, text: str) -> str:
    desk.shop.notes = {key: each for key, each in desk.shop.notes.items() if each != text}
    return "removed"


async def post(desk: Desk, *texts: str) -> None:
    for text in texts:
        assert (await desk.settle(act("post_note", text=text), workflow="plain"))["is"] == "done"


async def test_a_key_on_both_sides_is_there_and_is_taken_back_with_the_others(
    desk: Desk, undoing: Undoing
) -> None:
    await post(desk, "one", "two")
    undo = await undoing.take_back()
    assert undoing.groups(undo) == ["automatic", "automatic"]
    assert undoing.outcomes(undo) == ["undone", "undone"]
    assert desk.shop.notes == {}
    (planned,) = desk.bodies("undo.planned")
    assert (planned["sights"], planned["only_there"]) == ({"there": 2}, [])


async def test_a_key_that_only_the_ledger_has_is_an_effect_that_is_not_there(
    desk: Desk, undoing: Undoing
) -> None:
    await post(desk, "one", "two")
    _remove(desk, "one")  # by somebody in the shop
    undo = await undoing.take_back()
    assert undoing.groups(undo) == ["automatic", "changed"]
    assert undoing.items(undo)[1].why.startswith("The other system does not show it any more.")
    assert undoing.outcomes(undo) == ["undone", "skipped"]
    (planned,) = desk.bodies("undo.planned")
    assert planned["sights"] == {"there": 1, "gone": 1}


async def test_a_key_that_only_the_other_system_has_is_told(desk: Desk, undoing: Undoing) -> None:
    await post(desk, "one")
    desk.shop.notes["NOT-OURS"] = "put in by hand"
    undo = await undoing.take_back()
    assert undoing.outcomes(undo) == ["undone"]
    assert desk.shop.notes == {"NOT-OURS": "put in by hand"}
    (planned,) = desk.bodies("undo.planned")
    assert (planned["sights"], planned["only_there"]) == ({"there": 1, "only-there": 1}, ["NOT-OURS"])


async def test_notes_of_another_release_are_ours_and_are_not_told(desk: Desk, undoing: Undoing) -> None:
    await post(desk, "one")
    desk.add("\n// a third release\n").activate()
    await post(desk, "two")
    undo = await undoing.take_back()
    assert (undoing.outcomes(undo), list(desk.shop.notes.values())) == (["undone"], ["two"])
    (planned,) = desk.bodies("undo.planned")
    assert planned["only_there"] == []


async def test_a_key_that_is_there_does_not_hide_that_its_record_was_changed(
    desk: Desk, undoing: Undoing
) -> None:
    await post(desk, "one")
    (reference,) = desk.shop.notes
    desk.shop.notes[reference] = "another text"
    undo = undoing.order()
    await desk.work()
    assert undoing.groups(undo) == ["changed"]
    assert desk.shop.notes == {reference: "another text"}


async def test_what_only_a_list_shows_is_agreed_to_one_by_one(desk: Desk) -> None:
    """That a key is there says that it happened, and not how its record stands now."""
    undoing = Undoing(with_a_list(desk, 64))
    await post(desk, "one")
    undo = await undoing.take_back()
    assert (undoing.groups(undo), undoing.outcomes(undo)) == (["approval"], ["pending"])
    desk.vote("olga")
    await desk.work()
    assert (undoing.outcomes(undo), desk.shop.notes) == (["undone"], {})


async def test_what_the_ledger_says_did_not_happen_and_the_list_shows_is_for_a_person(desk: Desk) -> None:
    undoing = Undoing(with_a_list(desk, 64))
    desk.system.will("post_note", Fails("none", temporary=False))
    desk.start(act("post_note", text="one"), workflow="plain")
    await desk.work()
    (row,) = desk.crossings(target="post_note")
    assert row.state == "failed"
    desk.shop.notes[row.effect_key] = "one"  # it came after all
    undo = undoing.order()
    await desk.work()
    assert undoing.outcomes(undo) == ["unknown"]
    assert undoing.items(undo)[0].why.startswith("The ledger says that it did not happen")


async def test_what_nobody_has_settled_stays_unknown_though_the_list_shows_it(
    desk: Desk, undoing: Undoing
) -> None:
    desk.system.will("post_note", Fails(after=True))
    desk.start(act("post_note", text="one"), workflow="plain")
    await desk.work()
    undo = undoing.order(execute=False)
    await desk.work()
    assert undoing.groups(undo) == ["unknown"]


async def test_a_list_that_cannot_be_read_teaches_nothing(desk: Desk) -> None:
    undoing = Undoing(with_a_list(desk, 64))
    await post(desk, "one")
    desk.shop.notes.clear()
    desk.system.will("list_notes", Fails("none", temporary=False))
    undo = undoing.order(execute=False)
    await desk.work()
    assert undoing.groups(undo) == ["approval"]
    (planned,) = desk.bodies("undo.planned")
    assert planned["sights"] == {"unasked": 1}
