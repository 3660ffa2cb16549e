"""Who says what became of an effect: the group its action names, else the owner or the deputy.

Never whoever asked for it, or whom it is about. Where nobody of those is left, the next of owner, deputy
and escalation may: nothing waits for nobody.
"""

from __future__ import annotations

from dataclasses import dataclass

from bridgehead.enforce.boundary import Boundary
from bridgehead.store.statement import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlers:
    """Who may settle one effect. ``group`` is empty where owner and deputy answer.

    ``people`` are the ids of those who can answer now; ``barred`` of those who never may here.
    """

    group: str
    people: tuple[str, ...]
    barred: frozenset[str]

    def words(self) -> str:
        """Return who is asked, in short."""
        return self.group or "owner or deputy"


def settlers(boundary: Boundary, target: str, run: Row) -> Settlers:
    """Return who may settle an effect of a run.

    The group is the run's release's to name; who is in it, and active, the active release's.
    """
    directory = boundary.directory()
    rule = boundary.charter.actions.get(target)
    group = (rule.settled_by if rule is not None else None) or ""
    barred = frozenset({run.agent, run.on_behalf, run.subject} - {""})
    able = [each for each, person in directory.people.items() if person.active and each not in barred]
    owner = directory.owner
    members = [each for each in able if group in directory.people[each].groups] if group else []
    answerable = [each for each in (owner.person, owner.deputy) if each in able]
    people = members or answerable or [each for each in owner.escalation if each in able]
    return Settlers(group=group if members else "", people=tuple(people), barred=barred)
