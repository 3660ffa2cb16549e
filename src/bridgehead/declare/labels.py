"""Where values may come from, as a charter writes it: what endorses an argument, what a result is worth."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from bridgehead.declare.part import Name, Part

Trust = Literal["record", "untrusted"]
ENDORSER = re.compile(r"^(?:user|charter|(?:record|named|found):(?:\*|[a-z][a-z0-9_-]*(?:\.[^\s]+)?))$")

Endorser = Annotated[str, StringConstraints(pattern=ENDORSER.pattern)]
"""``user``, ``charter``, ``record:ACTION.FIELD``, ``named:`` and ``found:ACTION.FIELD``; ``*`` is any."""


InputPath = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]*(?:\.[A-Za-z0-9_-]+)*$")]
"""An input of a workflow, or a field in it: ``ticket.text``."""


class Returns(Part):
    """What the result of an action is worth. What is not declared is untrusted."""

    trust: Trust = Field(
        default="untrusted",
        description="`record`: fields of a system of record, written by nobody outside. `untrusted`: anybody "
        "may have written them. For every field that `fields` does not name.",
    )
    fields: dict[str, Trust] = Field(
        default_factory=dict,
        description="By path: `items.price: record`; `*` is any one step, lists are passed through.",
    )
    keys: Trust = Field(
        default="untrusted",
        description="`record` where an object's keys are data too.",
    )
    names: list[str] = Field(
        default_factory=list,
        description="Fields by which people call its records, such as `title`; `named:` looks at them.",
    )
    tags: dict[str, list[Name]] = Field(
        default_factory=dict,
        description="Tags of confidential fields, by path; an empty path is the whole result.",
    )

    def distrusted(self) -> Returns:
        """Return the same with every field untrusted: what is confidential stays so."""
        return self.model_copy(update={"trust": "untrusted", "fields": {}, "keys": "untrusted", "names": []})

    def declares(self, path: tuple[str, ...]) -> bool:
        """Say whether `fields` speaks of a path, or of one above it."""
        return any(leads(written, path) for written in self.fields)

    def names_it(self, path: tuple[str, ...]) -> bool:
        """Say whether `fields` speaks of exactly this field."""
        return any(leads(written, path) and len(written.split(".")) == len(path) for written in self.fields)

    def trust_of(self, path: tuple[str, ...]) -> Trust:
        """Return what the field at a path is worth: the longest path that is declared says so."""
        best, worth = -1, self.trust
        for written, trust in self.fields.items():
            steps = tuple(written.split(".")) if written else ()
            fits = leads(written, path)
            # Of two that are as long, the one that trusts less.
            if fits and (len(steps) > best or (len(steps) == best and trust == "untrusted")):
                best, worth = len(steps), trust
        return worth


def leads(written: str, path: tuple[str, ...]) -> bool:
    """Say whether a path of the charter (``*`` is any one step) leads to, or above, a value."""
    steps = tuple(written.split(".")) if written else ()
    return len(steps) <= len(path) and all(step in ("*", own) for step, own in zip(steps, path, strict=False))
