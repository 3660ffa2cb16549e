"""The values of an action's arguments, one by one, and when one of them is what the charter writes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bridgehead.enforce.provenance import kinds
from bridgehead.enforce.provenance.origins import Origin

EMPTY: tuple[Any, ...] = (None, "", [], {}, ())
"""What holds nothing. Nothing is a value too: it may blank what is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """One value of an action's arguments, and what stands behind it.

    ``origin`` is what endorses it; where there is none, ``why`` says so in words and ``seen`` where the value
    was found, if anywhere.
    """

    argument: str
    path: str
    value: Any
    origin: Origin | None = None
    why: str = ""
    seen: Origin | None = None

    @property
    def endorsed(self) -> bool:
        """Say whether something stands behind it."""
        return self.origin is not None


def leaves(
    value: Any, path: tuple[str, ...], schema: Mapping[str, Any]
) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any], Any]]:
    """Yield the single values of an argument; a field that is not declared counts with its name."""
    if value in ([], {}, ()):
        yield path, schema, value
    elif isinstance(value, Mapping):
        declared = schema.get("properties", {})
        for key, item in value.items():
            if key not in declared:
                yield (*path, "(key)"), {}, key
            yield from leaves(item, (*path, str(key)), declared.get(key, {}))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from leaves(item, (*path, str(index)), schema.get("items", {}))
    else:
        yield path, schema, value


def matches(kind: str, pattern: str, value: Any) -> bool:
    """Say whether a value is one the charter writes: equal, or at a domain written ``*@example.com``."""
    if pattern.startswith("*@"):
        form = kinds.same("email", value)
        # A local part may route a mail on: ``thief%evil.example@example.com``.
        own = form is not None and not re.search(r"[%!/]", form)
        return own and str(form).rpartition("@")[2] == pattern[2:].lower()
    if pattern.endswith("/*") and kind == "uri":
        form, place = kinds.same("uri", value), kinds.same("uri", pattern[:-2])
        return form is not None and place is not None and f"{form}/".startswith(f"{place}/")
    wanted = kinds.same(kind, pattern)
    return wanted is not None and wanted == kinds.same(kind, value)
