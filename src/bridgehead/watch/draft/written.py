"""A draft as the text of an ODCS v3 contract: each clause with its support and counter-examples beside it.

Everything that comes from the data is quoted or stands in a comment on one line, never as structure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from bridgehead.declare.written import flow
from bridgehead.watch.contract.properties import DRAFTED
from bridgehead.watch.draft.proposal import DraftColumn, DraftTable, LeftOut, Quality, Support
from bridgehead.watch.draft.spelling import id_of

_LONGEST_COMMENT = 240


def contract_text(name: str, tables: Sequence[DraftTable], data: str, day: str) -> str:
    """Return the text of the contract. ``data`` says what it was drafted from, ``day`` when."""
    lines = [
        f"# Drafted from {_line(data)} on {day}. Every clause is a proposal: correct it, then take its mark",
        "# `bridgeheadDraft` away. Beside each stands how many rows support it, and what speaks against it.",
        "apiVersion: v3.1.0",
        "kind: DataContract",
        f"id: {flow(id_of(name))}",
        f"name: {flow(name)}",
        "version: 0.1.0",
        "status: draft",
        "schema:",
    ]
    for table in tables:
        lines += _table(table)
    fresh = [(one, *one.freshness) for one in tables if one.freshness]
    if fresh:
        lines.append("slaProperties:")
    for table, column, hours in fresh:
        told = {
            "property": "freshness",
            "element": f"{table.name}.{column}",
            "value": _number(hours),
            "unit": "h",
        }
        lines.append(f"  - {flow(told)}")
    return "\n".join(lines) + "\n"


def with_left_out(text: str, left_out: Sequence[LeftOut]) -> str:
    """Return the text of a contract that also says what is not in it."""
    return text + "".join(f"# left out: {_line(f'{one.name}: {one.why}')}\n" for one in left_out)


def _table(table: DraftTable) -> Iterator[str]:
    yield f"  - name: {flow(table.name)}"
    if table.physical != table.name:
        yield f"    physicalName: {flow(table.physical)}"
    yield "    logicalType: object"
    seen = (
        "" if table.looked_at == table.rows else f", of which {table.looked_at:,} drawn evenly were looked at"
    )
    yield f"    # {table.rows:,} row{'s' if table.rows != 1 else ''}{seen}"
    for note in table.notes:
        yield f"    # question: {_line(note)}"
    if table.cadence:
        yield "    # question: at what time of day do they come, in which zone? Names of files say days only."
    if table.segment:
        yield f"    # guess: {_line(table.segment.words())}"
    ours = _ours(table)
    if ours:
        yield f"    customProperties: [{', '.join(flow(one) for one in ours)}]"
    yield "    properties:"
    for column in table.columns:
        yield from _column(column)
    if table.quality:
        yield "    quality:"
        for one in table.quality:
            yield from _quality(one, "      ")


def _ours(table: DraftTable) -> list[dict[str, Any]]:
    """Return what a table promises in words of ours."""
    told: list[dict[str, Any]] = []
    if table.cadence:
        told.append({"property": "bridgeheadCadence", "value": dict(table.cadence)})
    if not table.rows:
        told.append({"property": "bridgeheadEmptyBatch", "value": "allowed"})
    if table.segment:
        told.append({"property": "bridgeheadSegment", "value": table.segment.column})
        told.append({"property": DRAFTED, "value": [table.segment.as_dict()]})
    return told


def _column(column: DraftColumn) -> Iterator[str]:
    yield f"      - name: {flow(column.name)}"
    pad = "        "
    for note in column.notes:
        yield f"{pad}# question: {_line(note)}"
    yield f"{pad}logicalType: {column.logical}"
    if column.personal:
        yield f"{pad}classification: personal   # guess: by its name or the form of its values"
    if column.key_position:
        yield f"{pad}primaryKey: true{_beside(column, 'primaryKey')}"
        yield f"{pad}primaryKeyPosition: {column.key_position}"
    if column.required:
        yield f"{pad}required: true{_beside(column, 'required')}"
    if column.unique:
        yield f"{pad}unique: true{_beside(column, 'unique')}"
    if column.options:
        yield f"{pad}logicalTypeOptions: {flow(column.options)}{_beside(column, 'from ')}"
    if column.reference:
        told = {"type": "foreignKey", "to": column.reference}
        yield f"{pad}relationships: [{flow(told)}]{_beside(column, 'reference')}"
    if column.quality:
        yield f"{pad}quality:"
        for one in column.quality:
            yield from _quality(one, pad + "  ")
    if column.supports:
        yield f"{pad}customProperties:"
        told_of = {"property": DRAFTED, "value": [one.as_dict() for one in column.supports]}
        yield f"{pad}  - {flow(told_of)}"


def _beside(column: DraftColumn, clause: str) -> str:
    """Return the comment with the support of a column's own clause."""
    found = next((one for one in column.supports if one.clause.startswith(clause)), None)
    return f"   # {_line(found.words())}" if found else ""


def _quality(one: Quality, pad: str) -> Iterator[str]:
    yield f"{pad}# {_line(f'{one.support.clause}: {one.support.words()}')}"
    yield f"{pad}- id: {flow(one.id)}"
    limit: dict[str, Any] = {"mustBeLessOrEqualTo": _number(one.tolerance)}
    if one.is_ours:
        yield f"{pad}  type: custom"
        yield f"{pad}  engine: bridgehead"
        yield f"{pad}  unit: percent"
        yield f"{pad}  implementation: {flow(dict(one.body) | limit)}"
    else:
        for key, value in one.body.items():
            yield f"{pad}  {key}: {flow(value)}"
        yield f"{pad}  unit: percent"
        yield f"{pad}  mustBeLessOrEqualTo: {limit['mustBeLessOrEqualTo']}"
    told = {"property": DRAFTED, "value": _told(one.support)}
    yield f"{pad}  customProperties: [{flow(told)}]"


def _told(support: Support) -> dict[str, Any]:
    return {key: value for key, value in support.as_dict().items() if key != "clause"}


def _number(value: float) -> int | float:
    return int(value) if value == int(value) else value


def _line(text: str) -> str:
    """Return a text for a comment: on one line, of letters that show."""
    shown = "".join(letter if letter.isprintable() else " " for letter in " ".join(text.split()))
    return shown if len(shown) <= _LONGEST_COMMENT else shown[:_LONGEST_COMMENT] + "..."
