"""What drivers implement. Small, uniform, and the only way out of the house.

A driver is named by the charter, built by ``assemble`` and handed to ``enforce`` as an opaque
handle: only ``enforce.execute`` calls it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from bridgehead.kernel.outcome import Usage

STATEMENT = "sql:statement"
"""The operation of a source that runs one statement: arguments ``sql`` and ``values``, bound in order, and
``folders``, which hold the batches of each table that comes in some, and ``names``, by table and column, by
which else a batch may have it. Only ``enforce`` makes such a statement; it gives what its reader may see and
nothing else."""

SEARCH = "documents:search"
"""The operation of a collection: arguments ``query``, ``limit``, ``permits`` (document -> may it be read),
``rights`` (what pins those answers) and ``not_before`` (documents that were not changed since are left out).
Only ``enforce`` makes such a request; what is not permitted takes no part in the search."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """Something a driver offers: a tool, a model, a named query.

    ``parameters`` is the JSON Schema of its arguments; ``digest`` pins name, description and
    schema, so that a changed tool is noticed. ``hints`` are what the other side says of its own effects
    (``readOnlyHint`` and the like), and ``gives`` is the JSON Schema of its answer: both only inform people.
    """

    name: str
    description: str
    parameters: Mapping[str, Any]
    digest: str
    hints: Mapping[str, bool] = field(default_factory=dict)
    gives: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One call. ``bound`` are arguments the deployment adds and the agent never sees; ``key`` is the
    effect key, stable across retries; ``deadline`` is in seconds. ``may_send`` says whether it is still
    time: a driver that had to connect first asks before it sends."""

    operation: str
    arguments: Mapping[str, Any]
    key: str
    deadline: float
    bound: Mapping[str, Any] = field(default_factory=dict)
    may_send: Callable[[], bool] = lambda: True


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came back.

    ``refused`` holds the other side's words when it said no (an MCP tool result with ``isError``,
    a business 4xx). Whether such a no proves that nothing happened is for the charter to say.
    """

    value: Any
    refused: str = ""
    usage: Usage = Usage()


class Driver(Protocol):
    """A connection to one other system.

    ``call`` raises ``ConnectError`` with what is known about the effect. It never retries: whether
    a call may be repeated is the boundary's decision.
    """

    async def open(self) -> None:
        """Connect. Raises ``ConnectError``."""

    async def close(self) -> None:
        """Disconnect; never raises."""

    async def operations(self) -> Sequence[Operation]:
        """Return what the other side offers now."""

    async def call(self, request: Request) -> Reply:
        """Perform one call within its deadline."""
