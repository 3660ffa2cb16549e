"""Files of others are parsed in a process of their own: with little memory, little time, nothing to tell.

The process gets bytes and gives back a ``Text`` as JSON, or the words why not. When it is too slow, takes too
much memory or dies, that one file is refused, and the next one gets a new process.
"""

from __future__ import annotations

import subprocess
import threading
from contextlib import suppress
from typing import Any

from bridgehead.connect.collections.text import Section, Text, Unreadable
from bridgehead.connect.messages import receive, send, started

SECONDS = 60
"""CPU seconds, and about as many by the clock, that one file may take."""
MEMORY = 2 * 1024**3
"""Bytes of address space the process may have."""
_PARSER = "bridgehead.connect.collections.parsing"


class Apart:
    """The process, for as long as it lives."""

    def __init__(self, max_bytes: int, *, seconds: float = SECONDS) -> None:
        self._max_bytes, self._seconds = max_bytes, seconds
        self._process: subprocess.Popen[bytes] | None = None

    def read(self, kind: str, data: bytes) -> Text:
        """Return what a file of a kind says. Raises ``Unreadable``."""
        answer = self._asked(kind, data)
        if "refused" in answer:
            raise Unreadable(str(answer["refused"]))
        sections = tuple(
            Section(headings=tuple(headings), start=start, end=end, page=page)
            for headings, start, end, page in answer["sections"]
        )
        return Text(title=answer["title"], body=answer["body"], sections=sections)

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None:
            with suppress(OSError):
                assert process.stdin is not None
                process.stdin.close()
            with suppress(OSError):
                process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()

    def _asked(self, kind: str, data: bytes) -> dict[str, Any]:
        process = self._process = self._process or started(_PARSER)
        late = threading.Timer(self._seconds * 1.5, process.kill)
        late.daemon = True
        late.start()
        try:
            assert process.stdin is not None and process.stdout is not None
            send(process.stdin, {"kind": kind, "max_bytes": self._max_bytes}, data)
            header, _ = receive(process.stdout)
        except (OSError, EOFError, ValueError) as error:
            self.close()
            raise Unreadable("reading it took too much time or memory, or broke the reader") from error
        finally:
            late.cancel()
        return header
