"""What an approver is shown, exactly. Its digest is what the approval binds to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bridgehead.kernel.canonical import digest

DECIDE = "decide:"
"""Before the name of an approval rule: the target of an action that only asks people."""
UNENDORSED = ": nothing stands behind it"
"""What the name of a fact ends with that is a value without an origin; its source says where it came from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One thing the question rests on, with where it came from and when it was read."""

    name: str
    value: str
    source: str
    as_of: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing that is not as it was in the question this one takes the place of."""

    name: str
    was: str
    now: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question to people about one action. Everything here is shown; nothing else counts.

    ``title`` is the action in words with its amount; ``asked_because`` are the approval rules'
    sentences; ``reasons`` the determining policies in words with ``file:line``; ``can_be_undone``
    says in words whether and how; ``action_digest`` binds kind, target, arguments, effect, outward.
    ``bound`` is the digest of action, evidence, release and chain that is computed again before it happens.
    ``supersedes`` is the question it takes the place of, with what ``changed``; ``changed_by`` is whoever
    changed the action, where somebody did. ``sick`` names the broken clauses of its data that leave it to
    people. Times are RFC 3339 text. ``amount`` is shown text such as
    ``"129.90 USD"`` or empty.
    """

    id: str
    run: str
    position: str
    release: str
    deployment: str
    title: str
    target: str
    arguments: Mapping[str, Any]
    action_digest: str
    effect: str
    outward: bool
    amount: str
    subject: str
    requester: str
    asked_because: tuple[str, ...]
    reasons: tuple[str, ...]
    rules: tuple[str, ...]
    facts: tuple[Fact, ...]
    can_be_undone: str
    who: str
    quorum: int
    opened_at: str
    due_at: str
    stand_in: bool = False
    bound: str = ""
    supersedes: str = ""
    changed: tuple[Change, ...] = ()
    changed_by: str = ""
    sick: tuple[str, ...] = ()

    @property
    def only_asks(self) -> bool:
        """Whether people are asked and nothing else: their answer is all that comes of it."""
        return self.target.startswith(DECIDE)

    def digest(self) -> str:
        """Return the SHA-256 over everything shown: what the vote must name to count."""
        return digest(self.as_value())

    def as_value(self) -> dict[str, Any]:
        """Return the question as plain values, for the ledger body and for ``--json``."""
        return {
            "id": self.id,
            "run": self.run,
            "position": self.position,
            "release": self.release,
            "deployment": self.deployment,
            "title": self.title,
            "target": self.target,
            "arguments": dict(self.arguments),
            "action_digest": self.action_digest,
            "effect": self.effect,
            "outward": self.outward,
            "amount": self.amount,
            "subject": self.subject,
            "requester": self.requester,
            "asked_because": list(self.asked_because),
            "reasons": list(self.reasons),
            "rules": list(self.rules),
            "facts": [
                {"name": f.name, "value": f.value, "source": f.source, "as_of": f.as_of} for f in self.facts
            ],
            "can_be_undone": self.can_be_undone,
            "who": self.who,
            "quorum": self.quorum,
            "opened_at": self.opened_at,
            "due_at": self.due_at,
            "stand_in": self.stand_in,
            "bound": self.bound,
            "supersedes": self.supersedes,
            "changed": [{"name": c.name, "was": c.was, "now": c.now} for c in self.changed],
            "changed_by": self.changed_by,
            **({"sick": list(self.sick)} if self.sick else {}),
        }

    @classmethod
    def from_value(cls, value: Mapping[str, Any]) -> Question:
        """Return the question that ``as_value`` wrote."""
        fields = dict(value)
        fields["facts"] = tuple(Fact(**fact) for fact in fields["facts"])
        fields["changed"] = tuple(Change(**change) for change in fields.get("changed", ()))
        for name in ("asked_because", "reasons", "rules", "sick"):
            fields[name] = tuple(fields.get(name, ()))
        return cls(**fields)
