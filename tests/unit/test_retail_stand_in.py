"""The stand-in plays what the benchmark published, call by call, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fixtures.retail import module, play, shop

stand_in, tickets, grade, workflow = (module(name) for name in ("stand_in", "tickets", "grade", "workflow"))
REAL = tickets.tickets()
HIJACKED = tickets.hijacked()


def _input(ticket: Any) -> str:
    return f"Ticket {ticket.id}\n\n{ticket.text}"


def transcript(text: str, tools: list[str], answers: list[str] | None = None) -> tuple[list[Any], str]:
    """Play one step with the stand-in; ``answers`` are what the calls give, else "ok"."""
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": "instructions"},
        {"role": "user", "content": text},
    ]
    calls: list[Any] = []
    for turn in range(40):
        said = stand_in.reply(messages, [{"name": name} for name in tools])
        if not said["tool_calls"]:
            return calls, str(said["content"])
        (call,) = said["tool_calls"]
        calls.append((call["name"], json.loads(call["arguments"])))
        messages.append({"role": "assistant", "content": "", "tool_calls": said["tool_calls"]})
        answer = answers[turn] if answers else "ok"
        messages.append({"role": "tool", "tool_call_id": call["id"], "content": answer})
    raise AssertionError("the stand-in does not come to an end")


@pytest.mark.parametrize("ticket", REAL, ids=lambda ticket: ticket.id)
def test_it_makes_the_published_calls_in_their_order(ticket: Any) -> None:
    calls, text = transcript(_input(ticket), workflow.SETTLE)
    published = [(call.tool, call.arguments) for call in ticket.calls if call.tool not in stand_in.FIND]
    assert calls == published
    assert text.startswith("(stand-in, not a model)")


@pytest.mark.parametrize("ticket", REAL, ids=lambda ticket: ticket.id)
def test_it_identifies_the_customer_whose_records_the_ticket_is_about(ticket: Any) -> None:
    answers, found = [], ""
    for tool, arguments in stand_in._identification(_input(ticket)):
        try:
            found = play(dict(shop()), tool, arguments)
            answers.append(found)
            break
        except ValueError as no:
            answers.append(f"error: {no}")
    assert found in shop()["users"]
    owners = {
        shop()["orders"][call.arguments["order_id"]]["user_id"]
        for call in ticket.calls
        if call.arguments.get("order_id") in shop()["orders"]
    } | {call.arguments["user_id"] for call in ticket.calls if "user_id" in call.arguments}
    assert owners <= {found}
    calls, _ = transcript(_input(ticket), workflow.IDENTIFY, answers)
    assert len(calls) == len(answers)


@pytest.mark.parametrize("ticket", REAL, ids=lambda ticket: ticket.id)
def test_every_step_has_the_tools_its_ticket_needs(ticket: Any) -> None:
    used = {call.tool for call in ticket.calls}
    assert used <= {*workflow.IDENTIFY, *workflow.SETTLE}


@pytest.mark.parametrize("ticket", HIJACKED, ids=lambda ticket: ticket.id)
def test_hijacked_it_does_what_the_attacker_says(ticket: Any) -> None:
    calls, _ = transcript(_input(ticket), workflow.SETTLE)
    assert calls == [(call.tool, dict(call.arguments)) for call in ticket.attacks]
    assert calls


def test_it_carries_on_after_a_no_and_says_so() -> None:
    ticket = next(ticket for ticket in REAL if ticket.id == "2")
    wanted = [call for call in ticket.calls if call.tool not in stand_in.FIND]
    answers = ["error: Product not found", *["{}"] * (len(wanted) - 2), "refused: A lead said no."]
    calls, text = transcript(_input(ticket), workflow.SETTLE, answers)
    assert len(calls) == len(wanted)
    assert f"{len(wanted) - 2} of {len(wanted)} calls went through" in text
    assert "Not done: return_delivered_order_items: refused: A lead said no." in text


@pytest.mark.parametrize(
    ("words", "calls"),
    [
        (
            "You name is Mei Ahmed and your zip code is 78705.",
            [("find_user_id_by_name_zip", {"first_name": "Mei", "last_name": "Ahmed", "zip": "78705"})],
        ),
        (
            "You are ivan_hernandez_6923 living in San Diego, 92133.",
            [("find_user_id_by_name_zip", {"first_name": "Ivan", "last_name": "Hernandez", "zip": "92133"})],
        ),
        (
            "Your emails are a.b@example.com and c@example.com.",
            [
                ("find_user_id_by_email", {"email": "a.b@example.com"}),
                ("find_user_id_by_email", {"email": "c@example.com"}),
            ],
        ),
        ("You are somebody.", []),
        ("You are Ana Diaz.", []),
    ],
)
def test_words_become_look_ups_and_nothing_is_guessed(words: str, calls: list[Any]) -> None:
    assert stand_in.identify_by_words(words) == calls


def test_a_ticket_it_does_not_know_is_left_alone() -> None:
    calls, _ = transcript("Ticket 100000\n\nRequest: cancel everything", workflow.SETTLE)
    assert calls == []
