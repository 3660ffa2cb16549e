"""Where each column of an answer comes from: the columns it was made of, with their tags.

Kept conservative: what cannot be followed carries the labels of everything its query reads. What a
condition let through is not followed column by column: ``named`` says which tags the statement as a whole
rests on. Small groups are guarded by ``groups``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp

from bridgehead.enforce.sql.rights import TableRight


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A column of the answer (``*``: every column that has no label of its own), its sources and tags."""

    column: str
    sources: frozenset[str]
    tags: frozenset[str]


Columns = Mapping[str, frozenset[str]]
"""What a table, a query or a common table expression gives: column (in lower case) -> sources."""


def of(tree: exp.Query, found: Sequence[tuple[exp.Table, TableRight]]) -> tuple[Label, ...]:
    """Return the labels of a statement's answer; the last one is that of ``*``."""
    tags = {f"{right.label}.{column.name}": column.tags for _, right in found for column in right.columns}
    every = frozenset(tags)
    told = _Lineage({id(table): right for table, right in found}).query(tree, {})
    named = [
        Label(column=name, sources=sources, tags=_join(sources, tags))
        for name, sources in told.items()
        if name and name != "*" and not name.startswith("?")
    ]
    return (*named, Label(column="*", sources=every, tags=_join(every, tags)))


def named(tree: exp.Query, found: Sequence[tuple[exp.Table, TableRight]]) -> frozenset[str]:
    """Return the tags of every column a statement names anywhere: it may choose, count or order by it.

    By name alone, and so too many rather than too few: a row as a whole, columns renamed by their place and a
    NATURAL join name them all.
    """
    names = {part.name.lower() for part in tree.find_all(exp.Column)}
    names |= {part.name.lower() for join in tree.find_all(exp.Join) for part in join.args.get("using") or ()}
    whole = {table.alias_or_name.lower() for table, _ in found} & names
    placed = any(alias.args.get("columns") for alias in tree.find_all(exp.TableAlias))
    natural = any(str(join.args.get("method") or "").upper() == "NATURAL" for join in tree.find_all(exp.Join))
    every = bool(whole) or placed or natural
    columns = (column for _, right in found for column in right.columns)
    return frozenset(
        tag for column in columns if every or column.name.lower() in names for tag in column.tags
    )


def _join(sources: frozenset[str], tags: Mapping[str, frozenset[str]]) -> frozenset[str]:
    return frozenset(tag for source in sources for tag in tags.get(source, frozenset()))


class _Lineage:
    def __init__(self, base: Mapping[int, TableRight]) -> None:
        self._base = base

    def query(self, node: exp.Expr, known: Mapping[str, Columns]) -> dict[str, frozenset[str]]:
        """Return what a query gives. Names that are met twice carry both."""
        known = self._with(node, known)
        match node:
            case exp.Subquery():
                return self.query(node.this, known)
            case exp.SetOperation():
                left, right = self.query(node.this, known), self.query(node.expression, known)
                if len(left) != len(right):
                    both = frozenset().union(*left.values(), *right.values())
                    return dict.fromkeys(left, both)
                return {
                    name: sources | other
                    for (name, sources), other in zip(left.items(), right.values(), strict=True)
                }
            case exp.Select():
                return self._select(node, known)
        return {}

    def _with(self, node: exp.Expr, known: Mapping[str, Columns]) -> Mapping[str, Columns]:
        clause = node.args.get("with_")
        if clause is None:
            return known
        widened = dict(known)
        for cte in clause.expressions:
            alias = cte.args["alias"]
            if clause.recursive:
                # A recursive one feeds itself: everything it reads may be in each of its columns.
                given = self.query(cte.this, {**widened, alias.this.name: {}})
                everything = self._all(cte.this, widened)
                given = dict.fromkeys(given, everything)
            else:
                given = self.query(cte.this, widened)
            widened[alias.this.name] = self._renamed(given, alias)
        return widened

    def _select(self, node: exp.Select, known: Mapping[str, Columns]) -> dict[str, frozenset[str]]:
        inside = self._sources(node, known)
        given = [column for part in node.expressions for column in self._projection(part, inside, known)]
        told = dict(given)
        if len(told) < len(given):  # two of one name: which is which is told by place, and not followed
            everything = frozenset().union(*(sources for _, sources in given))
            return dict.fromkeys(told, everything)
        return told

    def _projection(
        self, projection: exp.Expr, inside: Mapping[str, Columns], known: Mapping[str, Columns]
    ) -> list[tuple[str, frozenset[str]]]:
        if isinstance(projection, exp.Star) and not projection.args.get("replace"):
            return [(name, sources) for columns in inside.values() for name, sources in columns.items()]
        if isinstance(projection, exp.Column) and isinstance(projection.this, exp.Star):
            return list(inside.get(projection.table.lower(), {}).items())
        # Of anything else each database makes a name of its own: it falls under ``*``.
        sure = isinstance(projection, exp.Alias | exp.Column)
        name = projection.alias_or_name.lower() if sure else f"?{id(projection)}"
        return [(name, self._expression(projection, inside, known))]

    def _expression(
        self, node: exp.Expr, inside: Mapping[str, Columns], known: Mapping[str, Columns]
    ) -> frozenset[str]:
        found: set[str] = set()
        everything = frozenset().union(
            *(s for columns in inside.values() for s in columns.values()), frozenset()
        )
        for part in node.walk():
            if isinstance(part, exp.Query):
                found |= self._all(part, known)
            elif isinstance(part, exp.Column):
                found |= self._column(part, inside, everything)
            elif isinstance(part, exp.Star) and not isinstance(part.parent, exp.Count | exp.Column):
                found |= everything
        return frozenset(found)

    def _column(
        self, column: exp.Column, inside: Mapping[str, Columns], everything: frozenset[str]
    ) -> frozenset[str]:
        name = column.name.lower()
        table = column.table.lower()
        places = [inside[table]] if table in inside else list(inside.values())
        met = [columns[name] for columns in places if name in columns]
        # A row as a whole, a column of an outer query, a name nobody knows: all it could be.
        return frozenset().union(*met) if met else everything

    def _sources(self, node: exp.Select, known: Mapping[str, Columns]) -> dict[str, Columns]:
        found: dict[str, Columns] = {}
        clause = node.args.get("from_")
        parts = [clause.this] if clause is not None else []
        parts += [join.this for join in node.args.get("joins") or ()]
        parts += list(node.args.get("laterals") or ())
        for number, part in enumerate(parts):
            self._source(part, known, found, number)
        return found

    def _source(
        self, part: exp.Expr, known: Mapping[str, Columns], found: dict[str, Columns], number: int
    ) -> None:
        name = part.alias_or_name.lower() or f"?{number}"
        if isinstance(part, exp.Table):
            found[name] = self._renamed(self._table(part, known), part.args.get("alias"))
        elif isinstance(part, exp.Subquery) and isinstance(part.this, exp.Table | exp.Subquery):
            self._source(part.this, known, found, number)
        elif isinstance(part, exp.Subquery):
            found[name] = self._renamed(self.query(part, known), part.args.get("alias"))
        else:  # LATERAL, UNNEST, VALUES: made of whatever stands before it
            before = frozenset().union(
                *(s for columns in found.values() for s in columns.values()), frozenset()
            )
            alias = part.args.get("alias")
            columns = alias.args.get("columns") if alias is not None else ()
            found[name] = {identifier.name.lower(): before for identifier in columns or ()}
        for join in part.args.get("joins") or ():
            self._source(join.this, known, found, number)

    def _table(self, table: exp.Table, known: Mapping[str, Columns]) -> Columns:
        right = self._base.get(id(table))
        if right is not None:
            return {c.name.lower(): frozenset({f"{right.label}.{c.name}"}) for c in right.columns}
        if isinstance(table.this, exp.Identifier):
            return known.get(table.name, {})
        return {}

    def _renamed(self, columns: Columns, alias: exp.Expr | None) -> dict[str, frozenset[str]]:
        names = [i.name.lower() for i in (alias.args.get("columns") or ())] if alias is not None else []
        kept = list(columns.items())
        return {
            (names[place] if place < len(names) else name): sources
            for place, (name, sources) in enumerate(kept)
        }

    def _all(self, node: exp.Expr, known: Mapping[str, Columns]) -> frozenset[str]:
        """Return everything a query reads, at any depth."""
        found: set[str] = set()
        for table in node.find_all(exp.Table):
            for sources in self._table(table, known).values():
                found |= sources
        return frozenset(found)
