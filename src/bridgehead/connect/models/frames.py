"""A streamed answer: server-sent events put together into one value as they come."""

from __future__ import annotations

import json
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass
from typing import Any

from bridgehead.connect.faults import LIMIT_BYTES
from bridgehead.connect.models.chat import Malformed, tokens, value


@dataclass(frozen=True, slots=True, kw_only=True)
class Delta:
    """A piece of an answer: ``content`` to show, or a piece of the tool call at ``tool_call``."""

    content: str = ""
    tool_call: int | None = None
    name: str = ""
    arguments: str = ""


async def events(chunks: AsyncIterable[bytes]) -> AsyncIterator[str]:
    """Yield the data of each event (WHATWG HTML, server-sent events) of a byte stream.

    Only ``data`` lines matter here; comments, which endpoints send to keep a connection, do not.
    """
    rest = b""
    data: list[str] = []
    async for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        if len(rest) > LIMIT_BYTES:
            raise Malformed(f"a streamed frame is over {LIMIT_BYTES} bytes")
        for line in lines:
            line = line.rstrip(b"\r")
            if line.startswith(b"data:"):
                data.append(line[5:].removeprefix(b" ").decode("utf-8", "replace"))
            elif not line and data:
                yield "\n".join(data)
                data = []


class Assembly:
    """The answer so far."""

    def __init__(self, asked: str) -> None:
        self.counted: tuple[int, int] | None = None
        self.done = False
        self._model = asked
        self._content: list[str] = []
        self._refusal: list[str] = []
        self._calls: dict[int, dict[str, str]] = {}
        self._finish = ""
        self._size = 0

    @property
    def complete(self) -> bool:
        """Return whether the endpoint said that it was finished."""
        return self.done or bool(self._finish)

    def take(self, event: str) -> list[Delta]:
        """Add one event and return what is new. Raises ``Malformed``."""
        if event == "[DONE]":
            self.done = True
            return []
        try:
            frame = json.loads(event)
        except (ValueError, RecursionError) as error:
            raise Malformed("a streamed frame is not JSON") from error
        if not isinstance(frame, dict):
            raise Malformed("a streamed frame is not an object")
        if frame.get("error"):
            raise Malformed(f"the stream broke off with an error: {frame['error']}")
        self.counted = tokens(frame) or self.counted
        self._model = str(frame.get("model") or self._model)
        return self._choices(frame.get("choices"))

    def value(self) -> dict[str, Any]:
        """Return the model value. Raises ``Malformed`` where the stream stopped too early."""
        if not self.complete:
            raise Malformed("the stream ended before the answer did")
        refusal = "".join(self._refusal)
        return value(
            content=refusal or "".join(self._content) or (None if self._calls else ""),
            tool_calls=[self._calls[n] for n in sorted(self._calls)],
            finish_reason="refusal" if refusal else self._finish,
            model=self._model,
        )

    def _choices(self, choices: Any) -> list[Delta]:
        if not choices:
            return []  # the last frame carries only the usage
        if not (isinstance(choices, list) and isinstance(choices[0], dict)):
            raise Malformed("a streamed frame has no choices")
        self._finish = str(choices[0].get("finish_reason") or self._finish)
        delta = choices[0].get("delta") or {}
        if not isinstance(delta, dict):
            raise Malformed("a streamed frame has no delta")
        new = [*self._text(delta), *self._tools(delta.get("tool_calls") or [])]
        self._size += sum(len(piece.content) + len(piece.name) + len(piece.arguments) for piece in new)
        if self._size > LIMIT_BYTES:
            raise Malformed(f"it is over {LIMIT_BYTES} bytes")
        return new

    def _text(self, delta: dict[str, Any]) -> list[Delta]:
        new = []
        for kind, kept in (("content", self._content), ("refusal", self._refusal)):
            text = delta.get(kind)
            if isinstance(text, str) and text:
                kept.append(text)
                new.append(Delta(content=text))
        return new

    def _tools(self, pieces: Any) -> list[Delta]:
        if not isinstance(pieces, list):
            raise Malformed("a streamed frame's tool calls are not a list")
        return [self._tool(piece) for piece in pieces]

    def _tool(self, piece: Any) -> Delta:
        if not isinstance(piece, dict):
            raise Malformed("a streamed tool call is not an object")
        position = piece.get("index", len(self._calls))
        if not isinstance(position, int) or not 0 <= position < 1000:
            raise Malformed("a streamed tool call has no place")
        function = piece.get("function") or {}
        if not isinstance(function, dict):
            raise Malformed("a streamed tool call has no function")
        name, text = str(function.get("name") or ""), str(function.get("arguments") or "")
        call = self._calls.setdefault(position, {"id": f"call_{position}", "name": "", "arguments": ""})
        call["id"] = str(piece.get("id") or call["id"])
        call["name"] += name
        call["arguments"] += text
        return Delta(tool_call=position, name=name, arguments=text)
