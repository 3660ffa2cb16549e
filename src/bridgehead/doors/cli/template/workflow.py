"""One ticket, from question to answer. Every await crosses the boundary: decided, and recorded.

A workflow reads no clock, draws no random number and opens no file or connection by itself: it may
be run again after a wait or a crash, and must then ask for the same actions in the same order.
"""

from __future__ import annotations

from typing import Any

TOOLS = ["read_ticket", "close_ticket", "reopen_ticket", "refund_customer"]


async def handle(run: Any, ticket_id: str) -> dict[str, Any]:
    """Let the model work on one ticket, and return what it says at the end."""
    outcome = await run.agent(
        "assistant",
        instructions="You work at a help desk. Follow this policy:\n\n" + run.document("refund-policy"),
        input=f"Work on ticket {ticket_id}. Read it first, then refund and close it as the policy says.",
        tools=TOOLS,
        max_turns=12,
    )
    answer: dict[str, Any] = outcome.value
    return answer
