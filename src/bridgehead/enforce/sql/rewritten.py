"""What is executed for somebody instead of their SQL, as ``rewrite`` made it. A value: it loads no parser."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bridgehead.enforce.sql.rights import TableRight

if TYPE_CHECKING:
    from bridgehead.enforce.sql.labels import Label


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewritten:
    """What is executed for somebody: ``sql`` with ``values`` bound in order, and the tables it reads.

    ``fenced``: no part of the statement runs on rows before their filter (``leaks``). ``labels`` say where
    the columns of the answer come from, ``tags`` what kinds of data the statement names.
    ``grouped``: only figures over groups are given. ``asked`` are the
    parameters whose values come before ``values``.
    """

    sql: str
    values: tuple[Any, ...]
    tables: tuple[TableRight, ...]
    fenced: bool
    labels: tuple[Label, ...]
    tags: frozenset[str] = frozenset()
    grouped: bool = False
    asked: tuple[str, ...] = ()
