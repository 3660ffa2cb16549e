"""Who answers for it: two living people who can be reached (control OWN-1), and a measured promise."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bridgehead.check.rule import Family, Rule
from bridgehead.declare import Deployment
from bridgehead.kernel.finding import Finding

SAME_PERSON = Rule(
    id="BH-CHK-001",
    severity="block",
    title="Owner and deputy are the same person",
    why="When that person is away, nobody answers for the deployment.",
    fix="Name somebody else as `owner.deputy`.",
)
INACTIVE = Rule(
    id="BH-CHK-002",
    severity="block",
    title="The owner, the deputy or an agent's sponsor is not active",
    why="A deployment lives only with a living owner (OWN-1); an agent acts only for an active person.",
    fix="Name an active person, or set `active: true` if the person is back.",
)
NO_ESCALATION = Rule(
    id="BH-CHK-003",
    severity="warn",
    title="Nobody is named for escalation",
    why="When neither owner nor deputy answers, there is no next person (OWN-2).",
    fix="List people under `owner.escalation`, in the order they should be reached.",
)
NOT_A_PERSON = Rule(
    id="BH-CHK-004",
    severity="warn",
    title="The owner or deputy looks like a mailbox and not like a person",
    why="A mailing list, a service account or a chat channel cannot answer for anything (OWN-1).",
    fix="Name a person, with that person's own address.",
)
NO_ADDRESS = Rule(
    id="BH-CHK-005",
    severity="warn",
    title="The owner or deputy has no e-mail address",
    why="Nobody can tell them that something needs them.",
    fix="Add `email`.",
)
NO_SWITCH = Rule(
    id="BH-CHK-006",
    severity="warn",
    title="The owner or deputy lacks the role `owner`",
    why="They could not see their own page or stop the deployment from the console.",
    fix="Add `roles: [owner]`.",
)
UNMEASURED = Rule(
    id="BH-CHK-007",
    severity="warn",
    title="The promised outcome is not a figure yet",
    why="Whether the deployment keeps its promise could never be said (PUR-1).",
    fix="Write the figure, and how it was measured.",
)

_MAILBOX = re.compile(
    r"^(team|support|help|helpdesk|info|admin|ops|noreply|no-reply|service|svc|bot|alerts?|all|group)\b", re.I
)
PLACEHOLDER = re.compile(
    r"^\W*(todo|tbd|tba|n/?a|none|unknown|to be (defined|done|decided)|x+|\?+|-+|\.+)\W*$", re.I
)


def look(d: Deployment) -> Iterator[Finding]:
    """Yield what is wrong with ownership and the promise."""
    owner = d.charter.owner
    if owner.person == owner.deputy:
        yield SAME_PERSON.found(f"`{owner.person}` is both owner and deputy.", d.where("owner", "deputy"))
    for key, person in (("person", owner.person), ("deputy", owner.deputy)):
        yield from _reachable(d, key, person)
    if not owner.escalation:
        yield NO_ESCALATION.found("Nobody is named for escalation.", d.where("owner"))
    for name, agent in d.charter.agents.items():
        if not d.charter.people[agent.sponsor].active:
            yield INACTIVE.found(
                f"Agent `{name}` acts on behalf of `{agent.sponsor}`, who is not active.",
                d.where("agents", name, "sponsor"),
            )
    yield from _promise(d)


def _reachable(d: Deployment, key: str, name: str) -> Iterator[Finding]:
    person, words = d.charter.people[name], "owner" if key == "person" else "deputy"
    if not person.active:
        yield INACTIVE.found(f"The {words} `{name}` is not active.", d.where("owner", key))
    if not person.email:
        yield NO_ADDRESS.found(f"The {words} `{name}` has no e-mail address.", d.where("people", name))
    elif _MAILBOX.match(person.email.partition("@")[0]):
        yield NOT_A_PERSON.found(
            f"The {words} `{name}` is reached at {person.email}.", d.where("people", name, "email")
        )
    if "owner" not in person.roles:
        yield NO_SWITCH.found(f"The {words} `{name}` lacks the role `owner`.", d.where("people", name))


def _promise(d: Deployment) -> Iterator[Finding]:
    for key in ("baseline", "target"):
        text = getattr(d.charter.outcome, key)
        if PLACEHOLDER.match(text) or not re.search(r"\d", text):
            yield UNMEASURED.found(f"The {key} is `{text}`.", d.where("outcome", key))


FAMILY = Family(
    "Ownership and promise",
    (SAME_PERSON, INACTIVE, NO_ESCALATION, NOT_A_PERSON, NO_ADDRESS, NO_SWITCH, UNMEASURED),
    look,
)
