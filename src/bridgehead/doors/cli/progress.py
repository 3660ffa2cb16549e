"""A progress line for long work, on a terminal; plain lines elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

EVERY = 0.5
"""Seconds between looks."""


async def shown(work: Coroutine[Any, Any, None], look: Callable[[], tuple[int, int, str]]) -> None:
    """Do the work and show how far it is: ``look`` gives (at rest, all, words)."""
    columns = (TextColumn("Runs"), BarColumn(bar_width=30), TextColumn("{task.completed}/{task.total}"))
    # The terminal's own width; where there is none, rich prints the last state once.
    with Progress(*columns, TextColumn("{task.description}"), TimeElapsedColumn(), console=Console()) as bar:
        line = bar.add_task("", total=1)
        task = asyncio.ensure_future(work)
        while not task.done():
            rest, total, words = look()
            bar.update(line, completed=rest, total=total, description=words)
            await asyncio.wait([task], timeout=EVERY)
        rest, total, words = look()
        bar.update(line, completed=rest, total=total, description=words)
        await task
