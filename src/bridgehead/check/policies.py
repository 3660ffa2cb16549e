"""Hand-written Cedar: readable, explained, and never a question whose yes changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from bridgehead.check.rule import Family, Rule
from bridgehead.check.written import Unreadable, WrittenPolicy, policies_of
from bridgehead.declare import Deployment
from bridgehead.declare.faults import did_you_mean
from bridgehead.kernel.errors import BridgeheadError
from bridgehead.kernel.finding import Finding

UNREADABLE = Rule(
    id="BH-CHK-050",
    severity="block",
    title="A policy file cannot be read",
    why="Without its policies nothing is permitted, so nothing is served.",
    fix="Correct the policy at this line; every policy ends with a semicolon.",
)
NO_ID = Rule(
    id="BH-CHK-051",
    severity="block",
    title="A policy has no @id",
    why="Its refusals could not be traced to it.",
    fix='Write @id("...") before it.',
)
SAME_ID = Rule(
    id="BH-CHK-052",
    severity="block",
    title="Two policies have the same @id",
    why="Nobody could tell which of them refused.",
    fix="Give each an @id of its own.",
)
NO_WORDS = Rule(
    id="BH-CHK-053",
    severity="block",
    title="A policy has no @words",
    why="People who are refused would not be told why.",
    fix='Write @words("why, in one sentence") before it.',
)
UNKNOWN_APPROVAL = Rule(
    id="BH-CHK-054",
    severity="block",
    title="@ask names no approval rule",
    why="Nobody would be asked, so the action would be refused for good.",
    fix="Declare the rule under `approvals`, or correct the name.",
)
NEVER_LIFTED = Rule(
    id="BH-CHK-055",
    severity="block",
    title="A policy asks people and does not listen to their yes",
    why="It refuses even after they agreed.",
    fix='Add: unless { context.approvals.contains("RULE") }.',
)
ASKING_PERMIT = Rule(
    id="BH-CHK-056",
    severity="block",
    title="A permit carries @ask",
    why="Only a `forbid` can be lifted by people; a `permit` is in nobody's way.",
    fix="Write a `forbid` with `unless`, or remove @ask.",
)
INVALID = Rule(
    id="BH-CHK-057",
    severity="block",
    title="A policy does not fit the charter",
    why="Its condition could fail just when it is needed; strict validation refuses it.",
    fix="Compare names and types with the charter's arguments and facts.",
)
UNKNOWN_ACTION = Rule(
    id="BH-CHK-058",
    severity="block",
    title="A policy names an action that the charter does not declare",
    why="It guards nothing.",
    fix="Correct the name.",
)
NOT_LISTED = Rule(
    id="BH-CHK-059",
    severity="warn",
    title="A Cedar file of the folder is not in use",
    why="Its rules look as if they held, and do not.",
    fix="List it under `policies`, or remove it.",
)

BUILT_IN = frozenset({"act", "model", "query", "decide"})
"""Cedar actions that exist in every deployment, besides the charter's own."""


def look(d: Deployment) -> Iterator[Finding]:
    """Yield what is wrong with hand-written policies, each by itself."""
    ids: dict[str, str] = {}
    for file in d.charter.policies:
        found = policies_of(d, file)
        if isinstance(found, Unreadable):
            yield UNREADABLE.found(f"It cannot be read: {found.problem}.", f"{file}:{found.line}")
            continue
        for policy in found:
            yield from _explained(policy, ids)
            yield from _asking(d, policy)
            yield from _naming(d, policy)
    for file in d.manifest:
        if file.endswith(".cedar") and file not in d.charter.policies:
            yield NOT_LISTED.found(f"`{file}` is not in use.", f"{file}:1")


def strict(d: Deployment, validate: Callable[[Deployment], Iterable[BridgeheadError]]) -> Iterator[Finding]:
    """Yield what strict validation by the policy engine finds, whether it returns or raises it."""
    try:
        problems = list(validate(d))
    except BridgeheadError as error:
        problems = [error]
    where = d.where("policies")
    for problem in problems:
        words = f"{problem.what[:1].upper()}{problem.what[1:]} ({problem.code})."
        yield INVALID.found(words, problem.where or where, problem.fix)


def _explained(policy: WrittenPolicy, ids: dict[str, str]) -> Iterator[Finding]:
    where = f"{policy.file}:{policy.line}"
    if not policy.id:
        yield NO_ID.found("This policy has no @id.", where)
    elif policy.id in ids:
        yield SAME_ID.found(f"`{policy.id}` is also the @id of the policy at {ids[policy.id]}.", where)
    else:
        ids[policy.id] = where
    if not policy.words:
        yield NO_WORDS.found(f"Policy `{policy.id}` has no @words.", where)


def _asking(d: Deployment, policy: WrittenPolicy) -> Iterator[Finding]:
    if not policy.ask:
        return
    where = f"{policy.file}:{policy.line}"
    if policy.effect == "permit":
        yield ASKING_PERMIT.found(f"Policy `{policy.id}` is a permit.", where)
    elif policy.ask not in d.charter.approvals:
        fix = f"{did_you_mean(policy.ask, d.charter.approvals)} {UNKNOWN_APPROVAL.fix}"
        yield UNKNOWN_APPROVAL.found(f"Policy `{policy.id}` asks `{policy.ask}`.", where, fix)
    elif policy.ask not in policy.lifts:
        fix = f'Add: unless {{ context.approvals.contains("{policy.ask}") }}.'
        yield NEVER_LIFTED.found(f"Policy `{policy.id}` asks `{policy.ask}`.", where, fix)


def _naming(d: Deployment, policy: WrittenPolicy) -> Iterator[Finding]:
    for action in sorted(policy.actions - BUILT_IN - set(d.charter.actions)):
        yield UNKNOWN_ACTION.found(
            f"Policy `{policy.id}` names `{action}`.",
            f"{policy.file}:{policy.line}",
            did_you_mean(action, d.charter.actions),
        )


FAMILY = Family(
    "Policies",
    (
        UNREADABLE,
        NO_ID,
        SAME_ID,
        NO_WORDS,
        UNKNOWN_APPROVAL,
        NEVER_LIFTED,
        ASKING_PERMIT,
        INVALID,
        UNKNOWN_ACTION,
        NOT_LISTED,
    ),
    look,
)
