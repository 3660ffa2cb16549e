"""SQL that a model may have written runs in a process of its own: with bounded memory, time and files.

One process answers one question at a time; a few are kept, already started, for each source. What is too
slow, takes too much memory or breaks the database engine ends that process and is refused; the next question
is answered by another. Ours only ever holds the rows of an answer that fits.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from bridgehead.connect.faults import LIMIT_BYTES, late, lost
from bridgehead.connect.messages import receive, send, started
from bridgehead.connect.sources.answer import Answer, failed, too_many, unreadable
from bridgehead.kernel.canonical import decode, encode
from bridgehead.kernel.clock import SystemClock
from bridgehead.kernel.errors import ConnectError

MOST = 4
"""Processes of one source that answer at once; further questions wait, within their deadline."""
SPARE = 2
"""Processes that are kept when nothing is asked."""

_MODULE = "bridgehead.connect.sources.asking"
_LONGEST = 16 * LIMIT_BYTES
"""Bytes of one part of an answer, as it is written between us; no answer that fits comes near it."""


class Process:
    """One process, from its start to its end."""

    def __init__(self, driver: str) -> None:
        self._process = started(_MODULE)
        self._ended = False
        self._answering = False  # what of an answer was not read must never be taken for the next one
        assert self._process.stdin is not None and self._process.stdout is not None
        self._questions, self._answers = self._process.stdin, self._process.stdout
        with suppress(OSError):  # it is dead already: whoever asks it will see
            send(self._questions, {"driver": driver})

    @property
    def alive(self) -> bool:
        """Whether it can be asked."""
        return not self._ended and not self._answering and self._process.poll() is None

    def said(self, question: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Ask, and yield what it says, up to its last message. Raises whatever a broken pipe raises."""
        self._answering = True
        send(self._questions, question)
        while self._answering:
            message, _ = receive(self._answers, _LONGEST)
            if "tired" in message:
                self._answering = False
                self._ended = self._ended or message["tired"] is True
            yield message

    def end(self) -> None:
        """Kill it, whatever it does."""
        self._ended = True
        self._process.kill()

    def close(self) -> None:
        """Kill it and leave nothing of it."""
        self.end()
        self._process.wait()
        for pipe in (self._questions, self._answers):
            with suppress(OSError):
                pipe.close()


class Patience:
    """Ends the process of a question at its deadline, or when its caller leaves."""

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.over = False
        self._clock = SystemClock()
        self._until = self._clock.monotonic() + deadline
        self._process: Process | None = None
        self._lock = threading.Lock()  # a process that has gone on to another question must not be ended
        self._timer = threading.Timer(deadline, self.end)
        self._timer.daemon = True
        self._timer.start()

    @property
    def left(self) -> float:
        """Seconds that are left, or 0."""
        return max(0.0, self._until - self._clock.monotonic())

    def watch(self, process: Process) -> bool:
        """Return whether there is time left to ask; from now on it is this process that is ended."""
        with self._lock:
            if not self.over:
                self._process = process
            return not self.over

    def unwatch(self) -> None:
        """Leave the process alone."""
        with self._lock:
            self._process = None

    def end(self) -> None:
        """Let nobody wait any longer."""
        self._timer.cancel()
        with self._lock:
            self.over = True
            if self._process is not None:
                self._process.end()


class Processes:
    """The processes of one source. Safe between threads."""

    def __init__(self, source: str, driver: str) -> None:
        self._source, self._driver = source, driver
        self._idle: list[Process] = []
        self._busy: set[Process] = set()
        self._closed = False
        self._free = threading.Condition()  # guards the three above

    def ask(
        self, question: dict[str, Any], patience: Patience, *, row_limit: int, place: str
    ) -> list[dict[str, Any]]:
        """Return the rows that answer. Raises BH-CON-013/015/060/063/064/069; every effect is none."""
        with self._one(patience) as process:
            asked = {**question, "values": encode(question["values"])}
            asked |= {"row_limit": row_limit, "seconds": patience.left}
            answer = Answer(self._source, [], row_limit)
            for message in process.said(asked):
                if "rows" in message:
                    answer.take(decode(message["rows"]))
                elif "columns" in message:
                    answer = Answer(self._source, message["columns"], row_limit)
                else:
                    self._refuse(message, row_limit, place)
            return answer.rows

    def close(self) -> None:
        """End them all, also those that are asked; whoever waits is told."""
        with self._free:
            self._closed = True
            idle, self._idle = self._idle, []
            for process in self._busy:
                process.end()
            self._free.notify_all()
        for process in idle:
            process.close()

    def _refuse(self, message: dict[str, Any], row_limit: int, place: str) -> None:
        """Raise what a last message says, unless it says that all was said."""
        if "memory" in message:
            raise _too_much(self._source)
        if "too_many" in message:
            raise too_many(self._source, row_limit, int(message["too_many"]))
        if "place" in message:
            raise unreadable(self._source, place, str(message["place"]))
        if "failed" in message:
            raise failed(self._source, str(message["failed"]), temporary=bool(message["temporary"]))

    @contextmanager
    def _one(self, patience: Patience) -> Iterator[Process]:
        process = self._taken(patience)
        try:
            if not patience.watch(process):
                raise late(self._source, patience.deadline, "none")
            yield process
        except ConnectError:
            raise
        except Exception as error:  # it was ended, it died, or it says what no process of ours says
            process.end()
            raise self._without_an_answer(patience) from error
        except BaseException:
            process.end()
            raise
        finally:
            patience.unwatch()
            self._given_back(process)

    def _without_an_answer(self, patience: Patience) -> ConnectError:
        if self._closed:
            return lost(self._source, "it was closed", "none")
        if patience.over:
            return late(self._source, patience.deadline, "none")
        return _too_much(self._source)

    def _taken(self, patience: Patience) -> Process:
        with self._free:
            while not self._closed and not patience.over:
                if self._idle:
                    process = self._idle.pop(0)  # it has been idle longest, so its next session is made
                elif len(self._busy) < MOST:
                    process = Process(self._driver)
                else:
                    self._free.wait(patience.left)
                    continue
                if process.alive:
                    self._busy.add(process)
                    return process
                process.close()
        raise self._without_an_answer(patience)

    def _given_back(self, process: Process) -> None:
        with self._free:
            self._busy.discard(process)
            keep = process.alive and len(self._idle) < SPARE and not self._closed
            if keep:
                self._idle.append(process)
            elif not self._closed and not self._idle:
                self._idle.append(Process(self._driver))  # now, so that the next question need not wait
            self._free.notify()
        if not keep:
            process.close()


def _too_much(source: str) -> ConnectError:
    return ConnectError(
        "BH-CON-069",
        f"a query of {source} takes more memory or processor time than a query may",
        effect_state="none",
        means="The process that asked was ended. Nothing was changed, and no other query is affected.",
        fix="Ask for less at once: fewer rows, and no text that is made longer inside the query.",
    )
