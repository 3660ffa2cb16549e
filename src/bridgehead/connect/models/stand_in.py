"""The driver for a stand-in: a script of the deployment that plays a model, and says so.

For tests and for running a deployment without an endpoint. Every value it returns carries
``stand_in: True``, so that no page can show its words as a model's.
"""

from __future__ import annotations

import asyncio
import copy
import hashlib
import sys
import types
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bridgehead.connect.faults import (
    bad_setting,
    late,
    not_open,
    shorten,
    unknown_operation,
    with_bound,
)
from bridgehead.connect.models import chat
from bridgehead.connect.value import recordable
from bridgehead.declare.model import Model
from bridgehead.kernel.errors import ConnectError
from bridgehead.kernel.ports import Operation, Reply, Request

Script = Callable[[list[Any], list[Any]], Any]


class StandIn:
    """``script`` is ``file.py:function``; the function takes (messages, tools) and returns the
    assistant's message: ``{"content": str | None, "tool_calls": [{"name", "arguments"}]}``."""

    def __init__(self, name: str, settings: Model, *, folder: Path) -> None:
        self.name = name
        self.region = settings.region
        self._script = settings.script
        self._file, self._function = _split(name, settings.script, folder)
        self._play: Script | None = None

    async def open(self) -> None:
        """Load the script. Raises BH-CON-050 where it cannot be loaded."""
        self._play = self._load()

    async def close(self) -> None:
        """Forget the script."""
        self._play = None

    async def operations(self) -> Sequence[Operation]:
        """Return the one operation; its digest is that of the script's text."""
        return (
            Operation(
                name=self.name,
                description="A stand-in for a model: a script.",
                parameters=chat.PARAMETERS,
                digest=hashlib.sha256(self._source()).hexdigest(),
            ),
        )

    async def call(self, request: Request) -> Reply:
        """Play one turn. Raises ``ConnectError`` with effect ``none``: a script reaches nothing."""
        if request.operation != self.name:
            raise unknown_operation(self.name, request.operation, [self.name])
        arguments = with_bound(self.name, request.arguments, request.bound)
        if self._play is None:
            raise not_open(self.name)
        # Copies: a script cannot change what the run recorded.
        messages = copy.deepcopy(list(arguments.get("messages") or []))
        tools = copy.deepcopy(list(arguments.get("tools") or []))
        try:
            async with asyncio.timeout(request.deadline):
                message = await asyncio.to_thread(self._play, messages, tools)
        except TimeoutError:
            raise late(self.name, request.deadline, "none") from None
        except Exception as error:
            raise self._bad(f"it raised {type(error).__name__}: {shorten(str(error), 300)}") from error
        return Reply(value=recordable(self.name, self._value(message), "none"))

    def _value(self, message: Any) -> dict[str, Any]:
        if not isinstance(message, dict):
            raise self._bad(f"it returned {type(message).__name__}, not a message")
        content = message.get("content")
        calls = message.get("tool_calls") or []
        if not (content is None or isinstance(content, str)) or not isinstance(calls, list):
            raise self._bad("its message has content that is not text, or tool calls that are no list")
        return chat.value(
            content=content,
            tool_calls=[self._tool_call(call, n) for n, call in enumerate(calls)],
            finish_reason="tool_calls" if calls else "stop",
            model=self._script,
            stand_in=True,
        )

    def _tool_call(self, call: Any, position: int) -> dict[str, str]:
        if not (isinstance(call, dict) and isinstance(call.get("name"), str)):
            raise self._bad("one of its tool calls names no tool")
        try:
            text = chat.arguments_text(call.get("arguments", {}))
        except (TypeError, ValueError) as error:
            raise self._bad(f"the arguments for {call['name']} are not JSON: {error}") from error
        return {"id": str(call.get("id") or f"call_{position}"), "name": call["name"], "arguments": text}

    def _load(self) -> Script:
        source = self._source()
        # Not importlib's loader: it would write __pycache__ into a release, which never changes.
        module = types.ModuleType(f"bridgehead_stand_in_{hashlib.sha256(source).hexdigest()[:16]}")
        module.__file__ = str(self._file)
        sys.modules[module.__name__] = module
        try:
            exec(compile(source, str(self._file), "exec"), module.__dict__)  # noqa: S102 (the deployment's code)
        except Exception as error:
            raise self._bad(f"it cannot be loaded: {type(error).__name__}: {error}") from error
        play = getattr(module, self._function, None)
        if not callable(play):
            raise self._bad(f"it has no function {self._function}")
        return play  # type: ignore[no-any-return]  # its answers are checked, its type cannot be

    def _source(self) -> bytes:
        try:
            return self._file.read_bytes()
        except OSError as error:
            raise self._bad(f"it cannot be read: {error.strerror}") from error

    def _bad(self, why: str) -> ConnectError:
        return ConnectError(
            "BH-CON-050",
            f"the stand-in {self._script} cannot play {self.name}: {why}",
            effect_state="none",
            means="Nothing outside was reached.",
            fix="Correct the script; it takes (messages, tools) and returns an assistant message.",
        )


def _split(name: str, script: str, folder: Path) -> tuple[Path, str]:
    file, colon, function = script.partition(":")
    path = (folder / file).resolve()
    if not (colon and file.endswith(".py") and function.isidentifier()):
        raise bad_setting(f"the script of model {name} is {script!r}", fix="Write `file.py:function`.")
    if not path.is_relative_to(folder.resolve()):
        raise bad_setting(
            f"the script of model {name} lies outside the deployment folder",
            fix="Put it into the folder, so that it is part of the release.",
        )
    return path, function
