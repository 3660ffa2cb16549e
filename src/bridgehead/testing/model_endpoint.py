"""A fake endpoint that speaks the OpenAI wire format on a free port: chat, streaming included, and vectors.

::

    async with FakeOpenAI() as endpoint:
        endpoint.say("It is on its way.")
        endpoint.fail(503, "loading")
        ...  # Model(driver="openai", endpoint=endpoint.url, region="local")
    assert endpoint.requests[0]["messages"][0]["role"] == "user"
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from aiohttp import web

Turn = Callable[[web.Request, dict[str, Any]], Awaitable[web.StreamResponse]]


class FakeOpenAI:
    """One endpoint. Turns are taken in order; without any it says ``Yes.``

    ``requests`` are the bodies received, ``headers`` their headers, ``hung_up`` is set when a client
    leaves before it was answered.
    """

    def __init__(self) -> None:
        self.url = ""
        self.requests: list[dict[str, Any]] = []
        self.headers: list[Mapping[str, str]] = []
        self.hung_up = asyncio.Event()
        self.asked = asyncio.Event()
        self._turns: deque[Turn] = deque()
        self._never: set[str] = set()
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> FakeOpenAI:
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_post("/v1/chat/completions", self._answer)
        app.router.add_post("/v1/embeddings", self._embed)
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}/v1"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    def say(
        self, content: str | None = None, tool_calls: Sequence[Mapping[str, Any]] = (), **more: Any
    ) -> None:
        """Answer the next request. ``more`` replaces top-level fields of the answer, e.g. ``usage``."""
        self._turns.append(lambda request, body: _said(request, body, content, list(tool_calls), more))

    def fail(self, status: int, words: str = "", headers: Mapping[str, str] | None = None) -> None:
        """Answer the next request with an error in the endpoint's format."""

        async def turn(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
            error = {"error": {"message": words, "type": "error", "code": status}}
            return web.json_response(error, status=status, headers=headers)

        self._turns.append(turn)

    def raw(self, data: bytes, content_type: str = "application/json") -> None:
        """Answer the next request with these bytes."""

        async def turn(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
            return web.Response(body=data, content_type=content_type)

        self._turns.append(turn)

    def hang(self) -> None:
        """Never answer the next request; ``hung_up`` tells when its client has left."""

        async def turn(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
            return await self._wait_for_the_end()

        self._turns.append(turn)

    def hang_on(self, words: str) -> None:
        """Never answer any request whose last message is ``words``."""
        self._never.add(words)

    def drop(self, after: bytes = b"") -> None:
        """Break the connection of the next request, having sent ``after`` as a started stream."""

        async def turn(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
            response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
            if after:
                await response.prepare(request)
                await response.write(after)
            assert request.transport is not None
            request.transport.abort()
            return response

        self._turns.append(turn)

    def stall(self, after: str) -> None:
        """Stream ``after`` as a first piece of the next answer, then nothing until the client leaves."""

        async def turn(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
            response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
            await response.prepare(request)
            await response.write(_frame(body, {"content": after}))
            return await self._wait_for_the_end()

        self._turns.append(turn)

    async def _embed(self, request: web.Request) -> web.StreamResponse:
        """Answer with vectors that depend on the words of each text alone, in another order than asked."""
        body = await request.json()
        self.requests.append(body)
        self.headers.append(dict(request.headers))
        if self._turns:
            return await self._turns.popleft()(request, body)
        rows = [{"index": n, "embedding": _vector(text)} for n, text in enumerate(body["input"])]
        return web.json_response({"object": "list", "model": body["model"], "data": rows[::-1]})

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.requests.append(body)
        self.headers.append(dict(request.headers))
        self.asked.set()
        if body["messages"] and body["messages"][-1].get("content") in self._never:
            return await self._wait_for_the_end()
        if self._turns:
            return await self._turns.popleft()(request, body)
        return await _said(request, body, "Yes.", [], {})

    async def _wait_for_the_end(self) -> web.StreamResponse:
        try:
            await asyncio.Event().wait()
        finally:
            self.hung_up.set()
        raise AssertionError("unreachable")


def _vector(text: str) -> list[float]:
    """Return the mean of the words' digests: 16 numbers, alike for texts with the same words."""
    rows = [hashlib.sha256(word.encode()).digest()[:16] for word in re.findall(r"\w+", text.casefold())]
    return [sum(row[n] - 128 for row in rows) / max(1, len(rows)) for n in range(16)]


async def _said(
    request: web.Request, body: dict[str, Any], content: str | None, calls: list[Any], more: dict[str, Any]
) -> web.StreamResponse:
    if body.get("stream"):
        return await _streamed(request, body, content, calls, more)
    message: dict[str, Any] = {"role": "assistant", "content": content}
    if calls:
        message["tool_calls"] = [_tool_call(call, n) for n, call in enumerate(calls)]
    finish = "tool_calls" if calls else "stop"
    choice = {"index": 0, "message": message, "finish_reason": finish}
    return web.json_response(
        _envelope(body, "chat.completion") | {"choices": [choice], "usage": _USAGE} | more
    )


async def _streamed(
    request: web.Request, body: dict[str, Any], content: str | None, calls: list[Any], more: dict[str, Any]
) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    await response.write(b": a comment, as real endpoints send to keep a connection\n\n")
    await response.write(_frame(body, {"role": "assistant", "content": ""}))
    for word in re.findall(r"\S+\s*|\s+", content or ""):
        await response.write(_frame(body, {"content": word}))
    for n, call in enumerate(calls):
        for piece in _call_pieces(_tool_call(call, n), n):
            await response.write(_frame(body, {"tool_calls": [piece]}))
    await response.write(_frame(body, {}, finish="tool_calls" if calls else "stop"))
    last = _envelope(body, "chat.completion.chunk") | {"choices": [], "usage": _USAGE} | more
    await response.write(b"data: " + json.dumps(last).encode() + b"\n\ndata: [DONE]\n\n")
    return response


_USAGE = {"prompt_tokens": 12, "completion_tokens": 7, "total_tokens": 19}


def _call_pieces(call: dict[str, Any], position: int) -> list[dict[str, Any]]:
    text = call["function"]["arguments"]
    half = len(text) // 2
    head = call | {"index": position, "function": call["function"] | {"arguments": text[:half]}}
    return [head, {"index": position, "function": {"arguments": text[half:]}}]


def _tool_call(call: Mapping[str, Any], position: int) -> dict[str, Any]:
    arguments = call.get("arguments", {})
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    function = {"name": call["name"], "arguments": text}
    return {"id": call.get("id", f"call_{position}"), "type": "function", "function": function}


def _frame(body: dict[str, Any], delta: dict[str, Any], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    frame = _envelope(body, "chat.completion.chunk") | {"choices": [choice]}
    return b"data: " + json.dumps(frame).encode() + b"\n\n"


def _envelope(body: dict[str, Any], kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-fake", "object": kind, "created": 0, "model": body.get("model", "")}
