"""Who acts, and on whose behalf. A chain of principals, never a string."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PrincipalKind = Literal["human", "agent", "service"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """A human, an agent or a service, with the principal on whose behalf it acts.

    ``assurance`` says how the identity was established (``session``, ``local-shell:root``,
    ``charter``); ``active`` is false as soon as the directory says so.
    """

    id: str
    kind: PrincipalKind
    name: str
    groups: frozenset[str] = frozenset()
    active: bool = True
    assurance: str = "charter"
    on_behalf_of: Principal | None = None

    def chain(self) -> tuple[Principal, ...]:
        """Return this principal and everyone behind it, nearest first."""
        links: list[Principal] = []
        link: Principal | None = self
        while link is not None:
            links.append(link)
            link = link.on_behalf_of
        return tuple(links)

    def human(self) -> Principal | None:
        """Return the human at the end of the chain, if there is one."""
        return next((link for link in self.chain() if link.kind == "human"), None)

    def label(self) -> str:
        """Return the chain in words: ``agent:support on behalf of human:lena``."""
        return " on behalf of ".join(f"{link.kind}:{link.id}" for link in self.chain())
