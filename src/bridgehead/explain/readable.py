"""Which documents of a collection somebody may read, each with the reason and the line that says so.

In: a deployment, a person, an agent, the documents there are, the rights that came with them. Out: values.
For who looks after the collection: it names documents that the person may not read.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from bridgehead.declare import Deployment
from bridgehead.declare.model import Charter
from bridgehead.enforce.documents.refused import RightsRefused
from bridgehead.enforce.documents.scope import Scope, scope
from bridgehead.kernel.access import Access
from bridgehead.kernel.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentSeen:
    """Whether somebody may read a document, ``why``, and ``where`` that is written."""

    document: str
    seen: bool
    why: str
    where: str
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Readable:
    """What somebody may read of a collection, or ``rule`` and ``words`` of why nothing is searched."""

    collection: str
    person: str
    agent: str
    documents: tuple[DocumentSeen, ...] = ()
    acl_synced_at: str = ""
    rule: str = ""
    words: str = ""
    where: str = ""


def readable(
    d: Deployment,
    person: str,
    collection: str,
    documents: Iterable[str],
    access: Access | None,
    now: datetime,
    *,
    agent: str = "",
) -> Readable:
    """Return what ``person`` may read, alone or through an agent.

    Raises ``ConfigError`` (BH-EXP-012) where the charter does not know one of them.
    """
    _require_all_known(d.charter, person, collection, agent)
    synced = access.synced_at.isoformat() if access else ""
    told = partial(Readable, collection=collection, person=person, agent=agent, acl_synced_at=synced)
    acting = (agent, d.charter.agents[agent] if agent else None)
    settings, asker = d.charter.collections[collection], (person, d.charter.people[person])
    try:
        found = scope(collection, settings, asker, acting, access, now)
    except RightsRefused as refused:
        where = d.where("collections", collection, *refused.place)
        return told(rule=refused.rule, words=refused.words, where=where)
    return told(documents=tuple(_seen(d, found, document) for document in documents))


def _seen(d: Deployment, found: Scope, document: str) -> DocumentSeen:
    standing = found.standing(document)
    return DocumentSeen(
        document=document,
        seen=standing.seen,
        why=standing.words,
        where=d.where("collections", found.collection, *standing.place),
        tags=tuple(sorted(found.tags(document))),
    )


def _require_all_known(charter: Charter, person: str, collection: str, agent: str) -> None:
    _require_known("person", person, charter.people)
    _require_known("collection", collection, charter.collections)
    if agent:
        _require_known("agent", agent, charter.agents)


def _require_known(what: str, name: str, known: Iterable[str]) -> None:
    names = list(known)
    if name not in names:
        raise ConfigError(
            "BH-EXP-012",
            f"the charter declares no {what} {name!r}",
            fix=f"Choose one of: {', '.join(names) or 'none is declared'}.",
        )
