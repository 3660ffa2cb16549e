"""A progress line for long work, on a terminal; plain lines elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

EVERY = 0.5
"""Seconds between looks."""


async def said(work: Coroutine[Any, Any, None], look: Callable[[], str]) -> None:
    """Do the work and say beside it, on a terminal and beside what is printed, how far it is."""
    terminal = Console(stderr=True)
    if not terminal.is_terminal:
        await work
        return
    with terminal.status(look()) as line:
        await _watched(work, lambda: line.update(look()))


async def shown(work: Coroutine[Any, Any, None], look: Callable[[], tuple[int, int, str]]) -> None:
    """Do the work and show how far it is: ``look`` gives (at rest, all, words)."""
    columns = (TextColumn("Runs"), BarColumn(bar_width=30), TextColumn("{task.completed}/{task.total}"))
    # The terminal's own width; where there is none, rich prints the last state once.
    with Progress(*columns, TextColumn("{task.description}"), TimeElapsedColumn(), console=Console()) as bar:
        line = bar.add_task("", total=1)

        def draw() -> None:
            rest, total, words = look()
            bar.update(line, completed=rest, total=total, description=words)

        await _watched(work, draw)


async def _watched(work: Coroutine[Any, Any, None], draw: Callable[[], None]) -> None:
    """Do the work and draw every now and then, and once at its end. Interrupted, it ends in order."""
    task = asyncio.ensure_future(work)
    try:
        while not task.done():
            draw()
            await asyncio.wait([task], timeout=EVERY)
    except asyncio.CancelledError:
        task.cancel()
        await asyncio.wait([task])
        raise
    draw()
    await task
