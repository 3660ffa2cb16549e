"""The process that asks a file in SQL: ``python -m bridgehead.connect.sources.asking``.

In: one question after another on standard input, each with all it needs. Out: the rows, in parts, or why
there are none. It may take only so much address space and processor time, writes no file, and ends with
whoever started it. Nothing of one question is left for the next: each has a database session of its own.
"""

from __future__ import annotations

import logging
import os
import queue
import resource
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Any

from bridgehead.connect.messages import receive, send
from bridgehead.connect.sources.answer import Answer
from bridgehead.connect.sources.session import Engine, Failed
from bridgehead.kernel.canonical import decode, encode
from bridgehead.kernel.errors import ConnectError, LedgerError

MEMORY = 2 * 1024**3
"""Bytes of address space the process may have, whatever in it asks for them."""
WRITES = 64 * 1024**2
"""Bytes a file it writes may have: the index of a write-ahead log is all that is ever needed."""
TIRED = 512 * 1024**2
"""Bytes of memory after which a process does not take another question."""


def told(engine: Engine, question: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the messages that answer a question; the last one has ``done`` or a reason."""
    answer = Answer("", [], 0)
    begun = False
    try:
        with closing(engine.asked(question)) as parts:
            for columns, rows in parts:
                if not begun:
                    begun, answer = True, Answer("", columns, question["row_limit"])
                    yield {"columns": columns}
                if not rows:
                    break
                sent = len(answer.rows)
                answer.take(rows)
                yield {"rows": encode([list(row.values()) for row in answer.rows[sent:]])}
            yield {"done": True}  # said before the session is closed, which may take a while
    except Failed as error:
        yield {"place" if error.place else "failed": str(error), "temporary": error.temporary}
    except ConnectError:
        yield {"too_many": answer.size}
    except LedgerError as error:
        yield {"failed": str(error), "temporary": False}
    except MemoryError:
        yield {"memory": True}


def _engine(driver: str) -> Engine:
    if driver == "sqlite":
        from bridgehead.connect.sources.sqlite_session import Sqlite

        return Sqlite()
    from bridgehead.connect.sources.duckdb_session import Duckdb

    return Duckdb()


def _bounded() -> None:
    for what, most in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_FSIZE, WRITES),
        (resource.RLIMIT_CORE, 0),
    ):
        with suppress(ValueError, OSError):
            resource.setrlimit(what, (most, most))


def _given(seconds: float) -> None:
    """Allow two processors for so long; whoever waits ends us sooner, if it is still there."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    used = usage.ru_utime + usage.ru_stime
    with suppress(ValueError, OSError):
        hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
        resource.setrlimit(resource.RLIMIT_CPU, (int(used + 2 * seconds) + 2, hard))


def _tired() -> bool:
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return largest * (1 if sys.platform == "darwin" else 1024) > TIRED


def _listened(questions: queue.SimpleQueue[dict[str, Any]]) -> None:
    """Take questions as they come; when nobody can ask any more, end at once, also amid a query."""
    try:
        while True:
            questions.put(receive(sys.stdin.buffer)[0])
    finally:
        os._exit(0)


def main() -> None:
    """Answer until standard input ends."""
    logging.disable(logging.CRITICAL)
    _bounded()
    questions: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    threading.Thread(target=_listened, args=(questions,), daemon=True).start()
    engine = _engine(questions.get()["driver"])
    while True:
        engine.ready()
        question = questions.get()
        _given(question["seconds"])
        question["values"] = decode(question["values"])
        for message in told(engine, question):
            if not message.keys() & {"columns", "rows"}:
                message["tired"] = "memory" in message or _tired()
            send(sys.stdout.buffer, message)


if __name__ == "__main__":
    main()
