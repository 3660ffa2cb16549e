"""Where each value of a charter is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Place = tuple[str | int, ...]
"""The way to a value: keys and list positions, from the top of the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """The line of every key and list item of one YAML file, counted from 1."""

    file: str
    places: Mapping[Place, int] = field(default_factory=dict)

    def line(self, *place: str | int) -> int:
        """Return the line of a value, or of the nearest thing around it that is written down."""
        for end in range(len(place), -1, -1):
            found = self.places.get(place[:end])
            if found is not None:
                return found
        return 1

    def where(self, *place: str | int) -> str:
        """Return ``file:line`` of a value."""
        return f"{self.file}:{self.line(*place)}"
