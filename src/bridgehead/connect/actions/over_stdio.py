"""MCP over a program's standard input and output (MCP 2025-11-25, basic/transports, stdio).

The SDK's own transport joins lines of any length, hands the program our error output and cannot
say whether a request was written. This one bounds a message, keeps the program's error output in a
log, and tells ``Sending`` when bytes leave. Called by ``session`` only, in one task.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import anyio
from mcp.shared.message import SessionMessage
from mcp_types import JSONRPCRequest, jsonrpc_message_adapter

from bridgehead.connect.actions.log import ServerLog
from bridgehead.connect.actions.sending import SENDING
from bridgehead.connect.faults import LIMIT_BYTES

LEASH = Path(__file__).with_name("leash.py")
STRAY_LINES = 100
"""Lines that are not JSON-RPC before a program is given up; a stray ``print`` is common."""

GRACE = 2.0
"""Seconds a program has to leave after its input ended, and again after SIGTERM."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What to start, where, and with which environment (nothing of ours leaks into it)."""

    command: tuple[str, ...]
    env: Mapping[str, str]
    cwd: Path


class StdioLine:
    """A running program as the SDK's read and write stream. One use: enter once, leave once."""

    def __init__(self, program: Program, log: ServerLog) -> None:
        self.why = ""
        self.on_end: Callable[[], object] = lambda: None
        self._program = program
        self._log = log
        self._stray = 0
        self._grace = GRACE

    async def __aenter__(self) -> tuple[_Lines, _Input]:
        self._process = await _start(self._program)
        assert self._process.stdin and self._process.stdout and self._process.stderr
        self._pump = asyncio.create_task(self._keep_log(self._process.stderr))
        return _Lines(self, self._process.stdout), _Input(self, self._process.stdin)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Shielded: the program must be gone even when whoever waits for us is cancelled.
        with anyio.CancelScope(shield=True):
            await self._stop()

    @property
    def closed(self) -> bool:
        """Return whether nothing more can be sent."""
        return bool(self.why) or self._process.returncode is not None

    def end(self, why: str) -> None:
        """Note that the line is over; the first reason stays."""
        if not self.why:
            code = self._process.returncode
            self.why = why if code is None else f"{why} (exit code {code})"
        self.on_end()

    def hurry(self) -> None:
        """Wait for nothing when leaving: the program never got as far as taking a call."""
        self._grace = 0.0

    def give_up(self, why: str) -> None:
        """End a line whose program can no longer be understood."""
        self.end(why)
        self._signal(signal.SIGKILL)

    def stray(self, line: bytes) -> None:
        """Log a line that is no JSON-RPC message; too many of them end the line."""
        self._stray += 1
        self._log.write(b"[not JSON-RPC] " + line[:500] + b"\n")
        if self._stray > STRAY_LINES:
            self.give_up(f"it wrote {self._stray} lines that are not JSON-RPC")

    async def _keep_log(self, stderr: asyncio.StreamReader) -> None:
        while data := await stderr.read(65536):
            self._log.write(data)

    async def _stop(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        if not await self._left():
            self._signal(signal.SIGTERM)
            if not await self._left():
                self._signal(signal.SIGKILL)
                self._grace = GRACE
                await self._left()
        self._pump.cancel()
        await asyncio.wait([self._pump])
        # A grandchild may hold the pipes open; asyncio would wait for it and warn at exit.
        transport = getattr(self._process, "_transport", None)
        if transport is not None:
            transport.close()
        self.end("it was closed")

    async def _left(self) -> bool:
        # Polled: Process.wait() also waits for the pipes to close, which a grandchild can prevent.
        with anyio.move_on_after(self._grace):
            while self._process.returncode is None:  # noqa: ASYNC110
                await anyio.sleep(0.005)
        return self._process.returncode is not None

    def _signal(self, number: signal.Signals) -> None:
        if self._process.returncode is not None:
            return
        try:
            os.killpg(self._process.pid, number)
        except (ProcessLookupError, PermissionError):
            pass


async def _start(program: Program) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-S", str(LEASH), str(os.getpid()), "--", *program.command),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=LIMIT_BYTES,
        env=dict(program.env),
        cwd=program.cwd,
        start_new_session=True,
    )


class _Stream:
    """The part of the SDK's stream protocols that both directions share."""

    async def __aenter__(self) -> _Stream:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close nothing: the program is stopped by the line."""


class _Lines(_Stream):
    """Messages from the program, one a line."""

    def __init__(self, line: StdioLine, stdout: asyncio.StreamReader) -> None:
        self._line = line
        self._stdout = stdout

    async def __aenter__(self) -> _Lines:
        return self

    def __aiter__(self) -> _Lines:
        return self

    async def receive(self) -> SessionMessage | Exception:
        return await self.__anext__()

    async def __anext__(self) -> SessionMessage | Exception:
        while True:
            raw = await self._next_line()
            try:
                return SessionMessage(jsonrpc_message_adapter.validate_json(raw, by_name=False))
            except ValueError:
                self._line.stray(raw)

    async def _next_line(self) -> bytes:
        try:
            return await self._stdout.readuntil(b"\n")
        except asyncio.LimitOverrunError:
            self._line.give_up(f"it sent a message over {LIMIT_BYTES} bytes")
        except (asyncio.IncompleteReadError, OSError):
            self._line.end("the program ended")
        raise StopAsyncIteration


class _Input(_Stream):
    """Messages to the program, one a line."""

    def __init__(self, line: StdioLine, stdin: asyncio.StreamWriter) -> None:
        self._line = line
        self._stdin = stdin

    async def __aenter__(self) -> _Input:
        return self

    async def send(self, item: SessionMessage, /) -> None:
        if self._line.closed or self._stdin.is_closing():
            raise anyio.ClosedResourceError
        data = item.message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n"
        sending = SENDING.get()
        if sending is not None:
            sending.started = True
        self._stdin.write(data)
        # Notifications never wait: the SDK sends one to withdraw a call that already waited too long.
        if isinstance(item.message, JSONRPCRequest):
            await self._drain()

    async def _drain(self) -> None:
        try:
            await self._stdin.drain()
        except OSError as error:
            self._line.end("the program closed its input")
            raise anyio.BrokenResourceError from error
