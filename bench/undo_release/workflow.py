"""What the release does: some effects of every kind, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bridgehead.kernel.outcome import Failed, Outcome

TRIES = 20
SAID_NO = "BH-ENF-013"
"""The order system itself refused: asking it again would get the same answer."""


async def change(run: Any, effects: Sequence[Mapping[str, Any]]) -> list[str]:
    """Take each action once; return how each ended."""

    def made(effect: Mapping[str, Any]) -> Any:
        return lambda branch: _made(branch, effect)

    ended: list[str] = await run.gather(*(made(effect) for effect in effects))
    return ended


async def _made(run: Any, effect: Mapping[str, Any]) -> str:
    for _ in range(TRIES):
        outcome: Outcome = await run.act(effect["action"], **effect["arguments"])
        if not _never_arrived(outcome):
            break
    return type(outcome).__name__


def _never_arrived(outcome: Outcome) -> bool:
    """Nothing happened there, and that is proven: a busy machine was too late to send it, for example."""
    return (
        isinstance(outcome, Failed) and outcome.fault.effect_state == "none" and outcome.fault.code != SAID_NO
    )
