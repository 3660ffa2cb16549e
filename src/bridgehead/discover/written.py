"""A draft as files that people read: the charter, the policy that asks while nobody has looked, the workflow.

What comes from the server is written as quoted text or as a comment on one line, never as structure. A guess
is marked where it stands; whoever has looked at it takes the mark away. ``check`` counts those that are left.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from bridgehead.check.drafts import GUESS, QUESTION
from bridgehead.declare.written import flow, quoted
from bridgehead.discover.draft import Draft, DraftAction


def charter(draft: Draft, *, head: str, server: Mapping[str, Any], agent: str, name: str) -> str:
    """Return the text of a charter. ``head`` is the part about people, written by us; ``server`` what was
    given on the command line, under ``name``."""
    lines = [
        head.rstrip("\n"),
        "",
        "agents:",
        f"  {agent}:",
        "    sponsor: caller",
        "    models: [assistant]",
    ]
    lines += [
        f"    actions:{' []' if not draft.actions else ''}",
        *(f"      - {flow(one.name)}" for one in draft.actions),
    ]
    lines += ["", "# The system. Its tools can be called only where an action below names them.", "servers:"]
    lines += [f"  {name}:", *(f"    {line}" for line in _settings(server))]
    lines += ["", *_about(draft), "actions:" if draft.actions else "actions: {}"]
    for action in draft.actions:
        lines += [*_action(action, name), ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def _settings(server: Mapping[str, Any]) -> Iterator[str]:
    for key, value in server.items():
        tail = "" if key != "region" else f"   {QUESTION} where does it run, and where are its data?"
        yield f"{key}: {flow(value)}{tail}"


def _about(draft: Draft) -> Iterator[str]:
    yield "# What each tool does to the world, guessed from its name, arguments, description and hints alone."
    yield "#   read: changes nothing   write: can be taken back, names its undo   final: cannot be taken back"
    yield "# Arguments of effects: `[user]`: only the user's own words may name it, anything else asks."
    yield "# Marked lines are for people to decide: correct the line, then take its mark away."
    for tool, reason in draft.left_out[:20]:
        yield f"# Left out, so it cannot be called: {tool!r}: {reason}."
    if len(draft.left_out) > 20:
        yield f"# Left out as well: {len(draft.left_out) - 20} more."


def _action(action: DraftAction, server: str) -> Iterator[str]:
    if action.said:
        yield f"  # The server says: {action.said}"
    yield f"  {action.name}:"
    yield f"    server: {flow(server)}"
    if action.tool != action.name:
        yield f"    tool: {quoted(action.tool)}"
    yield f"    title: {quoted(action.title)}"
    yield _marked(f"    effect: {action.effect}", action.why["effect"])
    if action.outward or action.effect != "read":
        yield _marked(f"    outward: {str(action.outward).lower()}", action.why["outward"])
    yield from _arguments(action)
    yield from _origins(action)
    if action.effect == "read":
        yield _marked("    returns: {trust: untrusted}", "anybody may have written what it answers")
    for question in action.questions:
        yield f"    {QUESTION} {question}"


def _arguments(action: DraftAction) -> Iterator[str]:
    if not action.arguments:
        return
    yield "    arguments:"
    for name, schema in action.arguments.items():
        line = f"      {name}: {flow(schema)}"
        if not schema:
            line += f"   {QUESTION} which values may it have?"
        elif "enum" in json.dumps(schema):
            line += f"   {GUESS} the server's choices; the agent may take any of them"
        yield f"{line}   # The server says: {action.told[name]}" if action.told.get(name) else line
    if action.optional:
        yield f"    optional: {flow(list(action.optional))}"


def _origins(action: DraftAction) -> Iterator[str]:
    roles = action.roles
    if roles.sensitive:
        yield f"    sensitive: {flow(list(roles.sensitive))}"
        yield "    endorsed_by:"
        for name in roles.sensitive:
            yield _marked(f"      {name}: [user]", roles.why[name])
    for key in ("egress", "inside", "destination"):
        if names := getattr(roles, key):
            yield _marked(f"    {key}: {flow(list(names))}", _SAID[key])


_SAID = {
    "egress": "text that leaves: links need the user's words",
    "inside": "text that stays inside, and may say anything",
    "destination": "says who receives that text",
}


def _marked(line: str, why: str) -> str:
    return f"{line}   {GUESS} {why}" if why else line


def policy(draft: Draft) -> str:
    """Return the policy that asks about every effect of the draft, until somebody has looked at it."""
    names = ",\n  ".join(f'BH::Action::"{name}"' for name in draft.effects)
    return f"""// This deployment is a draft: what its actions do was guessed. Until somebody has looked at
// an action, people are asked each time. Take it out of the list when its lines in charter.yaml are right.
@id("draft.not-reviewed")
@words("This action comes from a draft that nobody has looked at yet.")
@ask("unreviewed")
forbid (principal, action in [
  {names}
], resource)
unless {{ context.approvals.contains("unreviewed") }};
"""


def workflow(draft: Draft) -> str:
    """Return the workflow: a model works on one request with the drafted actions."""
    names = "".join(f'    "{action.name}",\n' for action in draft.actions)
    return f'''"""One request, from question to answer. Every await crosses the boundary: it is decided."""

from __future__ import annotations

from typing import Any

TOOLS = [
{names}]


async def handle(run: Any, request: str) -> dict[str, Any]:
    """Let the model work on a request, and return what it says at the end."""
    outcome = await run.agent(
        "assistant",
        instructions="Do what is asked, with the tools you have. Say so when you cannot.",
        input=request,
        tools=TOOLS,
        max_turns=12,
    )
    answer: dict[str, Any] = outcome.value
    return answer
'''
