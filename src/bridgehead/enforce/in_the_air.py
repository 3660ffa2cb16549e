"""The effects a process has claimed and not yet heard of: an engine that ends in order waits for them.

Entered in the moment before an effect is claimed, left once its end is on record. Reads are not in here: one
that is cut off is made again. Used on one event loop. Never: calls, or ends anything.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

HEARD = 5.0
"""Seconds beyond its deadline until an answer is on record: what a driver gets to say itself that time is
over, and a commit."""


class InTheAir:
    """What one engine has in the air."""

    def __init__(self) -> None:
        self._patience: dict[asyncio.Task[Any], float] = {}
        self._landed = asyncio.Event()
        self._closed = False

    async def enter(self, deadline: float) -> None:
        """Count the effect that this task is about to claim, whose call has ``deadline`` seconds.

        Where the engine is ending nothing more is sent: this waits until it is cancelled.
        """
        if self._closed:
            await asyncio.get_running_loop().create_future()
        task = asyncio.current_task()
        assert task is not None  # inside a coroutine there is one
        self._patience[task] = deadline + HEARD

    def leave(self) -> None:
        """Count it no more; harmless where this task entered nothing."""
        task = asyncio.current_task()
        if task is not None and self._patience.pop(task, None) is not None and not self._patience:
            self._landed.set()

    async def drain(self) -> None:
        """Let nothing more out, and wait until everything that is out was heard of or had its time."""
        self._closed = True
        if self._patience:
            self._landed.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._landed.wait(), max(self._patience.values()))
