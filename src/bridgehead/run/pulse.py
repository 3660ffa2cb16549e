"""The pulse of a worker: it says every few seconds that it lives, for as long as it does.

On a thread of its own: no sweep keeps it silent. But where the event loop hangs, because code of a deployment
computes for ever, nothing is carried there any more: then it says nothing, the worker counts as dead, and the
others take over. Called by the dbos engine. Never: carries a segment.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable

from bridgehead.kernel.clock import Clock
from bridgehead.run import workers
from bridgehead.store import Store
from bridgehead.store.machines import Held

_log = logging.getLogger("bridgehead.worker")


class Pulse:
    """The pulse of one worker. ``held`` is its right to work on the store, which is looked at with each beat;
    ``under_way`` names the segments it is at work on."""

    def __init__(
        self, store: Store, clock: Clock, boot: str, held: Held, under_way: Callable[[], set[str]]
    ) -> None:
        self._store, self._clock, self._boot = store, clock, boot
        self._held, self._under_way = held, under_way
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._beat_on, name="pulse", daemon=True)
        self._told = False

    def start(self) -> None:
        """Begin, on the event loop whose pulse this is."""
        self._loop = asyncio.get_running_loop()
        self._tick()
        self._thread.start()

    def stop(self) -> None:
        """End; harmless where it never began."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _tick(self) -> None:
        self._ticked = self._clock.monotonic()
        if not self._stopping.is_set():
            self._loop.call_later(workers.BEAT / 3, self._tick)

    def _beat_on(self) -> None:
        slept = self._clock.monotonic()
        while not self._stopping.wait(workers.BEAT):
            paused = self._clock.monotonic() - slept > 2 * workers.BEAT
            try:
                self._beat(paused)
            except Exception as error:  # the database is away, or whatever it is: the next beat may go well
                _log.warning("pulse: %s", error)
            slept = self._clock.monotonic()

    def _beat(self, paused: bool) -> None:
        """Say that the worker lives, unless its loop hangs. Where this very thread was ``paused``, so was the
        whole process, and the loop is not to blame."""
        silent = 0.0 if paused else self._clock.monotonic() - self._ticked
        if silent > 2 * workers.BEAT:
            self._tell(silent)
            return
        self._told = False
        workers.beat(self._store, self._boot)
        if not self._held.keep():
            _log.warning("another engine works on this store: this worker takes nothing until it is gone")

    def _tell(self, silent: float) -> None:
        """Say once what hangs: the segment whose code runs now, or all that are under way."""
        if self._told:
            return
        self._told = True
        task = asyncio.current_task(self._loop)
        name = task.get_name() if task is not None else ""
        what = name if name in self._under_way() else ", ".join(sorted(self._under_way()))
        words = "this worker hangs since %.0f s, in code of %s: it counts as dead until that code gives way"
        _log.error(words, silent, what or "its own")
