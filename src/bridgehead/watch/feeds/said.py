"""What was noticed of a batch, as it is kept in its row: in words, and what it does to readers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

BACK = "back"
"""Of a whole table that holds what it held before, and not what is read."""
DISCARDED = "discarded"
"""Of a batch that holds what people discarded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One thing noticed. ``kind`` is ``clause`` for one of the contract, ``schema`` for a change of the
    columns, ``unread`` where queries cannot read it, otherwise a kind of the watch over arrivals, or
    ``older``, ``overtaken``, ``back`` and ``discarded``. ``unevaluated``: nobody knows
    whether the clause is kept. Words hold figures and names of columns, nothing personal."""

    kind: str
    words: str
    fix: str = ""
    clause: str = ""
    where: str = ""
    response: str = ""
    readers: Mapping[str, str] = field(default_factory=dict)
    unevaluated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """All that is kept of a judged batch besides its figures: what was said, the newest moment in it by
    freshness clause, how many people must agree to release it, its columns (as ``schema_change.accepted``
    writes them; empty: unknown), the label of the batch that it corrects, the names of those that it
    replaces once it is published, and as what its copy was read (``readable.read_as``; empty: unknown)."""

    said: tuple[Said, ...] = ()
    newest: Mapping[str, str] = field(default_factory=dict)
    people: int = 1
    columns: str = ""
    corrects: str = ""
    replaces: tuple[str, ...] = ()
    read_as: str = ""

    def text(self) -> str:
        """Return it as JSON."""
        value = {
            "said": [_plain(each) for each in self.said],
            "newest": dict(self.newest),
            "people": self.people,
            **({"columns": self.columns} if self.columns else {}),
            **({"corrects": self.corrects} if self.corrects else {}),
            **({"replaces": list(self.replaces)} if self.replaces else {}),
            **({"read_as": self.read_as} if self.read_as else {}),
        }
        return json.dumps(value, sort_keys=True, separators=(",", ":"))

    def words(self) -> str:
        """Return everything in one line."""
        return " ".join(each.words for each in self.said)


def about(text: str) -> About:
    """Return what ``text`` wrote; of a batch that is not judged yet, nothing."""
    value = json.loads(text)
    if not isinstance(value, dict):
        return About()
    return About(
        said=tuple(Said(**each) for each in value["said"]),
        newest=value["newest"],
        people=value["people"],
        columns=value.get("columns", ""),
        corrects=value.get("corrects", ""),
        replaces=tuple(value.get("replaces", ())),
        read_as=value.get("read_as", ""),
    )


def _plain(one: Said) -> dict[str, Any]:
    return {name: value for name in Said.__slots__ if (value := getattr(one, name))} | {"kind": one.kind}


def words_of(said: Iterable[Said]) -> str:
    """Return what was noticed in one line."""
    return " ".join(each.words for each in said)
