"""Step 9: look at what came back before anybody gets it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from bridgehead.enforce import arguments
from bridgehead.enforce.boundary import Boundary, Crossing
from bridgehead.enforce.documents import search
from bridgehead.enforce.documents.scope import Scope
from bridgehead.enforce.entitle import Narrowed
from bridgehead.kernel.canonical import encoded_bytes, recordable
from bridgehead.kernel.decision import Reason, Refuse
from bridgehead.kernel.errors import EffectState, LedgerError
from bridgehead.kernel.outcome import Done, Failed, Fault

STEP = 9
MAX_VALUE = 4 * 1024 * 1024
"""Bytes of one answer in canonical form."""
LONG_ENOUGH = 8
"""Bound values shorter than this are too common to look for in answers."""
BLOT = "(bound)"


def look(
    boundary: Boundary, crossing: Crossing, outcome: Done | Failed, statement: Narrowed | None = None
) -> Done | Failed | Refuse:
    """Return the outcome, or what must take its place. What answers a ``statement`` or a search is labelled.

    Withheld (Refuse): a record of another subject, a second identity, a record that carries the
    deployment's own bindings, documents whose rights changed. Failed: an answer with no canonical form,
    or too large to keep. What an effect or a failure says cannot be withheld any more: bindings are blotted
    out of it.
    """
    secrets = _secrets(boundary, crossing)
    if isinstance(outcome, Failed):
        words = recordable(_without(secrets, outcome.fault.words))
        return replace(outcome, fault=replace(outcome.fault, words=words))
    try:
        size = len(encoded_bytes(outcome.value))
    except LedgerError as error:
        return _unusable(crossing, outcome, error.what)
    if size > MAX_VALUE:
        return _unusable(crossing, outcome, f"the answer takes {size} bytes; {MAX_VALUE} are kept")
    if isinstance(statement, Scope):
        if not search.is_answer(outcome.value):
            return _unusable(crossing, outcome, "it is no answer of a collection")
        return search.checked(boundary, crossing, outcome, STEP)
    if statement is not None:
        return replace(outcome, labels=statement.labels(_columns(outcome.value) or statement.columns()))
    if crossing.action.kind != "act":
        return outcome
    if crossing.action.effect != "read":
        return replace(outcome, value=_without(secrets, outcome.value))
    withheld = _other_subject(boundary, crossing, outcome)
    if withheld is None:
        withheld = _leak(boundary, crossing, outcome, secrets)
    return outcome if withheld is None else withheld


def _columns(rows: Any) -> list[str]:
    return list(rows[0]) if rows else []


def _other_subject(boundary: Boundary, crossing: Crossing, outcome: Done) -> Refuse | None:
    rule = crossing.rule(boundary)
    if rule is None:
        return None
    workflow = boundary.charter.workflows[crossing.run.workflow]
    if not workflow.subject:
        return None
    source = boundary.where("actions", crossing.action.target, "subject")
    if rule.identifies:
        if (
            not isinstance(outcome.value, str)
            or not outcome.value
            or recordable(outcome.value) != outcome.value
        ):
            return _withheld("subject.unclear", f"The answer does not name a {workflow.subject}.", source)
        if crossing.run.subject and outcome.value != crossing.run.subject:
            return second_identity(boundary, crossing)
    if rule.subject.startswith("result."):
        owner = arguments.follow(rule.subject, result=_mapping(outcome.value))
        if owner != crossing.run.subject:
            words = f"The answer belongs to another {workflow.subject} and is withheld."
            return _withheld("subject.other", words, source)
    return None


def _secrets(boundary: Boundary, crossing: Crossing) -> list[str]:
    """Return the values that the deployment binds for this run and the agent never sees."""
    bound = {name for server in boundary.charter.servers.values() for name in server.bound.values()}
    return [
        value for name, value in crossing.run.bindings.items() if name in bound and len(value) >= LONG_ENOUGH
    ]


def _without(secrets: list[str], value: Any) -> Any:
    """Return an answer with every secret in it blotted out."""
    if isinstance(value, str):
        for secret in secrets:
            value = value.replace(secret, BLOT)
    elif isinstance(value, dict):
        return {_without(secrets, key): _without(secrets, item) for key, item in value.items()}
    elif isinstance(value, list | tuple):
        return type(value)(_without(secrets, item) for item in value)
    return value


def second_identity(boundary: Boundary, crossing: Crossing) -> Refuse:
    """Return the refusal of an answer that names somebody else than the run serves."""
    subject = boundary.charter.workflows[crossing.run.workflow].subject
    source = boundary.where("actions", crossing.action.target, "subject")
    return _withheld("subject.second", f"This run serves one {subject}; that is another.", source)


def _leak(boundary: Boundary, crossing: Crossing, outcome: Done, secrets: list[str]) -> Refuse | None:
    if secrets and any(secret in text for text in _strings(outcome.value) for secret in secrets):
        words = "The answer carries a value that the deployment binds and the agent must not see."
        return _withheld("binding.leak", words, boundary.where("actions", crossing.action.target))
    return None


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield str(key)
            yield from _strings(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _strings(item)


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _withheld(rule: str, words: str, source: str) -> Refuse:
    return Refuse(step=STEP, reasons=(Reason(rule=rule, words=words, source=source),))


def _unusable(crossing: Crossing, outcome: Done, what: str) -> Failed:
    # The effect, if it has one, did happen: say so, and let nobody repeat it. It cost what it cost.
    state: EffectState = "none" if crossing.action.effect == "read" else "done"
    words = f"The answer cannot be kept: {what}."
    return Failed(fault=Fault(code="BH-ENF-014", words=words, effect_state=state), usage=outcome.usage)
