"""Plays the model while no endpoint is set, so that everything else runs for real. It is not a model:
it follows one script, and is labelled as a stand-in wherever its answers appear."""

from __future__ import annotations

import json
import re
from typing import Any


def play(messages: list[dict[str, Any]], tools: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the next turn: read the ticket, refund what did not work, close it, say what was done."""
    ticket_id = re.search(r"ticket (T-\d+)", messages[1]["content"])
    if ticket_id is None:
        return says("I was given no ticket, so I did nothing.")
    asked = [call["function"]["name"] for message in messages for call in message.get("tool_calls", ())]
    answers = [message["content"] for message in messages if message["role"] == "tool"]
    if not asked:
        return calls("read_ticket", ticket_id=ticket_id[1])
    refusal = next((answer for answer in answers if answer.startswith(("refused:", "error:"))), "")
    if refusal:
        return says(f"I could not finish ticket {ticket_id[1]}, so it stays open. {refusal}")
    ticket = json.loads(answers[0])
    if "refund_customer" not in asked and re.search("refund|money back", ticket["text"]):
        return calls("refund_customer", ticket_id=ticket_id[1], amount=float(ticket["paid"]))
    if "close_ticket" not in asked:
        refunded = "refund_customer" in asked
        answer = f"We refunded {ticket['paid']} USD." if refunded else "We open at nine on Saturdays."
        return calls("close_ticket", ticket_id=ticket_id[1], answer=answer)
    return says(f"Ticket {ticket_id[1]} is closed.")


def calls(action: str, **arguments: Any) -> dict[str, Any]:
    """Return a turn that asks for one action."""
    return {"content": None, "tool_calls": [{"name": action, "arguments": arguments}]}


def says(words: str) -> dict[str, Any]:
    """Return a last turn, in words."""
    return {"content": words}
