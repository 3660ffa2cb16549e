"""How rollout reaches the rules of a release: handed in by ``assemble``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bridgehead.enforce.boundary import Boundary


@dataclass(frozen=True, slots=True, kw_only=True)
class Releases:
    """The active release's boundary, and that of any release by its digest."""

    active: Callable[[], Boundary]
    boundary_of: Callable[[str], Boundary]
