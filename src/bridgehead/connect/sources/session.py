"""A database engine as the process that asks sees it: columns and rows, or why there are none."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Protocol

PARTS = 200
"""Rows that are read, and sent, at once."""


class Failed(Exception):
    """There is no answer: the database could not be opened (``place``) or could not say."""

    def __init__(self, said: str, *, place: bool = False, temporary: bool = False) -> None:
        super().__init__(said)
        self.place, self.temporary = place, temporary


class Engine(Protocol):
    """A database engine in this process."""

    def ready(self) -> None:
        """Do what can be done before a question is there."""

    def asked(self, question: dict[str, Any]) -> Generator[tuple[list[str], list[Any]], None, None]:
        """Yield the columns and some rows; no rows at the end. Raises ``Failed``, ``MemoryError``."""
