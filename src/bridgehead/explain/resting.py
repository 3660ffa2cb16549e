"""As of when the data are that a crossing rests on: from its intent entry, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bridgehead.explain import words
from bridgehead.explain.recorded import Recorded, of_kind


@dataclass(frozen=True, slots=True, kw_only=True)
class AsOf:
    """A table that a crossing rests on: the newest moment in it then, and its snapshot where it comes in
    batches (0 otherwise). ``read``: this crossing is the query that read it."""

    table: str
    at: str
    snapshot: int
    read: bool
    entry: int

    @property
    def words(self) -> str:
        """Return it as a sentence."""
        batches = f", the {_ordinal(self.snapshot)} state of it that was published" if self.snapshot else ""
        verb = "It reads" if self.read else "It rests on"
        return f"{verb} {self.table} as of {words.as_of(self.at)}{batches}."


def resting(entries: Sequence[Recorded], *, read: bool) -> tuple[AsOf, ...]:
    """Return what a crossing rests on; nothing where its intent does not say, or its body is gone."""
    intents = [
        item for item in of_kind(entries, "action.intent", "action.claimed") if item.said("data_as_of")
    ]
    if not intents:
        return ()
    said = intents[-1].said("data_as_of")
    return tuple(
        AsOf(
            table=table,
            at=str(one["at"]),
            snapshot=int(one.get("snapshot", 0)),
            read=read,
            entry=intents[-1].index,
        )
        for table, one in sorted(said.items())
    )


def _ordinal(number: int) -> str:
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
