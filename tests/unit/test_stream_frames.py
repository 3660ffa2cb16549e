"""However a network cuts a stream into pieces, the answer is the same."""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridgehead.connect.models.chat import Malformed
from bridgehead.connect.models.frames import Assembly, events

PIECES = [
    {"model": "m", "choices": [{"delta": {"role": "assistant", "content": ""}}]},
    {"choices": [{"delta": {"content": "Grüße, "}}]},
    {"choices": [{"delta": {"content": "日本 🎌\n\ndata: not an event"}}]},
    {"choices": [{"delta": {"tool_calls": [{"index": 1, "id": "b", "function": {"name": "second"}}]}}]},
    {"choices": [{"delta": {"tool_calls": [{"index": 0, "id": "a", "function": {"name": "first"}}]}}]},
    {"choices": [{"delta": {"tool_calls": [{"index": 1, "function": {"arguments": '{"x": '}}]}}]},
    {"choices": [{"delta": {"tool_calls": [{"index": 1, "function": {"arguments": "1}"}}]}}]},
    {"choices": [{"delta": {}, "finish_reason": "tool_calls"}]},
    {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 4}},
]


def stream(ends: str) -> bytes:
    frames = [f"data: {json.dumps(piece, ensure_ascii=False)}{ends}{ends}" for piece in PIECES]
    return (f": hello{ends}{ends}" + "".join(frames) + f"data:[DONE]{ends}{ends}").encode()


async def assembled(raw: bytes, cuts: list[int]) -> Assembly:
    places = sorted({0, len(raw), *(cut % len(raw) for cut in cuts)})

    async def chunks() -> AsyncIterator[bytes]:
        for start, end in itertools.pairwise(places):
            yield raw[start:end]

    assembly = Assembly("asked")
    async for event in events(chunks()):
        assembly.take(event)
    return assembly


@given(st.lists(st.integers(min_value=0), max_size=40), st.sampled_from(["\n", "\r\n"]))
async def test_cuts_do_not_matter(cuts: list[int], ends: str) -> None:
    assembly = await assembled(stream(ends), cuts)
    assert assembly.done
    assert assembly.counted == (3, 4)
    assert assembly.value() == {
        "content": "Grüße, 日本 🎌\n\ndata: not an event",
        "tool_calls": [
            {"id": "a", "name": "first", "arguments": ""},
            {"id": "b", "name": "second", "arguments": '{"x": 1}'},
        ],
        "finish_reason": "tool_calls",
        "model": "m",
        "stand_in": False,
    }


@given(st.integers(min_value=0, max_value=len(stream("\n")) - 1))
async def test_a_stream_that_stops_before_the_finish_is_never_taken_for_an_answer(length: int) -> None:
    raw = stream("\n")
    assembly = await assembled(raw[: length + 1], [])
    if length < raw.index(b'"finish_reason"'):
        with pytest.raises(Malformed):
            assembly.value()
