"""MCP over streamable HTTP, with a bound on what is read and a word on what was sent.

The SDK does the protocol. This file gives it an HTTP client that reads at most ``LIMIT_BYTES`` of
an answer, turns a broken connection into an answer for that one request (so that other calls on
the session live on), and tells ``Sending`` what is proven about it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack
from types import TracebackType

import httpx2
from mcp.client._transport import TransportStreams
from mcp.client.streamable_http import streamable_http_client

from bridgehead.connect.actions.sending import SENDING, Sending
from bridgehead.connect.faults import LIMIT_BYTES

NOT_APPLIED = {
    401: "it refused our credentials",  # RFC 9110, 15.5.2: the request has not been applied
    404: "it does not know this address or session",  # MCP 2025-11-25, session management, rule 3
}
"""Statuses whose definition says that the request was not applied."""

_NEVER_CONNECTED = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)


class HttpLine:
    """One streamable HTTP endpoint as the SDK's read and write stream. One use."""

    def __init__(self, url: str, *, longest: float, headers: Mapping[str, str] | None = None) -> None:
        self.why = ""
        self.closed = False
        self.on_end: Callable[[], object] = lambda: None
        self._url = url
        self._longest = longest
        self._headers = dict(headers or {})
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> TransportStreams:
        client = httpx2.AsyncClient(
            transport=_Careful(self),
            headers={**self._headers, "accept-encoding": "identity"},
            # Our own deadlines end a call; this only frees connections nobody waits for any more.
            timeout=httpx2.Timeout(30.0, read=max(300.0, 2 * self._longest)),
            trust_env=False,
        )
        await self._stack.enter_async_context(client)
        return await self._stack.enter_async_context(
            streamable_http_client(self._url, http_client=client, max_sse_event_size=LIMIT_BYTES)
        )

    def hurry(self) -> None:
        """Do nothing: there is no program to wait for."""

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closed = True
        await self._stack.__aexit__(kind, error, trace)


class _Careful(httpx2.AsyncHTTPTransport):
    def __init__(self, line: HttpLine) -> None:
        super().__init__(trust_env=False)
        self._line = line

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        sending = SENDING.get() or Sending()
        sending.started = True
        try:
            response = await super().handle_async_request(request)
        except httpx2.TransportError as error:
            sending.started = not isinstance(error, _NEVER_CONNECTED)
            sending.list_again = True
            sending.why = self._line.why = _in_words(error)
            return httpx2.Response(502)
        return self._read_carefully(response, sending)

    def _read_carefully(self, response: httpx2.Response, sending: Sending) -> httpx2.Response:
        if response.status_code >= 400:
            words = NOT_APPLIED.get(response.status_code, "it answered with an error")
            sending.why = self._line.why = f"{words} (HTTP {response.status_code})"
        if response.status_code in NOT_APPLIED:
            sending.started = False
            sending.list_again = True
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        response.stream = _Bounded(response.stream, response.headers, sending)
        return response


class _Bounded(httpx2.AsyncByteStream):
    """A body of at most ``LIMIT_BYTES``; event streams are bounded event by event by the SDK.

    Raises only ``StreamError``, which the SDK answers the one request with.
    """

    def __init__(self, stream: httpx2.AsyncByteStream, headers: httpx2.Headers, sending: Sending) -> None:
        self._stream = stream
        self._sending = sending
        self._endless = headers.get("content-type", "").startswith("text/event-stream")
        self._packed = headers.get("content-encoding", "identity") != "identity"

    async def __aiter__(self) -> AsyncIterator[bytes]:
        taken = 0
        if self._packed:
            # A small packed body can unfold to any size; we asked for an unpacked one.
            raise self._stop("it sent a packed answer, which was not asked for")
        try:
            async for part in self._stream:
                taken += len(part)
                if taken > LIMIT_BYTES and not self._endless:
                    raise self._stop(f"it sent an answer over {LIMIT_BYTES} bytes")
                yield part
        except httpx2.TransportError as error:
            raise self._stop(_in_words(error)) from error

    async def aclose(self) -> None:
        await self._stream.aclose()

    def _stop(self, why: str) -> httpx2.StreamError:
        self._sending.why = why
        return httpx2.StreamError(why)


def _in_words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
