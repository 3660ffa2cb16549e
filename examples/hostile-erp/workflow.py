"""Posts a list of orders, side by side: an order that waits for people or for the ERP holds no other back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bridgehead.kernel.outcome import Done, Failed, Outcome, Refused

ACTIONS = {
    "probe": "post_order",
    "key": "post_order_with_key",
    "weak probe": "post_order_weak",
    "nothing": "post_order_blind",
}
TRIES = 20
"""How often an order is sent that provably did not arrive."""
SAID_NO = "BH-ENF-013"
"""The ERP itself refused: asking it again would get the same answer."""


async def post_orders(
    run: Any, orders: Sequence[Mapping[str, str]], settled_by: str = "probe"
) -> list[dict[str, str]]:
    """Post each order once and say how each of them ended."""
    action = ACTIONS[settled_by]

    def posting(order: Mapping[str, str]) -> Any:
        return lambda branch: _post(branch, action, order)

    posted: list[dict[str, str]] = await run.gather(*(posting(order) for order in orders))
    return posted


async def _post(run: Any, action: str, order: Mapping[str, str]) -> dict[str, str]:
    for _ in range(TRIES):
        outcome: Outcome = await run.act(action, **order)
        if not _never_arrived(outcome):
            break
    return {"reference": order["reference"], **_told(outcome)}


def _never_arrived(outcome: Outcome) -> bool:
    """Nothing happened there, and that is proven: posting again is another attempt, not a second posting."""
    return (
        isinstance(outcome, Failed) and outcome.fault.effect_state == "none" and outcome.fault.code != SAID_NO
    )


def _told(outcome: Outcome) -> dict[str, str]:
    match outcome:
        case Done():
            return {"ended": "posted", "words": ""}
        case Refused(decision=decision):
            return {"ended": "refused", "words": decision.words()}
        case Failed(fault=fault):
            return {"ended": "failed", "words": fault.words}
