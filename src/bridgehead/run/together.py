"""Who may be at work at the same time: many, or one that is suspected of taking its process down.

Whatever is under way when a process dies is as likely to be why. A suspect is carried on alone, so that its
next death accuses nobody else.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any


class Together:
    """A room that holds many, or one alone. Suspects go first: newcomers wait while one waits."""

    def __init__(self) -> None:
        self._inside: set[asyncio.Task[Any]] = set()
        self._waiting: set[asyncio.Task[Any]] = set()
        self._suspects = 0
        self._changed = asyncio.Condition()

    def tasks(self) -> list[asyncio.Task[Any]]:
        """Return the tasks inside and those that wait to come in."""
        return [*self._inside, *self._waiting]

    @asynccontextmanager
    async def entered(self, *, alone: bool) -> AsyncIterator[None]:
        """Be inside; ``alone`` with nobody else."""
        task = asyncio.current_task()
        assert task is not None
        await self._enter(task, alone)
        try:
            yield
        finally:
            self._inside.discard(task)
            if alone:
                self._suspects -= 1
            async with self._changed:
                self._changed.notify_all()

    async def _enter(self, task: asyncio.Task[Any], alone: bool) -> None:
        self._waiting.add(task)
        if alone:
            self._suspects += 1
        try:
            async with self._changed:
                await self._changed.wait_for(lambda: not self._inside if alone else not self._suspects)
            self._inside.add(task)
        except BaseException:
            if alone:
                self._suspects -= 1
            raise
        finally:
            self._waiting.discard(task)
