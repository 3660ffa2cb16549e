"""``bridgehead init --mcp``: a folder drafted from what a server says of its tools.

The server is what the person at the keyboard wrote; only its list of tools is read. The folder is loaded
before it is moved to its place: a draft that does not hold together is not written.
"""

from __future__ import annotations

import asyncio
import re
import shlex
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from bridgehead.doors.cli.terminal import print_json, tell_next
from bridgehead.kernel.errors import CharterError

if TYPE_CHECKING:
    from bridgehead.discover import Draft

PARTS = Path(__file__).with_name("drafted")
FIRST_START = "180s"
"""How long a program may take to start and list its tools: the first time its runner may fetch it."""
_EMPTY_WORDS = frozenset(
    ("mcp", "server", "servers", "npx", "uvx", "uv", "node", "python", "run", "www", "com", "py")
)


def server(target: str, env: Iterable[str], headers: Iterable[str]) -> dict[str, Any]:
    """Return the server as a charter declares it. Raises ``CharterError`` BH-CHA-098 for what cannot be
    one."""
    if target.startswith(("http://", "https://")):
        if any(env):
            raise _unusable("an address takes --header, not --env")
        found: dict[str, Any] = {"url": target}
        given = dict(_pair(text, ":", "--header 'NAME: VALUE'") for text in headers)
        found |= {"headers": given} if given else {}
    else:
        if any(headers):
            raise _unusable("a command takes --env, not --header")
        found = {"command": _command(target)}
        given = dict(_pair(text, "=", "--env NAME=VALUE") for text in env)
        found |= {"env": given} if given else {}
    return found | {"region": "local" if "command" in found else "unknown"}


def _command(target: str) -> list[str]:
    """Return the words of a command; files named from here are written out, for it starts in its own
    folder."""
    try:
        words = shlex.split(target)
    except ValueError as error:
        raise _unusable(f"`{target}` is not a command: {error}") from None
    if not words:
        raise _unusable("the command is empty")
    return [str(Path(word).absolute()) if _is_here(word, index) else word for index, word in enumerate(words)]


def _is_here(word: str, index: int) -> bool:
    if word.startswith(("-", "/")) or (index == 0 and "/" not in word):
        return False
    try:
        return Path(word).exists()
    except OSError:
        return False


def _pair(text: str, between: str, usage: str) -> tuple[str, str]:
    name, found, value = text.partition(between)
    if not found or not name.strip() or not value.strip():
        raise _unusable(f"`{text}` is not {usage}")
    return name.strip(), value.strip()


def name_of(target: str) -> str:
    """Return a name for the deployment from what the person wrote, never from what the server says."""
    place = (
        urlsplit(target).netloc if "://" in target else " ".join(w for w in target.split() if w[:1] != "-")
    )
    words = [
        word
        for word in re.findall(r"[a-z0-9]+", place.lower())
        if word not in _EMPTY_WORDS and word.isalpha()
    ]
    return words[-1 if "://" not in target and len(words) < 3 else 0][:40] if words else "draft"


def draft_of(name: str, declared: dict[str, Any]) -> Draft:
    """Return the draft of what the server offers. Raises ``ConnectError``, ``ConfigError``, BH-CHA-098."""
    from pydantic import ValidationError

    from bridgehead.assemble.offered import offered
    from bridgehead.check.secrets import is_written_out
    from bridgehead.declare.model import McpServer
    from bridgehead.discover import draft

    for header, value in declared.get("headers", {}).items():
        if is_written_out(header, value):
            raise _unusable(
                f"the header {header} would be written into the charter; name a variable: ${{TOKEN}}"
            )
    try:
        settings = McpServer(**declared, deadline=FIRST_START)
    except ValidationError as error:
        raise _unusable(f"`{error.errors()[0]['loc'][0]}` is not written as a server takes it") from None
    return draft(asyncio.run(offered(name, settings)))


def render(work: Path, name: str, organisation: str, declared: dict[str, Any], draft: Draft) -> None:
    """Write the folder. Raises ``CharterError`` BH-CHA-099 where the draft would not hold together."""
    from bridgehead import discover
    from bridgehead.declare import CharterErrors, load

    work.mkdir()
    shutil.copyfile(PARTS.with_name("template") / "gitignore", work / ".gitignore")
    (work / "README.md").write_text(_filled("README.md", name, organisation, draft), "utf-8")
    (work / "workflow.py").write_text(discover.workflow(draft), "utf-8")
    if draft.effects:
        (work / "draft.cedar").write_text(discover.policy(draft), "utf-8")
    head = _filled("head.yaml", name, organisation, draft)
    text = discover.charter(draft, head=head, server=declared, agent="assistant", name=name)
    (work / "charter.yaml").write_text(text, "utf-8")
    try:
        load(work)
    except CharterErrors as error:
        raise CharterError(
            "BH-CHA-099",
            f"the draft does not hold together: {error.errors[0].what}",
            means="Nothing was written. The server's tools could not be taken over.",
            fix="Start from `bridgehead init NAME`, and declare its tools by hand; please report this.",
        ) from error


def _filled(part: str, name: str, organisation: str, draft: Draft) -> str:
    text = (PARTS / part).read_text("utf-8")
    policies = "policies: [draft.cedar]" if draft.effects else "policies: []"
    return (
        text.replace("ORGANISATION_HERE", organisation)
        .replace("NAME_HERE", name)
        .replace("POLICIES_HERE", policies)
    )


def tell(place: Path, name: str, origin: str, vkey: str, draft: Draft, as_json: bool) -> None:
    """Say what was drafted and what is left to look at."""
    from bridgehead.check.drafts import GUESS, QUESTION, marked

    lines = (place / "charter.yaml").read_text("utf-8").splitlines()
    guesses, questions = (sum(marked(line, mark) for line in lines) for mark in (GUESS, QUESTION))
    counts = {kind: sum(one.effect == kind for one in draft.actions) for kind in ("read", "final")}
    if as_json:
        actions = [
            {
                "action": one.name,
                "tool": one.tool,
                "effect": one.effect,
                "outward": one.outward,
                "why": one.why["effect"],
            }
            for one in draft.actions
        ]
        left = [{"tool": tool, "why": why} for tool, why in draft.left_out]
        told = {"folder": str(place), "name": name, "origin": origin, "vkey": vkey, "guesses": guesses}
        print_json(told | {"questions": questions, "actions": actions, "left_out": left})
        return
    click.echo(
        f"Wrote {place}/ from {len(draft.actions)} tools: {counts['read']} read, {counts['final']} final."
    )
    click.echo(f"Guesses to look at: {guesses}. Questions to answer: {questions}. No tool was called.")
    for tool, why in draft.left_out[:10]:
        click.echo(f"Left out: {tool!r}: {why}.")
    if len(draft.left_out) > 10:
        click.echo(f"Left out as well: {len(draft.left_out) - 10} more.")
    tell_next(_next(place))


def _next(place: Path) -> tuple[tuple[str, str], ...]:
    return (
        (f"cd {place}", "read charter.yaml: correct each marked line, then take its mark away"),
        ("bridgehead check", "what is left to look at, and whether it holds together"),
        ("bridgehead replay --charter . --calls calls.jsonl", "what it would have said to recorded traffic"),
    )


def _unusable(what: str) -> CharterError:
    return CharterError(
        "BH-CHA-098",
        f"no server can be made of this: {what}",
        means="Nothing was started, and nothing was written.",
        fix="For example: --mcp 'npx -y some-server' --env TOKEN='${TOKEN}', or "
        "--mcp https://example.com/mcp --header 'Authorization: Bearer ${TOKEN}'.",
    )
