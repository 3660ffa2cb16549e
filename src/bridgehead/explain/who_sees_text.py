"""Who may see what, as a text that somebody who owns the data reads and keeps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bridgehead.explain.who_sees import AgentSeen, GrantSeen, SourceSeen, TableSeen


def text_of(sources: Sequence[SourceSeen]) -> str:
    """Return every source, one after the other; ends with a line feed."""
    if not sources:
        return "The charter declares no source of data.\n"
    return "\n".join("\n".join(_source(source)) + "\n" for source in sources)


def _source(source: SourceSeen) -> Iterator[str]:
    yield f"Source {source.name} ({source.driver}, in {source.region})"
    if not source.tables:
        yield "  No tables are declared: only its named queries are asked, and they give everybody the same:"
        yield f"  {', '.join(source.queries) or 'there is none'}."
        return
    yield f"  An answer has at most {source.row_limit} rows."
    if source.wall:
        yield f"  Second wall: the grants are held inside the database too, by the views of {source.wall}."
    yield "  Of several grants of a table the first that names one of a person's groups holds."
    yield "  Who is named by none sees nothing of it. What an agent reads is never more than its person sees."
    for table in source.tables:
        yield ""
        yield from _table(table)
    if source.agents:
        yield ""
        yield "Agents"
        for agent in source.agents:
            yield from _agent(agent)


def _table(table: TableSeen) -> Iterator[str]:
    yield f"Table {table.name}  [{table.where}]"
    if table.at_least:
        yield (
            f"  Only figures over groups of at least {table.at_least} different {table.key} are given, and a "
            f"run asks at most {table.questions} questions."
        )
    if not table.grants:
        yield "  Nobody sees anything of it."
    for number, grant in enumerate(table.grants, 1):
        yield from _grant(number, grant)


def _grant(number: int, grant: GrantSeen) -> Iterator[str]:
    people = ", ".join(grant.people) or "nobody now"
    yield f"  {number}. {' or '.join(grant.groups)}: {people}  [{grant.where}]"
    if grant.refused:
        names = ", ".join(grant.refused)
        yield f"     refused {names}: their profiles do not say what the rows are filtered by"
    yield f"     rows    {grant.rows or 'those that satisfy the SQL'}"
    if grant.sql != "all":
        yield f"     in SQL  {grant.sql}"
    yield f"     shown   {', '.join(grant.columns('shown')) or 'no column as it is'}"
    for column in grant.columns("masked"):
        yield f"     masked  {column}: {grant.cells[column].words}"
    yield f"     denied  {', '.join(grant.columns('denied')) or 'no column'}"


def _agent(agent: AgentSeen) -> Iterator[str]:
    yield f"  {agent.name}, for {agent.sponsor} when nobody else is there  [{agent.where}]"
    if not agent.tables:
        yield "     reads no table"
        return
    for table, withheld in agent.tables.items():
        less = f", without {', '.join(withheld)}" if withheld else ""
        yield f"     reads {table}{less}"
    yield f"     cleared for {', '.join(agent.tags) or 'no tag'}"
