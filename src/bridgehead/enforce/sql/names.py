"""Which name means which table: common table expressions are found by scope and given names of our own.

After this no name in the tree can be understood in two ways: what is still a plain name is a base table.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from bridgehead.enforce.sql.refused import SqlRefused
from bridgehead.enforce.sql.rights import Dialect


def folded(identifier: exp.Identifier, dialect: Dialect) -> str:
    """Return a name as the database reads it: PostgreSQL keeps the case of quoted names, others of none."""
    if dialect == "postgres" and identifier.quoted:
        return str(identifier.name)
    return str(identifier.name).lower()


def settle(tree: exp.Query, dialect: Dialect) -> list[exp.Table]:
    """Rename every common table expression, with all that refer to it; return the base tables."""
    scopes = _Scopes(tree, dialect)
    references = [node for node in tree.find_all(exp.Table) if isinstance(node.this, exp.Identifier)]
    base: list[exp.Table] = []
    # First look at all of them, then change: a changed name must not be met by a later look.
    found = [(node, scopes.meaning(node)) for node in references]
    for node, cte in found:
        if cte is None:
            base.append(node)
        else:
            refer(node, scopes.name_of(cte))
    scopes.rename()
    return base


class _Scopes:
    def __init__(self, tree: exp.Query, dialect: Dialect) -> None:
        self._dialect = dialect
        self._names: dict[int, str] = {}
        self._ctes: list[exp.CTE] = list(tree.find_all(exp.CTE))
        for number, cte in enumerate(self._ctes):
            self._names[id(cte)] = f"bh_c{number}"

    def meaning(self, table: exp.Table) -> exp.CTE | None:
        """Return the common table expression a name stands for; None for a base table."""
        if table.args.get("db") is not None:
            return None
        name = folded(table.this, self._dialect)
        for visible in self._visible(table):
            matches = [cte for cte in visible if self._called(cte) == name]
            if len(matches) > 1:
                raise SqlRefused("sql.names", f"WITH names {table.name} twice.")
            if matches:
                return matches[0]
        return None

    def _visible(self, node: exp.Expr) -> Iterator[list[exp.CTE]]:
        """Yield what each WITH around a node offers to it, the nearest first."""
        below: exp.Expr = node
        inside: exp.CTE | None = None
        above = node.parent
        while above is not None:
            if isinstance(above, exp.CTE):
                inside = above
            clause = above.args.get("with_")
            if isinstance(clause, exp.With):
                yield self._offered(clause, inside if below is clause else None)
            below, above = above, above.parent

    def _offered(self, clause: exp.With, within: exp.CTE | None) -> list[exp.CTE]:
        listed = list(clause.expressions)
        if within is None:
            return listed
        place = next(number for number, cte in enumerate(listed) if cte is within)
        later = {self._called(cte) for cte in listed[place + 1 :]}
        if clause.recursive or self._dialect == "sqlite":
            self._refuse_forward(listed[place], later)
            return listed[: place + 1]
        return listed[:place]

    def _refuse_forward(self, cte: exp.CTE, later: set[str]) -> None:
        """A name that comes later in a recursive WITH is read in different ways by different databases."""
        for table in cte.find_all(exp.Table):
            if isinstance(table.this, exp.Identifier) and folded(table.this, self._dialect) in later:
                raise SqlRefused("sql.names", f"{table.name} is used before WITH names it.")

    def _called(self, cte: exp.CTE) -> str:
        return folded(cte.args["alias"].this, self._dialect)

    def name_of(self, cte: exp.CTE) -> str:
        return self._names[id(cte)]

    def rename(self) -> None:
        for cte in self._ctes:
            cte.args["alias"].set("this", exp.to_identifier(self.name_of(cte), quoted=True))


def refer(table: exp.Table, name: str) -> None:
    """Point a reference at a new name; columns may still say the old one."""
    if table.args.get("alias") is None:
        table.set("alias", exp.TableAlias(this=table.this.copy()))
    elif table.args["alias"].this is None:
        table.args["alias"].set("this", table.this.copy())
    table.set("this", exp.to_identifier(name, quoted=True))
