"""Step 2: Cedar decides. Errors and "no decision" mean refuse; it never permits by fault.

Cedar answers yes or no. A ``forbid`` that people may lift carries ``@ask("rule")``; when only such
policies stand in the way, a second evaluation asks whether their yes would suffice. Without it a
person would be asked a question whose yes changes nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cedarpy

from bridgehead.declare import Deployment
from bridgehead.enforce import cedar
from bridgehead.enforce.request import STEP, PolicyRequest, people_entities
from bridgehead.enforce.slices import Slices
from bridgehead.kernel.canonical import digest
from bridgehead.kernel.decision import Ask, Decision, Permit, Reason, Refuse
from bridgehead.kernel.errors import PolicyError

__all__ = [
    "STEP",
    "CedarPolicy",
    "PolicyRequest",
    "Rule",
    "faults",
    "people_entities",
    "policy_texts",
    "validate",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What people need to know of one policy."""

    id: str
    words: str
    source: str
    ask: str


class CedarPolicy:
    """The policy set of one release, parsed and validated once.

    Raises ``PolicyError`` when built from policies that do not parse or validate: a deployment
    whose rules cannot be read serves nothing (BH-POL-001 to BH-POL-005).
    """

    def __init__(self, deployment: Deployment) -> None:
        texts = policy_texts(deployment)
        self._schema_text = cedar.schema(deployment.charter)
        source = "\n".join(text for _, text in texts)
        self._schema = _parsed(cedarpy.Schema.from_str, self._schema_text, "the generated schema")
        self._policies = _parsed(Slices, source, "the policies")
        self._rules = _rules(texts)
        problems = validate(deployment)
        if problems:
            raise problems[0]
        self.digest = digest({"schema": self._schema_text, "policies": source})
        self._base = _base_entities(deployment)
        self._handles: dict[str, cedarpy.Entities] = {}

    def decide(self, request: PolicyRequest, people: str) -> Decision:
        """Answer one request. ``people`` is Cedar JSON of the agents and humans as they are now."""
        granted = list(request.context.get("approvals", ()))
        first = self._evaluate(request, granted, people)
        if isinstance(first, Refuse):
            return first
        allowed, reasons = first
        if allowed:
            return Permit(reasons=reasons)
        asks = tuple(dict.fromkeys(self._rules[reason.rule].ask for reason in reasons))
        if not reasons or not all(asks):
            return Refuse(step=STEP, reasons=reasons or (_NOTHING_PERMITS,))
        second = self._evaluate(request, [*granted, *asks], people)
        if isinstance(second, Refuse):
            return second
        if second[0]:
            return Ask(approvals=asks, reasons=reasons)
        # People could agree and it would still be forbidden: name what stands in the way for good.
        return Refuse(step=STEP, reasons=second[1] or (_NOTHING_PERMITS,))

    def rules(self) -> tuple[Rule, ...]:
        """Return every rule, for pages and checks."""
        return tuple(self._rules.values())

    def _evaluate(
        self, request: PolicyRequest, approvals: Sequence[str], people: str
    ) -> tuple[bool, tuple[Reason, ...]] | Refuse:
        try:
            answer = cedarpy.is_authorized(
                {
                    "principal": _uid(request.principal),
                    "action": {"type": "BH::Action", "id": request.action},
                    "resource": _uid(request.resource),
                    "context": {**request.context, "approvals": list(approvals)},
                },
                self._policies.of(request.action),
                self._entities(people),
                schema=self._schema,
            )
            return self._understood(answer)
        except Exception as error:  # INVARIANT: whatever the engine throws or answers, nothing crosses.
            return _fault(f"{type(error).__name__}: {error}")

    def _understood(self, answer: cedarpy.AuthzResult) -> tuple[bool, tuple[Reason, ...]] | Refuse:
        """Return what an answer says; raises where it is none."""
        faults = list(answer.diagnostics.errors)
        # A forbid that errors is skipped by Cedar and the request allowed (cedar-policy/cedar#2428):
        # any error refuses, whatever the decision says.
        if faults or answer.decision is cedarpy.Decision.NoDecision:
            return _fault("; ".join(faults) or "no decision")
        names = answer.diagnostics.id_annotations_by_reason
        reasons = tuple(
            Reason(rule=rule.id, words=rule.words, source=rule.source)
            for rule in (self._rules[names[reason]] for reason in sorted(answer.diagnostics.reasons))
        )
        return answer.decision is cedarpy.Decision.Allow, reasons

    def _entities(self, people: str) -> cedarpy.Entities:
        handle = self._handles.get(people)
        if handle is None:
            if len(self._handles) > 16:
                self._handles.clear()
            merged = json.dumps(self._base + json.loads(people))
            handle = self._handles[people] = cedarpy.Entities.from_json_str(merged, self._schema)
        return handle


def policy_texts(deployment: Deployment) -> list[tuple[str, str]]:
    """Return (name, Cedar text) of the generated policies and of each file the charter lists."""
    texts = [("charter.yaml", cedar.policies(deployment))]
    for name in deployment.charter.policies:
        try:
            texts.append((name, (Path(deployment.folder) / name).read_text(encoding="utf-8")))
        except (OSError, UnicodeDecodeError) as error:
            raise PolicyError("BH-POL-001", f"policy file {name} cannot be read: {error}") from error
    return texts


def validate(deployment: Deployment) -> list[PolicyError]:
    """Return what strict validation finds in a deployment's policies; empty means valid."""
    source = "\n".join(text for _, text in policy_texts(deployment))
    result = cedarpy.validate_policies(source, cedar.schema(deployment.charter))
    return [
        PolicyError(
            "BH-POL-003",
            f"a policy does not fit the charter: {error}",
            means="Its condition could fail when it is needed, so nothing is served with it.",
            fix="Compare names and types with `bridgehead check --policies`.",
        )
        for error in result.errors
    ]


def faults(deployment: Deployment) -> list[PolicyError]:
    """Return everything that would keep this deployment's policies from being served; empty means none."""
    try:
        found = validate(deployment)
        if not found:
            CedarPolicy(deployment)
    except PolicyError as error:
        return [error]
    return found


_ANNOTATED = re.compile(r"((?:@\w+\(\"(?:[^\"\\]|\\.)*\"\)\s*)+)(?:permit|forbid)\b")
_NOTE = re.compile(r"@(\w+)\((\"(?:[^\"\\]|\\.)*\")\)")
_STATEMENT = re.compile(r"\b(?:permit|forbid)\s*\(")


def _rules(texts: Sequence[tuple[str, str]]) -> dict[str, Rule]:
    """Return the rules by ``@id``; every policy must have one of its own, and words for people."""
    found: dict[str, Rule] = {}
    for name, text in texts:
        bare = _without_comments(text)
        places = list(_ANNOTATED.finditer(bare))
        if len(places) != len(_STATEMENT.findall(_without_strings(bare))):
            raise PolicyError(
                "BH-POL-004",
                f"{name} holds a policy without annotations",
                means="Its refusals could not be explained.",
                fix='Put @id("...") and @words("...") before every permit and forbid.',
            )
        for place in places:
            line = bare.count("\n", 0, place.start()) + 1
            try:
                notes = {key: json.loads(value, strict=False) for key, value in _NOTE.findall(place[1])}
            except ValueError as error:
                raise PolicyError(
                    "BH-POL-005",
                    f"{name}:{line} has an annotation that cannot be read: {error}",
                    fix="Write letters as they are; only a quote, a backslash and a new line are escaped.",
                    where=f"{name}:{line}",
                ) from error
            rule = Rule(
                id=notes.get("id", ""),
                words=notes.get("words", ""),
                source=notes.get("source") or f"{name}:{line}",
                ask=notes.get("ask", ""),
            )
            if not rule.id or not rule.words or rule.id in found:
                raise PolicyError(
                    "BH-POL-005",
                    f"{name}:{line} has no @id or @words of its own (@id is {rule.id!r})",
                    fix="Give every policy an @id nobody else uses, and @words that say why.",
                    where=f"{name}:{line}",
                )
            found[rule.id] = rule
    return found


def _without_comments(text: str) -> str:
    """Blank out ``//`` comments, keeping every line where it was."""
    return re.sub(r"(\"(?:[^\"\\]|\\.)*\")|//[^\n]*", lambda match: match[1] or "", text)


def _without_strings(text: str) -> str:
    return re.sub(r"\"(?:[^\"\\]|\\.)*\"", '""', text)


def _parsed(parse: Any, text: str, what: str) -> Any:
    try:
        return parse(text)
    except Exception as error:
        raise PolicyError(
            "BH-POL-002",
            f"{what} cannot be parsed: {error}",
            means="Without policies nothing is permitted, so nothing is served.",
            fix="Correct the file named above; `bridgehead check` shows the line.",
        ) from error


def _base_entities(deployment: Deployment) -> list[dict[str, Any]]:
    charter = deployment.charter
    operations = [
        _entity(("Operation", name), {"effect": rule.effect, "outward": rule.outward, "server": rule.server})
        for name, rule in charter.actions.items()
    ]
    models = [_entity(("Model", name), {"region": model.region}) for name, model in charter.models.items()]
    sources = [
        _entity(("Source", name), {"region": source.region, "tags": list(source.tags)})
        for name, source in charter.sources.items()
    ]
    collections = [
        _entity(("Collection", name), {"region": collection.region, "tags": list(collection.tags)})
        for name, collection in charter.collections.items()
    ]
    return operations + models + sources + collections


def _entity(uid: tuple[str, str], attributes: dict[str, Any]) -> dict[str, Any]:
    return {"uid": _uid(uid), "attrs": attributes, "parents": []}


def _uid(uid: tuple[str, str]) -> dict[str, str]:
    return {"type": f"BH::{uid[0]}", "id": uid[1]}


def _fault(what: str) -> Refuse:
    words = f"The policy engine could not decide ({what}), so it is refused."
    return Refuse(step=STEP, reasons=(Reason(rule="engine.fault", words=words),))


_NOTHING_PERMITS = Reason(rule="default.deny", words="No policy permits it.")
