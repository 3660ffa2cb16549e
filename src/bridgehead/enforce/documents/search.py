"""Steps 3 and 9 for a search: what may be searched, and whether what was found may still be read.

In: a crossing. Out: a ``Scope``, then the answer with its labels; or the refusal. A failed check of rights
refuses the whole search: never a part of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bridgehead.enforce.boundary import Boundary, Crossing
from bridgehead.enforce.documents.refused import RightsRefused
from bridgehead.enforce.documents.scope import Scope, scope
from bridgehead.kernel.access import Access
from bridgehead.kernel.decision import Reason, Refuse
from bridgehead.kernel.errors import ConnectError
from bridgehead.kernel.outcome import Done

MAX_QUERY = 4000
"""Characters a query may have."""


def confined(boundary: Boundary, crossing: Crossing, step: int) -> Scope | Refuse:
    """Return what the person whom the run serves may read through its agent, as it is now."""
    name = crossing.action.target
    try:
        _require_usable(boundary, crossing)
        human = crossing.run.principal.human()
        person = boundary.directory().people.get(human.id) if human is not None else None
        if human is None or person is None:
            raise RightsRefused("documents.nobody", "It is asked on nobody's behalf.")
        agent = crossing.run.principal.id if crossing.run.principal.kind == "agent" else ""
        acting = boundary.charter.agents.get(agent)
        if agent and acting is None:
            raise RightsRefused("documents.nobody", f"There is no agent {agent}.")
        return scope(
            name,
            boundary.charter.collections[name],
            (human.id, person),
            (agent, acting),
            _access(boundary, name),
            boundary.clock.now(),
        )
    except RightsRefused as refused:
        where = boundary.where("collections", name, *refused.place)
        return Refuse(step=step, reasons=(Reason(rule=refused.rule, words=refused.words, source=where),))


def checked(boundary: Boundary, crossing: Crossing, outcome: Done, step: int) -> Done | Refuse:
    """Return what was found with its labels, or refuse it: rights are asked for once more."""
    now = confined(boundary, crossing, step)
    if isinstance(now, Refuse):
        return now
    passages = outcome.value["passages"]
    if len(passages) > request(boundary, crossing, now)["limit"] or not all(
        now.permits(passage["document"]) for passage in passages
    ):
        # Which, and how many, would tell of documents that may not be read.
        words = "Rights changed while it was searched, so nothing is given; ask again."
        where = boundary.where("collections", now.collection)
        return Refuse(step=step, reasons=(Reason(rule="documents.changed", words=words, source=where),))
    return replace(outcome, labels=_labels(boundary, now, passages))


def is_answer(value: Any) -> bool:
    """Say whether a value is what a collection answers with: passages of documents, and how it searched."""
    passages = value.get("passages") if isinstance(value, dict) else None
    return (
        isinstance(passages, list)
        and isinstance(value.get("searched"), str)
        and all(
            isinstance(one, dict)
            and isinstance(one.get("document"), str)
            and isinstance(one.get("digest"), str)
            for one in passages
        )
    )


def request(boundary: Boundary, crossing: Crossing, found: Scope) -> dict[str, Any]:
    """Return what the collection is asked: nothing that may not be read takes part in it."""
    most = boundary.charter.collections[found.collection].passages
    return {
        "query": crossing.action.arguments["query"],
        "limit": min(most, crossing.action.arguments.get("limit") or most),
        "permits": found.permits,
        "rights": found.digest,
        "not_before": found.not_before,
    }


def _labels(
    boundary: Boundary, now: Scope, passages: list[dict[str, Any]]
) -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    region = boundary.charter.collections[now.collection].region
    return {
        f"passages.{number}": {
            "sources": (f"{now.collection}:{passage['document']}",),
            "tags": tuple(sorted(now.tags(passage["document"]))),
            "region": (region,),
            "integrity": ("untrusted",),
        }
        for number, passage in enumerate(passages)
    }


def _require_usable(boundary: Boundary, crossing: Crossing) -> None:
    arguments = crossing.action.arguments
    query, limit = arguments.get("query"), arguments.get("limit", 0)
    if set(arguments) - {"query", "limit"} or not isinstance(query, str) or not query.strip():
        raise RightsRefused("documents.query", "A collection is asked one query in words, and nothing else.")
    if len(query) > MAX_QUERY:
        raise RightsRefused("documents.query", f"A query has at most {MAX_QUERY} characters.")
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 0:
        raise RightsRefused("documents.query", "`limit` is how many passages are wanted.")


def _access(boundary: Boundary, name: str) -> Access | None:
    """Return the rights that come with the documents, as they are now; None where there are none."""
    if boundary.charter.collections[name].access is None:
        return None
    source = boundary.access.get(name)
    try:
        return source.now() if source is not None else None
    except ConnectError as error:
        # What is wrong with the file may name documents: `bridgehead documents` tells the operator.
        words = f"The rights of its documents cannot be read ({error.code}), so nothing is searched."
        raise RightsRefused("documents.rights", words, "access") from error
