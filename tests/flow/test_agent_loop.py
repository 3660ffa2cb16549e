"""A model at work with a list of actions: whatever it answers, only what is permitted happens."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bridgehead.testing import Fails
from fixtures.houses import CASE, Desk

TOOLS = ["price_of", "post_note", "order_more", "find_customer", "read_order", "refund"]
WORKFLOW = f"""
async def play(run, max_turns=6, tools={TOOLS!r}):
    outcome = await run.agent("support", instructions="", input="Help.", tools=tools, max_turns=max_turns)
    name = type(outcome).__name__
    if name == "Done":
        return outcome.value
    return outcome.fault.code if name == "Failed" else outcome.decision.words()
"""


def call(name: str, arguments: Any = None, **more: Any) -> dict[str, Any]:
    return {"tool_calls": [{"name": name, "arguments": {} if arguments is None else arguments} | more]}


def calls(*each: tuple[str, Any]) -> dict[str, Any]:
    return {"tool_calls": [{"name": name, "arguments": arguments} for name, arguments in each]}


class Play:
    """One conversation: the model's turns, and what was said to it."""

    def __init__(self, desk: Desk, *turns: Any, workflow: str = "plain") -> None:
        self.desk = desk
        desk.workflow(WORKFLOW)
        desk.model._turns.clear()
        desk.model._turns.extend(turns)
        self.name = workflow

    async def end(self, **case: Any) -> Any:
        self.run = self.desk.start(workflow=self.name, input=case)
        await self.desk.work()
        return self.desk.ended(self.run)

    def told(self) -> list[str]:
        """Return what the model was told about its calls, as of its last turn."""
        messages = self.desk.model.calls[-1].arguments["messages"]
        return [message["content"] for message in messages if message["role"] == "tool"]


async def test_it_works_until_it_answers_in_words(desk: Desk) -> None:
    play = Play(
        desk, call("price_of", {"item": "lamp"}), call("post_note", {"text": "told the price"}), "9.90 USD."
    )
    assert await play.end() == {"text": "9.90 USD.", "turns": 3, "stand_in": True}
    assert [json.loads(said) if said[0] == "{" else said for said in play.told()] == [
        {"item": "lamp", "price": "9.90"},
        "noted",
    ]
    assert [row.position for row in desk.crossings(play.run)] == ["1.1", "1.2", "1.3", "1.4", "1.5"]


async def test_several_calls_in_one_turn_are_made_in_order(desk: Desk) -> None:
    play = Play(desk, calls(("post_note", {"text": "a"}), ("post_note", {"text": "b"})), "Done.")
    await play.end()
    assert list(desk.shop.notes.values()) == ["a", "b"]


async def test_no_more_than_eight_calls_of_one_turn_are_made(desk: Desk) -> None:
    play = Play(desk, calls(*[("price_of", {"item": f"{n}"}) for n in range(50)]), "Done.")
    await play.end()
    assert len(desk.system.calls) == 8


# --- what it is shown -------------------------------------------------------------------------


async def test_it_is_shown_the_charters_words_and_never_what_the_deployment_binds(desk: Desk) -> None:
    play = Play(desk, "Nothing to do.")
    await play.end()
    shown = desk.model.calls[0].arguments["tools"]
    assert [tool["name"] for tool in shown] == TOOLS
    assert shown[0] == {
        "name": "price_of",
        "description": "Read the price of {item}",
        "parameters": {
            "type": "object",
            "properties": {"item": {"type": "string", "maxLength": 200}},
            "required": ["item"],
            "additionalProperties": False,
        },
    }
    everything = json.dumps(desk.model.calls[0].arguments)
    for hidden in ("tenant", "reference", CASE):
        assert hidden not in everything


@pytest.mark.parametrize("name", ["tenant", "reference"])
async def test_nor_can_it_name_them_itself(desk: Desk, name: str) -> None:
    play = Play(desk, call("post_note", {"text": "a", name: "other"}), "Sorry.")
    await play.end()
    assert "Additional properties are not allowed" in play.told()[0]
    assert desk.system.calls == []


# --- answers that are no calls ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("{not json", "the arguments are not JSON"),
        ('{"item": "lamp"} and more', "the arguments are not JSON"),
        ("[" * 5_000, "the arguments are not JSON"),
        ('["lamp"]', "the arguments are not a JSON object"),
        ("null", "the arguments are not a JSON object"),
        ("7", "the arguments are not a JSON object"),
        ('{"item": "\\ud800"}', "cannot be recorded"),
        ('{"item": ' + "[" * 100 + "]" * 100 + "}", "cannot be recorded"),
        ('{"item": "lamp", "item": 7}', "item: 7 is not of type 'string'"),
        ("", "'item' is a required property"),
    ],
    ids=["broken", "trailing", "deep", "list", "null", "number", "surrogate", "nested", "twice", "empty"],
)
async def test_arguments_that_are_none(desk: Desk, arguments: str, words: str) -> None:
    play = Play(desk, call("price_of", arguments), "Sorry.")
    assert (await play.end())["text"] == "Sorry."
    (said,) = play.told()
    assert said.startswith("refused: ")
    assert words in said
    assert desk.system.calls == []


@pytest.mark.parametrize("name", ["drop_tables", "change_address", "send_letter", "tenant", "", "x" * 500])
async def test_actions_that_this_step_does_not_offer(desk: Desk, name: str) -> None:
    """Also those the agent might take elsewhere: a step's list is a limit of its own."""
    play = Play(desk, call(name, {"text": "a"}), "Sorry.")
    await play.end()
    assert "does not offer" in play.told()[0]
    refused = desk.entries("action.refused", play.run)
    assert [entry["decision"]["rules"] for entry in refused] == [["step.tools"]]
    assert desk.system.calls == desk.printer.calls == []


async def test_an_answer_that_cannot_be_recorded_is_no_answer(desk: Desk) -> None:
    assert await Play(desk, call("a\ud800", {"text": "a"}), "Sorry.").end() == "BH-ENF-014"


async def test_what_is_refused_is_told_in_the_rules_words(desk: Desk) -> None:
    play = Play(desk, call("order_more", {"pieces": 6}), call("find_customer", {"email": "who"}), "Sorry.")
    await play.end()
    assert play.told() == ["refused: At most five pieces are ordered at once.", "error: there is no who"]


# --- models that do not come to an end --------------------------------------------------------


async def test_a_model_that_never_ends_is_ended(desk: Desk) -> None:
    numbers = iter(range(1000))
    play = Play(desk, lambda messages, tools: call("price_of", {"item": str(next(numbers))}))
    assert await play.end(max_turns=5) == "BH-RUN-020"
    assert len(desk.model.calls) == len(desk.system.calls) == 5


async def test_a_model_that_repeats_what_was_refused_is_ended(desk: Desk) -> None:
    play = Play(desk, call("order_more", {"pieces": 6}))
    assert await play.end(max_turns=50) == "BH-RUN-021"
    assert len(desk.model.calls) == 3


async def test_also_in_one_turn_and_with_arguments_that_are_none(desk: Desk) -> None:
    play = Play(desk, calls(*[("price_of", "{")] * 8))
    assert await play.end(max_turns=50) == "BH-RUN-021"
    assert len(desk.model.calls) == 1


async def test_what_succeeds_may_be_repeated(desk: Desk) -> None:
    play = Play(desk, *[call("price_of", {"item": "lamp"})] * 4, "Still 9.90.")
    assert (await play.end(max_turns=6))["turns"] == 5


@pytest.mark.parametrize("turn", ["", {"content": None}, {"content": ""}])
async def test_a_model_that_answers_with_nothing(desk: Desk, turn: Any) -> None:
    assert await Play(desk, turn).end() == "BH-RUN-022"


async def test_a_model_that_cannot_be_reached(desk: Desk) -> None:
    desk.model.will(*[Fails("unknown", temporary=False)])
    assert await Play(desk, "Hello.").end() == "BH-CON-015"


async def test_a_run_ends_where_its_budget_does(desk: Desk) -> None:
    desk.change("run_crossings: 60", "run_crossings: 5")
    numbers = iter(range(1000))
    play = Play(desk, lambda messages, tools: call("price_of", {"item": str(next(numbers))}))
    assert "5 are allowed" in await play.end(max_turns=30)
    assert len(desk.model.calls) + len(desk.system.calls) == 5


# --- waiting in the middle --------------------------------------------------------------------


async def test_a_conversation_goes_on_after_people_answered(desk: Desk) -> None:
    play = Play(
        desk,
        call("find_customer", {"email": "ana@example.com"}),
        call("refund", {"order_id": "o1", "amount": 150}),
        "Refunded.",
        workflow="case",
    )
    run = desk.start(workflow="case", input={})
    await desk.work()
    assert len(desk.model.calls) == 2
    desk.vote("maya")
    await desk.work()
    assert desk.ended(run)["text"] == "Refunded."
    assert len(desk.model.calls) == 3  # asked once for each turn, replay included
    assert json.loads(play.told()[1]) == {"refunded": "150"}
    assert desk.shop.refunds == [("o1", "150")]


async def test_a_hijacked_model_gets_nothing_done_for_somebody_else(desk: Desk) -> None:
    play = Play(
        desk,
        call("find_customer", {"email": "ana@example.com"}),
        call("find_customer", {"email": "bo@example.com"}),
        call("read_order", {"order_id": "o9"}),
        call("refund", {"order_id": "o9", "amount": 20}),
        "I tried.",
        workflow="case",
    )
    assert (await play.end())["text"] == "I tried."
    assert [said.partition(":")[0] for said in play.told()[1:]] == ["refused"] * 3
    assert "bo_2" not in json.dumps(play.told())
    assert desk.shop.refunds == []
