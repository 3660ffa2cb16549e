"""How a question stands and what one viewer may do with it besides answering: take a yes back, change
what is asked, permit in an emergency."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row

from bridgehead.declare.model import Charter
from bridgehead.enforce import tally
from bridgehead.enforce.boundary import Boundary
from bridgehead.enforce.emergency import may_break
from bridgehead.enforce.question import Question
from bridgehead.enforce.revoke import may_revoke
from bridgehead.enforce.vote import may_answer
from bridgehead.explain import words
from bridgehead.explain.viewer import Viewer
from bridgehead.kernel.errors import ApprovalError


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupLine:
    """A group that is asked: how many of it, who stands for it so far, how many are still missing."""

    group: str
    description: str
    needed: int
    agreed: tuple[str, ...]
    still: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RungLine:
    """A rung of the ladder: when it is climbed (RFC 3339), what happens, and whether it has been."""

    at: str
    words: str
    climbed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EditLine:
    """An argument the viewer may change, with its value as it is typed back (text, or JSON)."""

    name: str
    value: str
    is_text: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MayDo:
    """What the viewer may do besides answering. ``edit`` is empty where nothing may be changed."""

    revoke: bool
    permit_at_once: bool
    edit: tuple[EditLine, ...]


def groups_asked(connection: Connection, boundary: Boundary, row: Row[Any]) -> tuple[GroupLine, ...]:
    """Return each group that is asked, with who agreed."""
    charter = boundary.directory()
    return tuple(
        GroupLine(
            group=place.group,
            description=charter.groups[place.group].description if place.group in charter.groups else "",
            needed=place.needed,
            agreed=tuple(name_of(charter, person) for person in place.agreed),
            still=place.still,
        )
        for place in tally.places(connection, boundary, row)
    )


def ladder(row: Row[Any]) -> tuple[RungLine, ...]:
    """Return the rungs of a question, earliest first."""
    rungs = json.loads(row.terms).get("ladder", [])
    return tuple(
        RungLine(at=rung["at"], words=words.rung(rung["do"], rung["to"]), climbed=number < row.rung)
        for number, rung in enumerate(rungs)
    )


def may_do(
    connection: Connection, boundary: Boundary, row: Row[Any], viewer: Viewer, asked: Question | None
) -> MayDo:
    """Return what the viewer may do, by the very checks the doing makes."""
    person = viewer.principal("page")
    editable = json.loads(row.terms).get("editable") or {}
    answers = _passes(lambda: may_answer(connection, boundary, row, person, row.digest))
    return MayDo(
        revoke=_passes(lambda: may_revoke(connection, boundary, row, person)) and row.state != "used",
        permit_at_once=row.state == "open" and _passes(lambda: may_break(connection, boundary, row, person)),
        edit=_editable(asked, editable) if asked is not None and answers else (),
    )


def name_of(charter: Charter, person: str) -> str:
    """Return the name people know somebody by."""
    return charter.people[person].name if person in charter.people else person


def _editable(asked: Question, editable: dict[str, Any]) -> tuple[EditLine, ...]:
    return tuple(_line(name, value) for name, value in asked.arguments.items() if name in editable)


def _line(name: str, value: Any) -> EditLine:
    is_text = isinstance(value, str)
    return EditLine(name=name, value=value if is_text else _json(value), is_text=is_text)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _passes(check: Callable[[], object]) -> bool:
    try:
        check()
    except ApprovalError:
        return False
    return True
