"""In-memory drivers that do what a test tells them to, and remember what was asked.

::

    orders = ScriptedDriver("orders", {"cancel_order": lambda arguments: {"status": "cancelled"}})
    orders.will("cancel_order", Fails("unknown", after=True))   # the first call: done, answer lost
    ...
    assert len(orders.applied) == 1
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bridgehead.connect.faults import late, lost, not_open, too_late, unknown_operation, with_bound
from bridgehead.connect.models.chat import PARAMETERS, value
from bridgehead.kernel.canonical import digest
from bridgehead.kernel.errors import ConnectError, EffectState
from bridgehead.kernel.ports import Operation, Reply, Request

Handler = Callable[[Mapping[str, Any]], Any]


class Refusal(Exception):
    """Raised by a handler: the other side says no, in these words."""


@dataclass(frozen=True, slots=True)
class Answers:
    """The next call answers with ``value``; the handler is not asked."""

    value: Any


@dataclass(frozen=True, slots=True)
class Refuses:
    """The next call is refused by the other side in these ``words``."""

    words: str


@dataclass(frozen=True, slots=True)
class Fails:
    """The next call fails. ``after``: the handler ran, so the effect is there, and the answer is lost."""

    effect: EffectState = "unknown"
    after: bool = False
    temporary: bool = True


@dataclass(frozen=True, slots=True)
class Hangs:
    """The next call never answers. ``after``: the handler ran before."""

    after: bool = False


Step = Answers | Refuses | Fails | Hangs


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call as the other side saw it: ``arguments`` with what the deployment bound."""

    operation: str
    arguments: Mapping[str, Any]
    key: str


class ScriptedDriver:
    """A driver over plain functions. ``calls`` holds what was asked, ``applied`` what took effect."""

    def __init__(
        self,
        name: str,
        handlers: Mapping[str, Handler],
        parameters: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        self.name = name
        self.calls: list[Call] = []
        self.applied: list[Call] = []
        self._handlers = dict(handlers)
        self._parameters = parameters or {}
        self._steps: dict[str, deque[Step]] = defaultdict(deque)
        self._closing: asyncio.Event | None = None

    def will(self, operation: str, *steps: Step) -> None:
        """Say what the next calls of ``operation`` do, one step each; after that the handler answers."""
        self._steps[operation].extend(steps)

    async def open(self) -> None:
        """Be ready for calls."""
        self._closing = self._closing or asyncio.Event()

    async def close(self) -> None:
        """End every call that hangs."""
        if self._closing is not None:
            self._closing.set()
        self._closing = None

    async def operations(self) -> Sequence[Operation]:
        """Return the handlers' names."""
        return tuple(self._operation(name) for name in self._handlers)

    async def call(self, request: Request) -> Reply:
        """Do the next step of the operation."""
        if request.operation not in self._handlers:
            raise unknown_operation(self.name, request.operation, self._handlers)
        arguments = with_bound(self.name, request.arguments, request.bound)
        if self._closing is None:
            raise not_open(self.name)
        if not request.may_send():
            raise too_late(self.name)
        seen = Call(operation=request.operation, arguments=arguments, key=request.key)
        self.calls.append(seen)
        steps = self._steps[request.operation]
        if steps:
            return await self._do(steps.popleft(), seen, request.deadline, self._closing)
        return self._handle(seen)

    async def _do(self, step: Step, seen: Call, deadline: float, closing: asyncio.Event) -> Reply:
        match step:
            case Answers(answer):
                return Reply(value=answer)
            case Refuses(words):
                return Reply(value=None, refused=words)
            case Fails(effect, after, temporary):
                if after:
                    self._handle(seen)
                raise _failure(self.name, effect, temporary)
            case Hangs(after):
                if after:
                    self._handle(seen)
                return await self._hang(deadline, closing)

    def _handle(self, seen: Call) -> Reply:
        try:
            answer = self._handlers[seen.operation](seen.arguments)
        except Refusal as no:
            return Reply(value=None, refused=str(no) or "refused")
        self.applied.append(seen)
        return Reply(value=answer)

    async def _hang(self, deadline: float, closing: asyncio.Event) -> Reply:
        try:
            async with asyncio.timeout(deadline):
                await closing.wait()
        except TimeoutError:
            raise late(self.name, deadline, "unknown") from None
        raise lost(self.name, "it was closed", "unknown")

    def _operation(self, name: str) -> Operation:
        parameters = dict(self._parameters.get(name) or {"type": "object"})
        words = (self._handlers[name].__doc__ or name).strip()
        pinned = digest({"name": name, "description": words, "parameters": parameters})
        return Operation(name=name, description=words, parameters=parameters, digest=pinned)


class ScriptedModel:
    """A model that says prepared turns, one a call, and then repeats the last.

    A turn is text, an assistant message (``content``, ``tool_calls``) or a function of
    (messages, tools). Every answer is labelled ``stand_in``. ``calls`` holds the arguments asked with.
    """

    def __init__(self, name: str, *turns: str | Mapping[str, Any] | Callable[..., Any]) -> None:
        self.name = name
        self._turns = deque(turns)
        self._driver = ScriptedDriver(name, {name: self._say}, {name: PARAMETERS})

    @property
    def calls(self) -> list[Call]:
        """Return what the model was asked."""
        return self._driver.calls

    def will(self, *steps: Step) -> None:
        """Say how the next calls fail, one step each."""
        self._driver.will(self.name, *steps)

    async def open(self) -> None:
        """Be ready for calls."""
        await self._driver.open()

    async def close(self) -> None:
        """End every call that hangs."""
        await self._driver.close()

    async def operations(self) -> Sequence[Operation]:
        """Return the one operation, named like the model."""
        return await self._driver.operations()

    async def call(self, request: Request) -> Reply:
        """Say the next turn."""
        return await self._driver.call(request)

    def _say(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        turn = self._turns.popleft() if len(self._turns) > 1 else self._turns[0]
        if callable(turn):
            turn = turn(arguments["messages"], arguments.get("tools") or [])
        message: Mapping[str, Any] = {"content": turn} if isinstance(turn, str) else turn
        calls = [_tool_call(call, n) for n, call in enumerate(message.get("tool_calls") or [])]
        return value(
            content=message.get("content"),
            tool_calls=calls,
            finish_reason="tool_calls" if calls else "stop",
            model=f"scripted:{self.name}",
            stand_in=True,
        )


def _tool_call(call: Mapping[str, Any], position: int) -> dict[str, str]:
    arguments = call.get("arguments", {})
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return {"id": str(call.get("id") or f"call_{position}"), "name": call["name"], "arguments": text}


def _failure(name: str, effect: EffectState, temporary: bool) -> ConnectError:
    return ConnectError(
        "BH-CON-015",
        f"the connection to {name} is gone: the test said so",
        effect_state=effect,
        temporary=temporary,
        means="A test programmed this failure.",
    )
