"""Step 1: who acts, through which chain, and is every link still active."""

from __future__ import annotations

from bridgehead.enforce.boundary import Boundary, Crossing
from bridgehead.kernel.decision import Reason, Refuse
from bridgehead.kernel.principal import Principal


def establish(boundary: Boundary, crossing: Crossing) -> Principal | Refuse:
    """Return the principal as the directory knows it now, or refuse.

    Every link is looked up in the active release's charter: unknown or inactive means refused,
    whatever the run's own release says.
    """
    directory = boundary.directory()
    for link in crossing.run.principal.chain():
        known = _known(link, directory.people, directory.agents)
        if known is None:
            return _refuse("identity.unknown", f"{link.kind} {link.id} is not declared any more.")
        if not known:
            return _refuse("identity.inactive", f"{link.kind} {link.id} has been switched off.")
    principal = crossing.run.principal
    if principal.kind == "agent" and principal.human() is None:
        return _refuse("identity.nobody", f"agent {principal.id} acts on nobody's behalf.")
    return principal


def _known(link: Principal, people: object, agents: object) -> bool | None:
    """Return whether the link is active, or None where nobody declared it."""
    register = agents if link.kind == "agent" else people
    found = register.get(link.id) if isinstance(register, dict) else None
    return None if found is None else bool(found.active)


def _refuse(rule: str, words: str) -> Refuse:
    return Refuse(step=1, reasons=(Reason(rule=rule, words=words),))
