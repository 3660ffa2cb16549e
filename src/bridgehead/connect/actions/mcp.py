"""The driver for MCP servers.

``call`` promises: what the deployment binds is never overridden; a tool that is unknown, or is not
what it was at the first list, is never called; every failure says whether anything was sent; no
call is made twice. Called by ``enforce.execute`` through ``kernel.ports.Driver``, never retried here.
"""

from __future__ import annotations

import asyncio
import json
import shutil
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from mcp.client.stdio import get_default_environment
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, CallToolResult, InputRequiredResult

from bridgehead.connect.actions.answer import reply
from bridgehead.connect.actions.log import ServerLog
from bridgehead.connect.actions.over_http import HttpLine
from bridgehead.connect.actions.over_stdio import Program, StdioLine
from bridgehead.connect.actions.sending import SENDING, Sending
from bridgehead.connect.actions.session import Line, Session
from bridgehead.connect.actions.tools import Tools, list_tools
from bridgehead.connect.faults import (
    bad_setting,
    late,
    lost,
    not_open,
    shorten,
    too_late,
    unusable,
    with_bound,
)
from bridgehead.connect.substitute import substitute
from bridgehead.declare.model import McpServer, seconds
from bridgehead.kernel.clock import Clock, SystemClock
from bridgehead.kernel.errors import ConnectError
from bridgehead.kernel.ports import Operation, Reply, Request

MOST_STARTS = 5
WITHIN = 60.0
"""A program that had to be started again ``MOST_STARTS`` times in ``WITHIN`` seconds stays down. An address
is reached anew as often as need be: that costs little, and it may be up again at any moment."""
SILENCE = 10.0
"""Seconds in which a program that let a call's deadline pass must answer something else, or it is ended."""


class McpDriver:
    """One MCP server. ``connect`` makes a new line to it each time one is needed."""

    def __init__(
        self, name: str, settings: McpServer, connect: Callable[[], Line], *, clock: Clock | None = None
    ) -> None:
        self._is_a_program = bool(settings.command)
        self.name = name
        self._field = settings.result
        self._deadline = seconds(settings.deadline)
        self._connect = connect
        self._clock = clock or SystemClock()
        self._tools = Tools(name, settings.hidden)
        self._session: Session | None = None
        self._open = False
        self._stale = False
        self._starts: deque[float] = deque(maxlen=MOST_STARTS)
        self._in_doubt: asyncio.Task[None] | None = None
        # Held while a session is made or tools are listed, so that many callers make one.
        self._one = asyncio.Lock()

    async def open(self) -> None:
        """Start or reach the server and list its tools, within the charter's deadline."""
        async with self._one:
            self._open = True
            try:
                await self._renew(self._deadline)
            except BaseException:
                await self._drop()
                self._open = False
                raise

    async def close(self) -> None:
        """Leave the session; a program gets its input closed, then SIGTERM, then SIGKILL."""
        self._open = False
        if self._in_doubt is not None:
            self._in_doubt.cancel()
            await asyncio.wait([self._in_doubt])
        await self._drop()

    async def operations(self) -> Sequence[Operation]:
        """Return the tools the server lists now, without the charter's hidden ones."""
        try:
            async with asyncio.timeout(self._deadline):
                self._stale = True
                await self._ready()
        except TimeoutError:
            raise late(self.name, self._deadline, "none") from None
        return self._tools.now

    async def call(self, request: Request) -> Reply:
        """Call one tool. Raises ``ConnectError`` BH-CON-010 to 015 and 021 to 024."""
        arguments = _sendable(self.name, with_bound(self.name, request.arguments, request.bound))
        sending = Sending()
        try:
            async with asyncio.timeout(request.deadline):
                session = await self._ready()
                self._tools.require(request.operation)
                if not request.may_send():
                    raise too_late(self.name)
                return await self._send(session, request.operation, arguments, sending)
        except TimeoutError:
            self._doubt()
            raise late(self.name, request.deadline, "unknown" if sending.started else "none") from None
        finally:
            self._stale = self._stale or sending.list_again

    async def _ready(self) -> Session:
        """Return a session that works, with tools that are known: restart and list again if need be."""
        if not self._open:
            raise not_open(self.name)
        if self._in_doubt is not None:  # waited for, so that nothing is sent where nobody reads it
            await asyncio.wait([self._in_doubt])
        session = self._session
        if session is None or self._stale or not session.alive:
            async with self._one:
                session = await self._mend()
        return session

    def _doubt(self) -> None:
        """Find out whether a program that did not answer in time still answers anything."""
        session, asking = self._session, self._in_doubt is not None and not self._in_doubt.done()
        if self._is_a_program and session is not None and session.alive and not asking:
            self._in_doubt = asyncio.create_task(self._answer_or_end(session), name=f"doubt:{self.name}")

    async def _answer_or_end(self, session: Session) -> None:
        """End a program that stays silent: the next call starts it anew. One slow tool ends nothing."""
        try:
            async with asyncio.timeout(SILENCE):
                await list_tools(self.name, session.client)
        except TimeoutError:
            session.line.hurry()
            await session.close()
        except (ConnectError, MCPError, ValueError, RuntimeError, asyncio.InvalidStateError):
            pass  # it answered, whatever it said; or it is gone or not there yet, and the next call sees that

    async def _mend(self) -> Session:
        if not self._open:
            raise not_open(self.name)
        if self._session is None or not self._session.alive:
            await self._restart()
        elif self._stale:
            await self._list_or_renew(self._session)
        assert self._session is not None
        return self._session

    async def _list_or_renew(self, session: Session) -> None:
        try:
            await self._list(session)
        except ConnectError as error:
            if not error.temporary:
                raise
            # The session is gone (MCP 2025-11-25, session management: 404 means start a new one).
            await self._restart()

    async def _restart(self) -> None:
        if self._is_a_program:
            self._count_start()
        await self._drop()
        await self._renew(self._deadline)

    async def _renew(self, deadline: float) -> None:
        self._session = Session(self.name, self._connect(), self._changed)
        try:
            async with asyncio.timeout(deadline):
                await self._session.wait(deadline)
                await self._list(self._session)
        except TimeoutError:
            raise late(self.name, deadline, "none") from None

    async def _list(self, session: Session) -> None:
        # Before the list, not after: a change told while we list must be seen at the next call.
        self._stale = False
        try:
            self._tools.replace(await list_tools(self.name, session.client))
        except ConnectError:
            self._stale = True
            raise
        except MCPError as error:
            self._stale = True
            raise lost(self.name, session.line.why or shorten(error.message, 300), "none") from None
        except (ValueError, RuntimeError) as error:
            self._stale = True
            raise unusable(self.name, "its list of tools is malformed", "none") from error

    def _changed(self) -> None:
        self._stale = True

    def _count_start(self) -> None:
        now = self._clock.monotonic()
        if len(self._starts) == MOST_STARTS and now - self._starts[0] < WITHIN:
            raise ConnectError(
                "BH-CON-022",
                f"{self.name} went down {MOST_STARTS} times within {WITHIN:g} s",
                effect_state="none",
                temporary=True,
                means="It is left alone for a while; nothing was sent.",
                fix="Read its log in the state folder, under servers/.",
            )
        self._starts.append(now)

    async def _drop(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _send(self, session: Session, tool: str, arguments: dict[str, Any], sending: Sending) -> Reply:
        token = SENDING.set(sending)
        try:
            result = await session.client.session.call_tool(tool, arguments, allow_input_required=True)
        except MCPError as error:
            return self._explain(error, session, sending)
        except (ValueError, RuntimeError) as error:
            # The SDK's words for an answer that breaks the protocol or the tool's own output schema.
            raise unusable(self.name, shorten(str(error), 300), _effect(sending)) from None
        finally:
            SENDING.reset(token)
        return self._taken(result)

    def _taken(self, result: CallToolResult | InputRequiredResult) -> Reply:
        if isinstance(result, InputRequiredResult):
            raise ConnectError(
                "BH-CON-024",
                f"{self.name} wants more input before it answers",
                effect_state="unknown",
                means="Servers cannot ask people or models through Bridgehead; the call was left there.",
                fix="Give all arguments at once, or use a tool that does not ask back.",
            )
        return reply(self.name, result, self._field)

    def _explain(self, error: MCPError, session: Session, sending: Sending) -> Reply:
        if error.code == INVALID_PARAMS and sending.started:
            # A no in the server's words; what it proves is for the charter to say (`refusals`).
            return Reply(value=None, refused=shorten(error.message) or "It refused the arguments.")
        why = sending.why or session.line.why
        if why or not sending.started or not session.alive:
            raise lost(self.name, why or shorten(error.message, 300), _effect(sending)) from None
        raise ConnectError(
            "BH-CON-023",
            f"{self.name} answered with the fault {error.code}: {shorten(error.message, 300)}",
            effect_state="unknown",
            means="Whether it took effect there is not known.",
            fix="Read the server's log in the state folder, under servers/.",
        ) from None


def mcp_driver(
    name: str, settings: McpServer, *, state: Path, folder: Path, clock: Clock | None = None
) -> McpDriver:
    """Return the driver for a charter's server, its settings filled in. See ``connect.open_server``."""
    if bool(settings.command) == bool(settings.url):
        raise bad_setting(
            f"server {name} needs either a command or a url", fix="Write one of the two, not both."
        )
    used_by = f"server {name}"
    if settings.url:
        url = substitute(settings.url, used_by=used_by, state=state)
        if not url.startswith(("http://", "https://")):
            raise bad_setting(f"the url of server {name} is not http or https", fix="Write a full address.")
        longest, headers = seconds(settings.deadline), _headers(name, settings, used_by, state)
        line = partial(HttpLine, url, longest=longest, headers=headers)
        return McpDriver(name, settings, line, clock=clock)
    if settings.headers:
        raise bad_setting(f"server {name} has headers and no url", fix="Give a program `env` instead.")
    program = _program(name, settings, state=state, folder=folder)
    log = ServerLog(state / "servers" / f"{name}.log")
    return McpDriver(name, settings, lambda: _started(name, program, log), clock=clock)


def _headers(name: str, settings: McpServer, used_by: str, state: Path) -> dict[str, str]:
    found = {key: substitute(value, used_by=used_by, state=state) for key, value in settings.headers.items()}
    for key, value in found.items():
        if not value.isascii() or not value.isprintable():
            raise bad_setting(
                f"the header {key} of server {name} holds letters that no header may",
                fix="Look at the variable it is made of: a line break at its end, perhaps.",
            )
    return found


def _program(name: str, settings: McpServer, *, state: Path, folder: Path) -> Program:
    used_by = f"server {name}"
    env = {key: substitute(value, used_by=used_by, state=state) for key, value in settings.env.items()}
    return Program(
        command=tuple(substitute(part, used_by=used_by, state=state) for part in settings.command),
        env=get_default_environment() | env,
        cwd=folder,
    )


def _started(name: str, program: Program, log: ServerLog) -> StdioLine:
    """Return a line to a new process; raises BH-CON-020 where there is nothing to start."""
    search = program.env.get("PATH")
    here = str(program.cwd / program.command[0]) if "/" in program.command[0] else program.command[0]
    if shutil.which(here, path=search) is None or not program.cwd.is_dir():
        raise ConnectError(
            "BH-CON-020",
            f"the program {program.command[0]!r} of server {name} cannot be started",
            effect_state="none",
            means="It is not installed, not executable, or the deployment folder is gone.",
            fix="Install it, or correct `command` in the charter.",
        )
    return StdioLine(program, log)


def _sendable(name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments if JSON can say them exactly: no NaN, no Decimal turned into text."""
    try:
        json.dumps(arguments, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise ConnectError(
            "BH-CON-016",
            f"the arguments for {name} cannot be sent as JSON: {error}",
            effect_state="none",
            means="Nothing was sent.",
            fix="Use text, numbers, booleans, null, lists and objects.",
        ) from None
    return dict(arguments)


def _effect(sending: Sending) -> Any:
    return "unknown" if sending.started else "none"
