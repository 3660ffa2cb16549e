"""The envelope: only what is listed gets in, and its bytes are those of RFC 8785."""

from __future__ import annotations

import json
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from bridgehead.kernel.entry import Draft
from bridgehead.kernel.errors import LedgerError
from bridgehead.record.envelope import FIELDS, MAX_BYTES, MAX_TEXT, build

texts = st.text(st.characters(codec="utf-8"), max_size=40)
SHAPES: dict[str, st.SearchStrategy[Any]] = {
    "text": texts,
    "integer": st.integers(-(2**53) + 1, 2**53 - 1),
    "boolean": st.booleans(),
    "text or list of texts": texts | st.lists(texts, max_size=4),
}


def fields_of(shape: Any) -> st.SearchStrategy[Any]:
    if isinstance(shape, str):
        return SHAPES[shape]
    return st.fixed_dictionaries({}, optional={name: fields_of(inner) for name, inner in shape.items()})


def built(**fields: Any) -> bytes:
    draft = Draft(kind="action.intent", actor="agent:a", on_behalf="human:b", run="run_1", fields=fields)
    return build(draft, time="2026-03-01T09:00:00.000000Z", origin="acme/refunds", seq=1, prev="", body=None)


@given(fields_of(FIELDS))
def test_its_bytes_are_those_of_rfc_8785(fields: dict[str, Any]) -> None:
    data = built(**fields)
    assert data == rfc8785.dumps(json.loads(data))
    assert {name: json.loads(data)[name] for name in fields} == fields


@pytest.mark.parametrize(
    "fields",
    [
        {"secret": "x"},
        {"subject": "zoe"},
        {"action": {"arguments": {"card": "4111"}}},
        {"action": "refund"},
        {"action": {"outward": 1}},
        {"attempt": "1"},
        {"attempt": True},
        {"attempt": 1.0},
        {"attempt": 2**53},
        {"refs": [1]},
        {"refs": {"a": "b"}},
        {"note": "x" * (MAX_TEXT + 1)},
        {"outcome": {"usage": {"cost": 1.5}}},
        {"approval": {"by": ["x" * (MAX_TEXT + 1)]}},
        {"v": 2},
        {"prev": "x"},
        {"origin": "other"},
        {1: "x"},
    ],
)
def test_what_is_not_listed_is_refused(fields: dict[str, Any]) -> None:
    draft = Draft(kind="action.intent", actor="agent:a", run="run_1", fields=fields)
    with pytest.raises(LedgerError, match="BH-REC-003"):
        build(draft, time="", origin="o", seq=1, prev="", body=None)


@pytest.mark.parametrize(
    "draft",
    [
        Draft(kind="made.up", actor="a"),  # type: ignore[arg-type]
        Draft(kind="run.started", actor="a", run="with space"),
        Draft(kind="run.started", actor="a", run="x" * 41),
        Draft(kind="run.started", actor="a" * (MAX_TEXT + 1)),
        Draft(kind="run.started", actor="a", on_behalf=7),  # type: ignore[arg-type]
    ],
)
def test_kind_run_and_principals_have_their_form(draft: Draft) -> None:
    with pytest.raises(LedgerError, match="BH-REC-003"):
        build(draft, time="", origin="o", seq=1, prev="", body=None)


def test_an_envelope_is_never_larger_than_its_length_prefix_allows() -> None:
    refs = ["é" * MAX_TEXT] * 126
    assert len(built(refs=refs)) <= MAX_BYTES
    with pytest.raises(LedgerError, match="BH-REC-004"):
        built(refs=[*refs, "é" * MAX_TEXT, "é" * MAX_TEXT])


def test_a_lone_surrogate_has_no_bytes() -> None:
    with pytest.raises(LedgerError, match="BH-REC-001"):
        built(note="\ud800")
