"""The tools of a server: listed within bounds, and pinned to what they were when first seen."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from mcp import Client
from mcp_types import Tool

from bridgehead.connect.faults import unknown_operation, unusable
from bridgehead.kernel.canonical import digest
from bridgehead.kernel.errors import ConnectError, LedgerError
from bridgehead.kernel.ports import Operation

MOST_PAGES = 50
MOST_TOOLS = 2000


class Tools:
    """What a server offers now, against what it offered first."""

    def __init__(self, name: str, hidden: Collection[str]) -> None:
        self._name = name
        self._hidden = frozenset(hidden)
        self._first: dict[str, str] = {}
        self._now: dict[str, Operation] = {}

    @property
    def now(self) -> tuple[Operation, ...]:
        """Return what is offered now, in the server's order."""
        return tuple(self._now.values())

    def replace(self, operations: Iterable[Operation]) -> None:
        """Take a new list. The very first one pins the digests."""
        self._now = {op.name: op for op in operations if op.name not in self._hidden}
        if not self._first:
            self._first = {name: op.digest for name, op in self._now.items()}

    def require(self, operation: str) -> None:
        """Raise BH-CON-011 for a tool that is not offered, BH-CON-021 for one that was changed."""
        if operation not in self._first or operation not in self._now:
            raise unknown_operation(self._name, operation, self._first.keys() & self._now.keys())
        if self._now[operation].digest != self._first[operation]:
            raise ConnectError(
                "BH-CON-021",
                f"the tool {operation!r} of {self._name} is no longer what it was",
                effect_state="none",
                means="Its description or its arguments changed while we were connected; nothing was sent.",
                fix="Read the new tool, then check and release the deployment again.",
            )


async def list_tools(name: str, client: Client) -> list[Operation]:
    """Return every tool, following pages. Raises BH-CON-014 for lists that cannot be taken."""
    operations: dict[str, Operation] = {}
    cursor: str | None = None
    for _ in range(MOST_PAGES):
        page = await client.list_tools(cursor=cursor)
        for tool in page.tools:
            if tool.name in operations:
                raise unusable(name, f"it lists the tool {tool.name!r} twice", "none")
            operations[tool.name] = _operation(name, tool)
        cursor = page.next_cursor
        if cursor is None:
            return list(operations.values())
        if len(operations) > MOST_TOOLS:
            break
    raise unusable(name, f"its list of tools does not end ({len(operations)} so far)", "none")


def _operation(name: str, tool: Tool) -> Operation:
    parameters: dict[str, Any] = tool.input_schema
    description = tool.description or ""
    try:
        pinned = digest({"name": tool.name, "description": description, "parameters": parameters})
    except LedgerError as error:
        raise unusable(name, f"the tool {tool.name!r} cannot be pinned", "none") from error
    return Operation(
        name=tool.name,
        description=description,
        parameters=parameters,
        digest=pinned,
        hints=_hints(tool),
        gives=tool.output_schema or {},
    )


def _hints(tool: Tool) -> dict[str, bool]:
    """Return what the server says of the tool's effects, by the names of the protocol; unsaid is not
    there."""
    said = tool.annotations.model_dump(by_alias=True) if tool.annotations else {}
    return {name: value for name, value in said.items() if isinstance(value, bool)}
