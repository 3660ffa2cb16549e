"""A system that answers as it did when a run was recorded, and does nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bridgehead.kernel.errors import ConnectError
from bridgehead.kernel.ports import Operation, Reply, Request


class RecordedDriver:
    """Answers from what it was told to expect; whatever the recording does not hold fails, undone."""

    def __init__(self) -> None:
        self._answers: list[tuple[str, Mapping[str, Any], Any]] = []

    def expect(self, operation: str, arguments: Mapping[str, Any], content: Any) -> None:
        """Answer this call with this content from now on."""
        self._answers.insert(0, (operation, arguments, content))

    def forget(self) -> None:
        """Another run begins."""
        self._answers.clear()

    async def open(self) -> None:
        """Connect to nothing."""

    async def close(self) -> None:
        """Disconnect from nothing."""

    async def operations(self) -> Sequence[Operation]:
        """Return nothing: what a recording offers is what it holds."""
        return ()

    async def call(self, request: Request) -> Reply:
        """Return what was recorded for this call. Raises ``ConnectError`` (BH-CON-073) where nothing was."""
        for operation, arguments, content in self._answers:
            # The house may have added its key to what the agent gave.
            if operation == request.operation and arguments.items() <= request.arguments.items():
                return Reply(value=content)
        raise ConnectError(
            "BH-CON-073",
            f"the recording holds no answer of {request.operation} to these arguments",
            effect_state="none",
        )
