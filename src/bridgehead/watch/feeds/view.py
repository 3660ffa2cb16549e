"""A table of a ``duckdb`` source as queries see it: a view of its declared columns, each of its type."""

from __future__ import annotations

from bridgehead.declare.model import Column, Table


def view(name: str, table: Table) -> str:
    """Return the view of a table that shows its declared columns, of their types, up to what it reads."""
    columns = kinds(table)
    shown = ", ".join(
        f"CAST({quoted(column)} AS {kind}) AS {quoted(column)}" for column, kind in columns.items()
    )
    schema = name.rpartition(".")[0]
    made = f"CREATE SCHEMA IF NOT EXISTS {quoted(schema)}; " if schema else ""
    return f"{made}CREATE VIEW {named(name)} AS SELECT {shown} FROM "  # noqa: S608 -- quoted names


def kinds(table: Table) -> dict[str, str]:
    """Return the declared type of each column."""
    return {column: told.type if isinstance(told, Column) else told for column, told in table.columns.items()}


def named(name: str) -> str:
    """Return a table's name as SQL writes it, with its schema."""
    schema, _, bare = name.rpartition(".")
    return f"{quoted(schema or 'main')}.{quoted(bare)}"


def quoted(name: str) -> str:
    """Return a name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    """Return a text as SQL writes it."""
    return "'" + value.replace("'", "''") + "'"
