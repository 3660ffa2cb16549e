"""What a server says on its error output, kept in a file that cannot grow without end."""

from __future__ import annotations

import os
from pathlib import Path

LIMIT_BYTES = 512 * 1024
"""Size at which the log starts again; the one before is kept beside it as ``.1``."""


class ServerLog:
    """One server's log, readable by the owner of the process only."""

    def __init__(self, path: Path, limit: int = LIMIT_BYTES) -> None:
        self.path = path
        self._limit = limit

    def write(self, data: bytes) -> None:
        """Append ``data``; a disk that refuses loses the log, never the call."""
        try:
            self._make_room(len(data))
            self._append(data[-self._limit :])
        except OSError:
            pass

    def _append(self, data: bytes) -> None:
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(descriptor, data)
        finally:
            os.close(descriptor)

    def _make_room(self, more: int) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if self.path.exists() and self.path.stat().st_size + more > self._limit:
            self.path.replace(self.path.with_name(self.path.name + ".1"))
