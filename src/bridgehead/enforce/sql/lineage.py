"""What each column of a query was made of, followed from the base tables up.

Kept conservative: what cannot be followed is made of everything the statement reads. A name means what its
own query says; where that does not know it, all that any query around it calls so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp

from bridgehead.enforce.sql.rights import TableRight

Sources = frozenset[str]
"""Columns of base tables: ``customers.iban``."""

NONE: Sources = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What a table or a query gives: its columns by their names in lower case, each with its sources.

    ``rest``: what columns are made of whose names are not known here. ``placed``: ``columns`` are all there
    are, in their order.
    """

    columns: Mapping[str, Sources]
    rest: Sources = NONE
    placed: bool = True

    @property
    def every(self) -> Sources:
        """Return what any of its columns is made of."""
        return self.rest.union(*self.columns.values())


Scope = Mapping[str, Given]
"""What a query reads from, by alias in lower case."""

Known = Mapping[str, Given]
"""Common table expressions, by the names of ours that they have."""


def _opaque(sources: Sources, names: Iterable[str] = ()) -> Given:
    return Given(columns=dict.fromkeys(names, sources), rest=sources, placed=False)


def _listed(pairs: Sequence[tuple[str, Sources]], rest: Sources = NONE, *, placed: bool = True) -> Given:
    """Of two columns with one name nobody here can say which is which."""
    columns = dict(pairs)
    if len(columns) < len(pairs):
        return _opaque(rest.union(*(sources for _, sources in pairs)), columns)
    return Given(columns=columns, rest=rest, placed=placed)


def _both(one: Given, other: Given) -> Given:
    names = [*one.columns, *other.columns]
    merged = {name: one.columns.get(name, NONE) | other.columns.get(name, NONE) for name in names}
    return Given(columns=merged, rest=one.rest | other.rest, placed=False)


def _renamed(given: Given, alias: exp.Expr | None) -> Given:
    """Return it under the column names of an alias, which are told by place."""
    names = [i.name.lower() for i in (alias.args.get("columns") or ())] if alias is not None else []
    if not names:
        return given
    if not given.placed:
        return _opaque(given.every, names)
    kept = enumerate(given.columns.items())
    return _listed([(names[n] if n < len(names) else name, sources) for n, (name, sources) in kept])


class Lineage:
    """Follows the columns of one statement; ``base`` are its base tables by the identity of their nodes."""

    def __init__(self, base: Mapping[int, TableRight]) -> None:
        self._base = base
        self._every = NONE.union(*(_columns(right).every for right in base.values()))

    def query(self, node: exp.Expr, known: Known, outer: Sequence[Scope] = ()) -> Given:
        """Return what a query gives; ``outer`` are the scopes around it, the nearest first."""
        known = self._with(node, known, outer)
        match node:
            case exp.Subquery():
                return self.query(node.this, known, outer)
            case exp.SetOperation():
                return self._combined(node, known, outer)
            case exp.Select():
                return self._select(node, known, outer)
        return _opaque(self._every)

    def _combined(self, node: exp.SetOperation, known: Known, outer: Sequence[Scope]) -> Given:
        left, right = self.query(node.this, known, outer), self.query(node.expression, known, outer)
        by_name = any(node.args.get(key) for key in ("by_name", "side", "kind"))
        if by_name or not (left.placed and right.placed) or len(left.columns) != len(right.columns):
            return _opaque(left.every | right.every)
        pairs = zip(left.columns.items(), right.columns.values(), strict=True)
        return _listed([(name, sources | other) for (name, sources), other in pairs])

    def _with(self, node: exp.Expr, known: Known, outer: Sequence[Scope]) -> Known:
        clause = node.args.get("with_")
        if clause is None:
            return known
        widened = dict(known)
        for cte in clause.expressions:
            alias = cte.args["alias"]
            made = self._recursive if clause.recursive else self.query
            given = made(cte.this, {**widened, alias.this.name: _opaque(self._every)}, outer)
            widened[alias.this.name] = _renamed(given, alias)
        return widened

    def _recursive(self, node: exp.Expr, known: Known, outer: Sequence[Scope]) -> Given:
        """A recursive one feeds itself: everything it reads may be in each of its columns."""
        given = self.query(node, known, outer)
        return Given(columns=dict.fromkeys(given.columns, self._every), rest=self._every, placed=given.placed)

    def _select(self, node: exp.Select, known: Known, outer: Sequence[Scope]) -> Given:
        inside = self._sources(node, known, outer)
        windows = [self._expression(part, inside, known, outer) for part in node.args.get("windows") or ()]
        pairs: list[tuple[str, Sources]] = []
        rest, placed = NONE, True
        for part in node.expressions:
            star = self._star(part, inside)
            if star is not None:
                pairs.extend(star.columns.items())
                rest, placed = rest | star.rest, placed and star.placed
                continue
            sources = self._expression(part, inside, known, outer, dict(pairs))
            sources = sources.union(*windows) if part.find(exp.Window) else sources
            # Of anything else each database makes a name of its own.
            sure = isinstance(part, exp.Alias | exp.Column)
            pairs.append((part.alias_or_name.lower() if sure else f"?{len(pairs)}", sources))
            rest = rest if sure else rest | sources
        return _listed(pairs, rest, placed=placed)

    def _star(self, projection: exp.Expr, inside: Scope) -> Given | None:
        """Return what a ``*`` gives; None for another projection."""
        star = projection.this if isinstance(projection, exp.Column) else projection
        if not isinstance(star, exp.Star):
            return None
        over = list(inside.values())
        if isinstance(projection, exp.Column):
            over = [inside[projection.table.lower()]] if projection.table.lower() in inside else []
        if not over or star.args.get("rename") or star.args.get("replace"):
            return _opaque(self._every)
        without = {part.name.lower() for part in star.args.get("except_") or ()}
        pairs = [pair for given in over for pair in given.columns.items() if pair[0] not in without]
        rest = NONE.union(*(given.rest for given in over))
        return _listed(pairs, rest, placed=len(over) == 1 and over[0].placed)

    def _expression(
        self,
        node: exp.Expr,
        inside: Scope,
        known: Known,
        outer: Sequence[Scope],
        aliases: Mapping[str, Sources] | None = None,
    ) -> Sources:
        """Return what an expression is made of; ``aliases`` are those before it, which DuckDB lets it use."""
        found, stack = NONE, [node]
        while stack:
            part = stack.pop()
            if isinstance(part, exp.Query) and part is not node:
                found |= self._inner(part, known, (inside, *outer))
            elif isinstance(part, exp.Column):
                found |= self._column(part, inside, outer, aliases or {})
            elif isinstance(part, exp.Star):
                found |= NONE if isinstance(part.parent, exp.Count) else self._every
            else:
                stack.extend(part.iter_expressions())
        return found

    def _column(
        self, column: exp.Column, inside: Scope, outer: Sequence[Scope], aliases: Mapping[str, Sources]
    ) -> Sources:
        """Return what a column is made of. A row as a whole, a part of a value: all it could be."""
        name, table = column.name.lower(), column.table.lower()
        if column.args.get("db") is not None:
            return self._every
        met = _met(name, table, inside)
        if met is not None:
            return met if table else met | aliases.get(name, NONE)
        around = [met for scope in outer if (met := _met(name, table, scope)) is not None]
        if not table and name in aliases:
            around.append(aliases[name])
        rests = [given.rest for scope in (inside, *outer) for given in scope.values()]
        return NONE.union(*around, *rests) if around else self._every

    def _inner(self, query: exp.Expr, known: Known, scopes: Sequence[Scope]) -> Sources:
        """Return everything a query in an expression reads, at any depth, and all it may name around it."""
        found = NONE.union(*(self._table(table, known).every for table in query.find_all(exp.Table)))
        for column in query.find_all(exp.Column):
            names = {column.name.lower(), column.table.lower()} - {""}
            for given_name, given in ((n, g) for scope in scopes for n, g in scope.items()):
                whole = given_name in names
                found |= given.every if whole else given.rest
                found = found.union(*(given.columns[n] for n in names if n in given.columns))
        return found

    def _sources(self, node: exp.Select, known: Known, outer: Sequence[Scope]) -> Scope:
        found: dict[str, Given] = {}
        clause = node.args.get("from_")
        if clause is not None:
            self._source(clause.this, known, found, outer)
        for join in node.args.get("joins") or ():
            self._joined(join, known, found, outer)
        for lateral in node.args.get("laterals") or ():
            self._source(lateral, known, found, outer)
        return found

    def _joined(self, join: exp.Join, known: Known, found: dict[str, Given], outer: Sequence[Scope]) -> None:
        before = set(found)
        self._source(join.this, known, found, outer)
        if join.kind in ("SEMI", "ANTI"):  # gives no columns: a name may mean one further out
            for name in found.keys() - before:
                found[name] = _opaque(self._every)

    def _source(self, part: exp.Expr, known: Known, found: dict[str, Given], outer: Sequence[Scope]) -> None:
        if isinstance(part, exp.Subquery) and isinstance(part.this, exp.Table | exp.Subquery):
            inner = found if part.args.get("alias") is None else {}
            self._source(part.this, known, inner, outer)
            given = None if inner is found else _opaque(self._every)
        else:
            given = self._read(part, known, (found, *outer))
        if given is not None:
            name = part.alias_or_name.lower() or f"?{len(found)}"
            found[name] = _both(found[name], given) if name in found else given
        for join in part.args.get("joins") or ():
            self._joined(join, known, found, outer)

    def _read(self, part: exp.Expr, known: Known, scopes: Sequence[Scope]) -> Given:
        """Return what one part of FROM gives; each may use what stands before it."""
        alias = part.args.get("alias")
        if isinstance(part, exp.Table) and isinstance(part.this, exp.Identifier):
            return _renamed(self._table(part, known), alias)
        inner = part.this if isinstance(part, exp.Lateral) else part
        if isinstance(inner, exp.Subquery):
            return _renamed(self.query(inner, known, scopes), alias)
        made = self._expression(inner, {}, known, scopes)  # UNNEST, VALUES, a series
        return _renamed(_opaque(made), alias)

    def _table(self, table: exp.Table, known: Known) -> Given:
        right = self._base.get(id(table))
        if right is not None:
            return _columns(right)
        return (
            known.get(table.name, _opaque(NONE)) if isinstance(table.this, exp.Identifier) else _opaque(NONE)
        )


def _met(name: str, table: str, scope: Scope) -> Sources | None:
    """Return what a scope calls so; None where it does not know the name."""
    if table:
        given = scope.get(table)
        return given.columns[name] | given.rest if given is not None and name in given.columns else None
    met = [given.columns[name] for given in scope.values() if name in given.columns]
    return NONE.union(*met, *(given.rest for given in scope.values())) if met else None


def _columns(right: TableRight) -> Given:
    return _listed([(c.name.lower(), frozenset({f"{right.label}.{c.name}"})) for c in right.columns])
