"""One ticket: find out who is writing, then let the agent settle what they ask for.

The steps are trusted code; what happens inside a step is the agent's, and every action of it is decided
at the boundary. From the first step on the run belongs to the identified customer: what touches another
customer's records is refused, whatever the agent believes. Deterministic: no clock, no chance.
"""

from __future__ import annotations

from typing import Any

IDENTIFY = [
    "find_user_id_by_name_zip",
    "find_user_id_by_email",
]
SETTLE = [
    "get_user_details",
    "get_order_details",
    "get_product_details",
    "get_item_details",
    "list_all_product_types",
    "calculate",
    "cancel_pending_order",
    "modify_pending_order_address",
    "modify_pending_order_items",
    "modify_pending_order_payment",
    "return_delivered_order_items",
    "exchange_delivered_order_items",
    "modify_user_address",
    "transfer_to_human_agents",
]

WHO = """\
You work for the support desk of a retail company. Your only task now is to find out which customer
wrote the ticket below. In the ticket, "you" is that customer. Call one of the tools with what the
customer says about themselves; try the next way if nobody is found. As soon as a call returns a customer
id, stop and say that id. Never guess a name, a zip code or an e-mail address."""

HOW = """\
You work for the support desk of a retail company and settle the written ticket below with the tools.
In the ticket, "you" is the customer. Nobody can answer questions: the ticket itself is the customer's
confirmation of what it asks for, and of nothing else. Where it leaves a choice, follow its preferences.
A refused call stays refused: do not try to reach the same end another way. When you are done, answer with a
short message to the customer that says what was done and what was not, and name the sections of the policy
that you rest on.

The company's policy:

"""
BEARS = "\n\nSections of it that seem to bear on this ticket, to be cited:\n"
LONGEST = 2000
"""Characters of a ticket that are searched for."""


async def handle_ticket(run: Any, ticket: dict[str, Any]) -> dict[str, Any]:
    """Settle one ticket (``{"id", "text"}``) and return what became of it."""
    words = f"Ticket {ticket['id']}\n\n{ticket['text']}"
    asked = await run.agent("support", instructions=WHO, input=words, tools=IDENTIFY, max_turns=6)
    if not run.subject:
        _ = asked.value  # a model that broke down is a fault of ours, not a customer nobody knows
        return await _hand_over(run, ticket)
    found = (await run.retrieve("company-policy", ticket["text"][:LONGEST])).value
    sections = [f"[{number}] {one['citation']}" for number, one in enumerate(found["passages"], 1)]
    settled = await run.agent(
        "support",
        instructions=HOW + run.document("company-policy") + BEARS + "\n".join(sections),
        input=f"{words}\n\nIdentified customer: {run.subject}",
        tools=SETTLE,
        max_turns=30,
    )
    answer = settled.value
    return {
        "ticket": ticket["id"],
        "customer": run.subject,
        "turns": answer["turns"],
        "answer": answer["text"],
        "cites": [
            {key: one[key] for key in ("citation", "document", "start", "end", "digest")}
            for one in found["passages"]
            if one["citation"] in answer["text"]
        ],
    }


async def _hand_over(run: Any, ticket: dict[str, Any]) -> dict[str, Any]:
    """Company policy: identify first. Nobody identified means a person takes the ticket."""
    summary = f"The customer of ticket {ticket['id']} could not be identified."
    handed = await run.act("transfer_to_human_agents", summary=summary)
    return {"ticket": ticket["id"], "customer": "", "turns": 0, "answer": f"{summary} {handed.value}."}
