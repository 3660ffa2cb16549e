"""Questions to people: somebody other than the requester is there to answer, and is asked."""

from __future__ import annotations

from collections.abc import Iterator

from bridgehead.check.modules import constant_argument, run_calls, workflow_modules
from bridgehead.check.rule import Family, Rule
from bridgehead.check.written import all_readable, written_policies
from bridgehead.declare import Deployment
from bridgehead.declare.asking import ApprovalRule
from bridgehead.declare.given import OWNER, UNDO
from bridgehead.declare.questions import able
from bridgehead.kernel.finding import Finding
from bridgehead.kernel.quorum import missing, words

NOBODY_LEFT = Rule(
    id="BH-CHK-020",
    severity="block",
    title="Nobody may answer when the requester is the one who would",
    why="Nobody approves their own request, so every question of that agent would end in refusal.",
    fix="Add more people to the group, or give the agent another sponsor.",
)
NEVER_ASKED = Rule(
    id="BH-CHK-021",
    severity="warn",
    title="An approval rule that is never asked",
    why="No limit, policy or workflow uses it: what it should guard happens without a question.",
    fix='Add `when`, a policy with `@ask("RULE")`, or `run.decide("RULE", ...)`; or remove it.',
)
NO_INBOX = Rule(
    id="BH-CHK-022",
    severity="warn",
    title="A member of a deciding group lacks the role `approver`",
    why="They are counted for the quorum and cannot see the question.",
    fix="Add `roles: [approver]`.",
)
EVERYBODY = Rule(
    id="BH-CHK-023",
    severity="warn",
    title="Every member of the group must agree",
    why="One person on leave, and every question ends in refusal.",
    fix="Add somebody to the group, or lower `quorum`.",
)
RELEASER_DECIDES = Rule(
    id="BH-CHK-024",
    severity="warn",
    title="Nobody is left when somebody who releases is needed to decide",
    why="Whoever activated a release does not decide what is asked under it, so the question would expire.",
    fix="Add somebody to the group who does not release, or let others activate.",
)


def look(d: Deployment) -> Iterator[Finding]:
    """Yield what keeps a question from being answered."""
    asked = _asked(d)
    for name, rule in d.charter.approvals.items():
        people = able(d.charter, rule)
        if name != UNDO:  # a person asks there, not an agent, and about another release than the active one
            yield from _requester(d, name, rule, people)
            yield from _releaser(d, name, rule, people)
        if name not in asked and name != UNDO:  # asked when somebody takes something back
            yield NEVER_ASKED.found(f"Nothing ever asks `{name}`.", d.where("approvals", name))
        needed = sum(count for _, count in rule.needs)
        if needed > 1 and len(people) == needed:
            yield EVERYBODY.found(
                f"`{name}` needs all {needed} members of `{'` and `'.join(g for g, _ in rule.needs)}`.",
                d.where("approvals", name, "quorum" if rule.quorum > 1 else "who"),
            )
    deciding = {group for rule in d.charter.approvals.values() for group, _ in rule.needs}
    for person_name, person in d.charter.people.items():
        groups = (deciding - {OWNER}) & set(person.groups)  # owners reach the question from its undo
        if person.active and groups and "approver" not in person.roles:
            yield NO_INBOX.found(
                f"`{person_name}` decides in `{sorted(groups)[0]}` and lacks the role `approver`.",
                d.where("people", person_name),
            )


def _requester(
    d: Deployment, name: str, rule: ApprovalRule, people: dict[str, frozenset[str]]
) -> Iterator[Finding]:
    for agent_name, agent in d.charter.agents.items():
        if agent.sponsor in people and missing(rule.needs, _without(people, agent.sponsor)):
            yield NOBODY_LEFT.found(
                f"`{name}` needs {words(rule.needs)}; when agent `{agent_name}` asks for "
                f"`{agent.sponsor}`, {len(people) - 1} others may answer.",
                d.where("approvals", name, "who"),
            )


def _releaser(
    d: Deployment, name: str, rule: ApprovalRule, people: dict[str, frozenset[str]]
) -> Iterator[Finding]:
    """Yield who is needed and has the roles of those who release; anybody may, so this only warns."""
    charter = d.charter
    sponsors = {agent.sponsor for agent in charter.agents.values()}
    for person in people:
        declared = charter.people[person]
        if "fde" not in declared.roles and "owner" not in declared.roles:
            continue
        rest = _without(people, person)
        alone = next((each for each in sorted(sponsors) if missing(rule.needs, _without(rest, each))), None)
        if alone is not None and not missing(rule.needs, _without(people, alone)):
            yield RELEASER_DECIDES.found(
                f"`{name}` needs {words(rule.needs)}; when `{person}` activated the release and `{alone}` "
                "asks, nobody is left.",
                d.where("approvals", name, "who"),
            )


def _without(people: dict[str, frozenset[str]], person: str) -> dict[str, frozenset[str]]:
    return {name: groups for name, groups in people.items() if name != person}


def _asked(d: Deployment) -> frozenset[str]:
    if not all_readable(d):
        return frozenset(d.charter.approvals)
    by_limit = {name for name, rule in d.charter.approvals.items() if rule.when}
    by_policy = {policy.ask for policy in written_policies(d)}
    by_workflow: set[str] = set()
    for module in workflow_modules(d):
        for method, call in run_calls(module.tree):
            if method == "decide":
                name = constant_argument(call)
                # A name that is computed may mean any of them.
                by_workflow |= {name} if name is not None else set(d.charter.approvals)
    rules = d.charter.approvals.values()
    by_review = {rule.emergency.review for rule in rules if rule.emergency is not None}
    by_data = {d.charter.sick_data or ""}
    return frozenset(by_limit | by_policy | by_workflow | by_review | by_data | _by_origin(d))


def _by_origin(d: Deployment) -> set[str]:
    """Return the rules asked about arguments nothing stands behind."""
    if d.charter.provenance == "off":
        return set()
    return {d.charter.unendorsed or "", *(rule.unendorsed or "" for rule in d.charter.actions.values())}


FAMILY = Family(
    "Questions to people", (NOBODY_LEFT, NEVER_ASKED, NO_INBOX, EVERYBODY, RELEASER_DECIDES), look
)
