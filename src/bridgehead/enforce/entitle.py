"""Step 3: whose data may this run touch? A run opened for one subject stays with that subject; SQL is
rewritten to what the person whom the run serves may see, whoever wrote it (``sql``), and a search is confined
to the documents they may read (``documents``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, func, or_, select

from bridgehead.declare.model import Source, seconds
from bridgehead.declare.parameters import fits
from bridgehead.enforce import arguments, renamed
from bridgehead.enforce.boundary import Boundary, Crossing
from bridgehead.enforce.documents import search
from bridgehead.enforce.documents.scope import Scope
from bridgehead.enforce.evidence import Evidence
from bridgehead.enforce.sql import grants
from bridgehead.enforce.sql.refused import SqlRefused
from bridgehead.enforce.sql.rewritten import Rewritten
from bridgehead.enforce.sql.rights import TableRight
from bridgehead.kernel.decision import Reason, Refuse
from bridgehead.store import tables as t

STEP = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What is asked of a source in place of what was asked: the only text that reaches it, with its values.

    ``places`` are the parts of the charter that gave each table it reads. ``claim`` is what a source with a
    second wall is told about the reader.
    """

    rewritten: Rewritten
    values: tuple[Any, ...]
    places: tuple[str, ...]
    claim: str = field(default="", repr=False)

    def recorded(self) -> dict[str, Any]:
        """Return what the body of the intent says about it. Values stay out: one of them keys the masks."""
        return {
            "sql": self.rewritten.sql,
            "tables": [right.label for right in self.rewritten.tables],
            "grants": list(self.places),
            "bounds": [_bounds(right) for right in self.rewritten.tables],
            "fenced": self.rewritten.fenced,
            "tags": sorted(self.rewritten.tags),
        }

    def columns(self) -> list[str]:
        """Return the columns an answer has by the statement's own words: those of one without a row, too."""
        return [label.column for label in self.rewritten.labels if label.column != "*"]

    def labels(self, columns: list[str]) -> dict[str, dict[str, tuple[str, ...]]]:
        """Return the labels of the columns of an answer.

        Columns that had one name in the database have the label of ``*``: which is which is not followed.
        """
        told = {label.column: label for label in self.rewritten.labels}
        sure = told.keys() - _shared([column.lower() for column in columns], told.keys())
        return {
            column: {"sources": tuple(sorted(label.sources)), "tags": tuple(sorted(label.tags))}
            for column in columns
            for label in (told[column.lower() if column.lower() in sure else "*"],)
        }


def _bounds(right: TableRight) -> dict[str, Any]:
    """Return what a table is narrowed to, as the charter declares it: no attribute of a person is in it."""
    masks = {column.name: column.mask for column in right.columns if column.mask is not None}
    return {
        "rows": right.rows,
        "masks": {name: {"kind": mask.kind, "size": mask.size} for name, mask in masks.items()},
        "at_least": right.at_least,
    }


_LONGEST_NAME = 63
"""Bytes of a name that no database cuts short (PostgreSQL's limit)."""


def _shared(columns: list[str], named: Collection[str]) -> set[str]:
    """Return the names that more than one column of an answer has, or had before a driver numbered them.

    ``max(iban)`` and ``region AS max`` come back as ``max`` and ``max_2``, in whatever order. A name that the
    statement itself gives is no such number, unless the database cut it short.
    """
    found = {name for name, times in Counter(columns).items() if times > 1}
    for name in columns:
        first, _, number = name.rpartition("_")
        own = name in named and len(name.encode()) <= _LONGEST_NAME
        if number.isdecimal() and first in columns and not own:
            found |= {first, name}
    return found


def confine(boundary: Boundary, crossing: Crossing, evidence: Evidence) -> Refuse | None:
    """Refuse what touches a record of anybody but the run's subject.

    Nothing that belongs to somebody may be touched before the run has identified whom it serves.
    """
    rule = crossing.rule(boundary)
    if rule is None or not rule.subject:
        return None
    workflow = boundary.charter.workflows[crossing.run.workflow]
    if not workflow.subject:
        return None
    source = boundary.where("actions", crossing.action.target, "subject")
    if not crossing.run.subject:
        words = f"The {workflow.subject} has not been identified yet."
        return _refuse("subject.unidentified", words, source)
    if rule.subject.startswith("result."):
        return None  # known only when it came back: step 9
    touched = arguments.follow(rule.subject, arguments=crossing.action.arguments, facts=evidence.facts)
    if touched != crossing.run.subject:
        words = f"It touches a record of another {workflow.subject} than the one this run serves."
        return _refuse("subject.other", words, source)
    return None


def _refuse(rule: str, words: str, source: str) -> Refuse:
    return Refuse(step=STEP, reasons=(Reason(rule=rule, words=words, source=source),))


Narrowed = Statement | Scope
"""What a read becomes: a statement in place of SQL, a scope around a search."""


def narrow(boundary: Boundary, crossing: Crossing) -> Narrowed | Refuse | None:
    """Return what may be asked of a source that declares its tables, or of a collection of documents.

    None for every other crossing.
    """
    if crossing.action.kind == "retrieve":
        return search.confined(boundary, crossing, STEP)
    if crossing.action.kind != "query":
        return None
    name, _, query = crossing.action.target.partition(".")
    source = boundary.charter.sources[name]
    if not source.tables:
        return None
    given = _entitled(boundary, crossing, name)
    if isinstance(given, Refuse):
        return given
    try:
        text, parameters = _asked(source, query, crossing.action.arguments)
        rights = renamed.as_stored(boundary, name, source, given.rights)
        rewritten = boundary.rewriter.rewrite(text, rights, tuple(parameters))
    except SqlRefused as refused:
        place = ("queries", query) if query else ("tables",)
        return _refuse(refused.rule, refused.words, boundary.where("sources", name, *place))
    return Statement(
        rewritten=rewritten,
        values=(*(parameters[asked] for asked in rewritten.asked), *rewritten.values),
        places=tuple(boundary.where(*given.why[right.label].place) for right in rewritten.tables),
        claim=_claim(boundary, name, source, given) if source.wall else "",
    )


def _entitled(boundary: Boundary, crossing: Crossing, name: str) -> grants.Entitled | Refuse:
    """Return what the person whom the run serves may see of a source, through its agent where it has one."""
    human = crossing.run.principal.human()
    person = boundary.directory().people.get(human.id) if human is not None else None
    if human is None or person is None:
        return _refuse("sql.nobody", "It is asked on nobody's behalf.", boundary.where("sources", name))
    agent = crossing.run.principal.id if crossing.run.principal.kind == "agent" else ""
    if agent and agent not in boundary.charter.agents:
        return _refuse("sql.nobody", f"There is no agent {agent}.", boundary.where("agents"))
    return grants.entitled(
        boundary.charter,
        name,
        human.id,
        person,
        agent,
        secret=boundary.mask_secret,
        version=boundary.deployment.digest,
        subject=crossing.run.subject,
    )


def _claim(boundary: Boundary, name: str, source: Source, given: grants.Entitled) -> str:
    from bridgehead.enforce.sql import claim, wall

    until = boundary.clock.now() + timedelta(seconds=seconds(source.deadline)) + claim.GRACE
    claimed = claim.payload(given, wall.digest_of(name, source), until)
    return claim.sign(claim.key_of(boundary.wall_secret, name), claimed)


def heed_questions(
    connection: Connection, boundary: Boundary, crossing: Crossing, statement: Narrowed | None
) -> Refuse | None:
    """Refuse, in the transaction of the claim, one question too many of a table that gives figures only.

    Every query of the source counts, also one that failed: that it failed is an answer too.
    """
    if not isinstance(statement, Statement):
        return None
    guarded = [right for right in statement.rewritten.tables if right.at_least]
    if not guarded:
        return None
    name = crossing.action.target.partition(".")[0]
    asked = connection.execute(
        select(func.count())
        .select_from(t.crossing)
        .where(
            t.crossing.c.run == crossing.run.id,
            t.crossing.c.position != crossing.position,
            t.crossing.c.kind == "query",
            t.crossing.c.attempt > 0,
            or_(t.crossing.c.target == name, t.crossing.c.target.startswith(f"{name}.", autoescape=True)),
        )
    ).scalar_one()
    tables = boundary.charter.sources[name].tables
    for right in guarded:
        most = tables[right.label].questions
        if asked >= most:
            words = (
                f"This run has asked {name} {asked} times; {most} are allowed where {right.label} is read."
            )
            where = boundary.where("sources", name, "tables", right.label, "questions")
            return _refuse("sql.questions", words, where)
    return None


def _asked(source: Source, query: str, arguments: Any) -> tuple[str, dict[str, Any]]:
    """Return the text that is asked and the values of its parameters, of the declared types."""
    if not query:
        text = arguments.get("sql")
        if set(arguments) != {"sql"} or not isinstance(text, str):
            raise SqlRefused("sql.parameters", "A source is asked one statement: its text, and nothing else.")
        return text, {}
    declared = source.queries[query]
    wrong = sorted(set(arguments) ^ set(declared.parameters))
    wrong += [
        name
        for name, kind in declared.parameters.items()
        if name in arguments and not fits(arguments[name], kind)
    ]
    if wrong:
        raise SqlRefused(
            "sql.parameters",
            f"Missing, unknown or of the wrong type for this query: {', '.join(wrong)[:200]}.",
        )
    return declared.sql, dict(arguments)
