"""Who may read a document, as the system it comes from says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """Who may read one document there, and what kind of data it holds."""

    groups: frozenset[str] = frozenset()
    people: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """The rights of one moment: ``synced_at`` is when the system was asked for them.

    ``of_person`` and ``of_group`` say which groups somebody, or another group, belongs to; people are ids of
    the charter or e-mail addresses in lower case. A document that is not among ``documents`` is nobody's.
    ``digest`` pins all of it.
    """

    synced_at: datetime
    documents: Mapping[str, Allowed]
    of_person: Mapping[str, frozenset[str]] = field(default_factory=dict)
    of_group: Mapping[str, frozenset[str]] = field(default_factory=dict)
    digest: str = ""


class AccessSource(Protocol):
    """Where the rights of a collection's documents are asked for."""

    def now(self) -> Access:
        """Return the rights as they are now. Raises ``ConnectError``: nobody knows them."""
