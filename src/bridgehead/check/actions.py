"""What the deployment does to the world: effects that are honest, settled and limited."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bridgehead.check.rule import Family, Rule
from bridgehead.check.written import all_readable, written_policies
from bridgehead.declare import Deployment
from bridgehead.declare.model import ActionRule
from bridgehead.declare.questions import members
from bridgehead.kernel.finding import Finding

FINAL_ALONE = Rule(
    id="BH-CHK-010",
    severity="warn",
    title="An action that cannot be taken back happens without anybody's yes",
    why="No approval, policy or hazard speaks of it, so the first mistake is also final.",
    fix="Add an approval with a limit, a Cedar policy that names it, or a hazard that watches for it.",
)
NOT_A_READ = Rule(
    id="BH-CHK-011",
    severity="warn",
    title="An action is declared `read`, and its name says that it changes something",
    why="Reads are repeated freely and never undone: a wrong `read` repeats effects.",
    fix="Declare `write` with its `undo`, or `final`.",
)
WRITE_UNSETTLED = Rule(
    id="BH-CHK-012",
    severity="warn",
    title="A write has no probe and no key",
    why="When its answer is lost, nobody can know whether it happened: it is left to a person.",
    fix="Add a `probe` that reads the record back, or `key_argument` where the system drops repeats.",
)
FINAL_UNSETTLED = Rule(
    id="BH-CHK-013",
    severity="warn",
    title="A final action has no probe and no key",
    why="It is tried at most once; when its answer is lost, a person has to find out.",
    fix="Add a `probe` that reads the record back, or `key_argument` where the system drops repeats.",
)
NOTHING_SENSITIVE = Rule(
    id="BH-CHK-014",
    severity="warn",
    title="An action that leaves the company names no sensitive argument",
    why="Who receives it, where it goes and how much it is are what an attacker would change.",
    fix="List those arguments under `sensitive`.",
)
UNLIMITED = Rule(
    id="BH-CHK-015",
    severity="warn",
    title="An action moves money without a limit",
    why="Nothing asks or refuses, whatever the amount.",
    fix="Add `when: {ACTION: amount > 250 USD}` to an approval, or a Cedar policy that names the action.",
)
UNUSED = Rule(
    id="BH-CHK-016",
    severity="info",
    title="An action nobody uses",
    why="No agent may take it, and it neither undoes, settles nor informs another.",
    fix="Remove it, or list it under an agent's `actions`.",
)
UNCONFINED = Rule(
    id="BH-CHK-017",
    severity="warn",
    title="An action with an effect is not confined, in a workflow that serves one subject",
    why="A run opened for one customer could change another's record through it.",
    fix="Add `subject: arguments.X` or `facts.X`, where the record names whose it is.",
)
UNTYPED = Rule(
    id="BH-CHK-018",
    severity="warn",
    title="An argument has no type",
    why="Anything is accepted for it, and policies cannot see it.",
    fix="Add `type`, for example `{type: string}`.",
)
WEAK_PROBE = Rule(
    id="BH-CHK-019",
    severity="info",
    title="A probe cannot prove that nothing happened",
    why="With a weak probe a `no` settles nothing: after a lost answer a person decides.",
    fix="Probe with something only this effect can leave behind, and declare `strength: strong`.",
)

NOBODY_SETTLES = Rule(
    id="BH-CHK-028",
    severity="warn",
    title="Nobody of the group that settles an action's effects takes part",
    why="When an outcome stays unknown, the owner or the deputy has to find out instead.",
    fix="Add `groups: [GROUP]` to somebody active, or remove `settled_by`.",
)
REFERENCE_ONLY = Rule(
    id="BH-CHK-029",
    severity="warn",
    title="The other side keeps repeats of the key, and nothing can be asked about it",
    why="A key that is only a reference settles nothing: after a lost answer a person has to find out.",
    fix="Add a `probe` that looks the key up.",
)

_CHANGING = re.compile(
    r"^(add|approve|assign|book|cancel|change|charge|close|create|delete|disable|enable|exchange|grant|insert|"
    r"issue|modify|move|order|pay|post|publish|purge|refund|remove|reset|return|revoke|send|set|submit|transfer|"
    r"update|upload|write)(_|-|$)"
)


def look(d: Deployment) -> Iterator[Finding]:
    """Yield what is doubtful about each action."""
    spoken_of = _spoken_of(d)
    for name, rule in d.charter.actions.items():
        yield from _effect(d, name, rule, spoken_of)
        yield from _settlement(d, name, rule)
        yield from _arguments(d, name, rule)
    yield from _unused(d)
    yield from _unconfined(d)


def _effect(d: Deployment, name: str, rule: ActionRule, spoken_of: frozenset[str]) -> Iterator[Finding]:
    where = d.where("actions", name, "effect")
    if rule.effect == "read" and _CHANGING.match(rule.tool or name):
        yield NOT_A_READ.found(f"`{name}` is declared `read`.", where)
    if rule.effect == "final" and name not in spoken_of and not _watched(d, name):
        yield FINAL_ALONE.found(f"`{name}` cannot be taken back, and nothing asks or watches.", where)
    if rule.amount and name not in spoken_of:
        yield UNLIMITED.found(f"`{name}` moves any amount.", d.where("actions", name, "amount"))


def _spoken_of(d: Deployment) -> frozenset[str]:
    """Return the actions that an approval's limit or a hand-written policy names."""
    if not all_readable(d):
        return frozenset(d.charter.actions)
    limited = {action for rule in d.charter.approvals.values() for action in rule.when}
    return frozenset(limited | {action for policy in written_policies(d) for action in policy.actions})


def _watched(d: Deployment, name: str) -> bool:
    return any(name in f"{hazard.description} {hazard.detector}" for hazard in d.charter.hazards.values())


def _settlement(d: Deployment, name: str, rule: ActionRule) -> Iterator[Finding]:
    where = d.where("actions", name)
    if rule.effect != "read" and rule.probe is None and not rule.key_argument:
        which = WRITE_UNSETTLED if rule.effect == "write" else FINAL_UNSETTLED
        yield which.found(f"`{name}` is `{rule.effect}` and cannot be asked whether it landed.", where)
    if rule.key_argument and rule.repeats == "kept" and rule.probe is None:
        yield REFERENCE_ONLY.found(f"`{name}` sends a key that nothing drops or asks for.", where)
    if rule.settled_by and not members(d.charter, rule.settled_by):
        words = f"Nobody active belongs to `{rule.settled_by}`."
        yield NOBODY_SETTLES.found(words, d.where("actions", name, "settled_by"))
    if rule.effect != "read" and rule.probe is not None and rule.probe.strength == "weak":
        yield WEAK_PROBE.found(
            f"The probe of `{name}` is weak.", d.where("actions", name, "probe", "strength")
        )


def _arguments(d: Deployment, name: str, rule: ActionRule) -> Iterator[Finding]:
    if rule.outward and rule.effect != "read" and not rule.sensitive:
        yield NOTHING_SENSITIVE.found(f"`{name}` leaves the company.", d.where("actions", name, "outward"))
    for argument, schema in rule.arguments.items():
        if not {"type", "enum", "const", "anyOf", "oneOf", "allOf"} & schema.keys():
            yield UNTYPED.found(
                f"Argument `{argument}` of `{name}` takes anything.",
                d.where("actions", name, "arguments", argument),
            )


def _unused(d: Deployment) -> Iterator[Finding]:
    charter = d.charter
    used = {action for agent in charter.agents.values() for action in agent.actions}
    for rule in charter.actions.values():
        used |= {rule.undo or "", rule.probe.action if rule.probe else ""}
        used |= {read.action for read in (rule.facts.reads.values() if rule.facts else ())}
    for name in charter.actions:
        if name not in used:
            yield UNUSED.found(f"Nobody uses `{name}`.", d.where("actions", name))


def _unconfined(d: Deployment) -> Iterator[Finding]:
    confined = {workflow.agent for workflow in d.charter.workflows.values() if workflow.subject}
    open_to = {action for agent in confined for action in d.charter.agents[agent].actions}
    for name in sorted(open_to):
        rule = d.charter.actions[name]
        if rule.effect != "read" and not rule.subject:
            yield UNCONFINED.found(
                f"`{name}` does not say whose record it changes.", d.where("actions", name)
            )


FAMILY = Family(
    "Actions",
    (
        FINAL_ALONE,
        NOT_A_READ,
        WRITE_UNSETTLED,
        FINAL_UNSETTLED,
        NOTHING_SENSITIVE,
        UNLIMITED,
        UNUSED,
        UNCONFINED,
        UNTYPED,
        WEAK_PROBE,
        NOBODY_SETTLES,
        REFERENCE_ONLY,
    ),
    look,
)
