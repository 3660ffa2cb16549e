"""What people write in a charter reaches the policy engine, whatever their language and spelling."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridgehead.declare import load
from bridgehead.enforce.policy import faults
from fixtures.houses import IDENTIFY, Desk, act

QUESTION = "The refund is above what the agent may pay back alone."


async def test_a_question_in_another_language_is_asked_in_it(desk: Desk) -> None:
    words = "Die Rückzahlung liegt über dem, was „allein“ erlaubt ist – 支払い 🙂."
    desk.change(QUESTION, words)
    desk.start(IDENTIFY, act("refund", order_id="o1", amount=200))
    await desk.work()
    asked = desk.question()
    assert asked.asked_because == (words,)
    assert asked.reasons[0].startswith(words)


@pytest.mark.parametrize("condition", ["amount>100 USD", "amount  >  100 USD"])
async def test_a_limit_holds_however_it_is_spaced(desk: Desk, condition: str) -> None:
    desk.change("refund: amount > 100 USD", f"refund: {condition}")
    desk.start(IDENTIFY, act("refund", order_id="o1", amount=200))
    await desk.work()
    assert desk.question().rules == ("large-refund",)


@pytest.mark.parametrize("words", ["it\\'s closed", "caf\\u{e9}"])
def test_an_escape_in_words_is_a_finding_not_a_crash(words: str, tmp_path: Path) -> None:
    text = f'@id("x") @words("{words}")\nforbid (principal, action, resource) when {{ false }};\n'
    folder = Desk(tmp_path).add(text).folder
    assert [fault.code for fault in faults(load(folder))] == ["BH-POL-005"]
