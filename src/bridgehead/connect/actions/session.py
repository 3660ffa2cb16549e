"""One MCP session, held open by one task.

The SDK's cancel scopes must be entered and left in the same task, while calls come from many. So
one task enters the session, says so, and leaves it when told or when the line ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

import anyio
from mcp import Client
from mcp.client import IncomingMessage
from mcp.client._transport import TransportStreams
from mcp.client.subscriptions import ListenNotSupportedError, SubscriptionLost
from mcp.shared.exceptions import MCPError
from mcp_types import Implementation, ToolListChangedNotification
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

import bridgehead
from bridgehead.connect.faults import late, lost, shorten

LISTEN_AGAIN = 5.0
"""Seconds before a lost change stream is asked for again."""


class Line(AbstractAsyncContextManager[TransportStreams], Protocol):
    """A transport that knows whether it still works. ``on_end`` is called when it stops."""

    why: str
    on_end: Callable[[], object]

    @property
    def closed(self) -> bool: ...

    def hurry(self) -> None: ...


class Session:
    """A session on ``line``. ``on_change`` is called when the server's tools may have changed."""

    def __init__(self, name: str, line: Line, on_change: Callable[[], None]) -> None:
        self.line = line
        self._name = name
        self._on_change = on_change
        self._leave = asyncio.Event()
        self._entered: asyncio.Future[Client] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._hold(), name=f"mcp:{name}")

    @property
    def alive(self) -> bool:
        """Return whether a call may be tried."""
        return not (self._leave.is_set() or self._task.done())

    @property
    def client(self) -> Client:
        """Return the SDK's client; only after ``wait``."""
        return self._entered.result()

    async def wait(self, deadline: float) -> None:
        """Wait until the handshake is done. Raises ``ConnectError`` with effect ``none``."""
        either: list[asyncio.Future[Any]] = [self._task, self._entered]
        try:
            async with asyncio.timeout(deadline):
                await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError:
            await self.close()
            raise late(self._name, deadline, "none") from None
        except asyncio.CancelledError:
            await self.close()
            raise
        if not self._entered.done():
            raise lost(self._name, self._why(), "none")

    async def close(self) -> None:
        """Leave the session and wait until its program or connection is gone; never raises."""
        self._leave.set()
        if not self._entered.done():
            self.line.hurry()
            self._task.cancel()
        await asyncio.wait([self._task])
        if not self._task.cancelled():
            self._task.exception()  # looked at, so that asyncio does not report it as forgotten

    async def _hold(self) -> None:
        self.line.on_end = self._leave.set
        client = Client(
            self.line,
            cache=None,
            message_handler=self._heard,
            client_info=Implementation(name="bridgehead", version=bridgehead.__version__),
        )
        try:
            async with client, anyio.create_task_group() as listening:
                self._entered.set_result(client)
                if client.protocol_version in MODERN_PROTOCOL_VERSIONS:
                    listening.start_soon(self._listen, client)
                await self._leave.wait()
                listening.cancel_scope.cancel()
        finally:
            self._leave.set()

    async def _heard(self, message: IncomingMessage) -> None:
        if isinstance(message, ToolListChangedNotification):
            self._on_change()

    async def _listen(self, client: Client) -> None:
        """Follow the change stream of 2026-07-28; while it is lost, changes may have been missed."""
        tools = client.server_capabilities.tools
        while tools is not None and tools.list_changed:
            try:
                async with client.listen(tools_list_changed=True) as changes:
                    async for _ in changes:
                        self._on_change()
            except ListenNotSupportedError:
                return
            except (SubscriptionLost, MCPError, TimeoutError):
                pass
            await anyio.sleep(LISTEN_AGAIN)
            self._on_change()

    def _why(self) -> str:
        if self.line.why:
            return self.line.why
        error = None if self._task.cancelled() else self._task.exception()
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        return shorten(f"{type(error).__name__}: {error}", 300) if error else "it was closed"
