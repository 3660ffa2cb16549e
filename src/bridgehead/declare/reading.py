"""What a deployment reads with SQL: its sources, and what of each table people may see.

Nothing is seen that is not declared: a table without a grant for one of somebody's groups is not there for
them, nor is a column that the grant does not show or mask.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, field_validator, model_validator

from bridgehead.declare.part import Name, Part, Words, is_duration

TableName = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,62}(\.[A-Za-z_][A-Za-z0-9_]{0,62})?$")
]
"""``table`` or ``schema.table``, in the database's own case."""

ColumnName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_ ]{0,62}$")]


class SqlQuery(Part):
    """One query written by people, with named parameters (`:name`)."""

    sql: Words = Field(description="A single SELECT.")
    parameters: dict[str, Literal["text", "integer", "number"]] = Field(
        default_factory=dict, description="The named parameters of the text, with their types."
    )
    description: str = Field(default="", description="What it is for.")


class Column(Part):
    """A column: its type in the database's words, and what kind of data it holds."""

    type: Words = Field(description="Its SQL type, e.g. `text`, `numeric(12,2)`, `date`.")
    tags: list[Name] = Field(default_factory=list, description="What kind of data it holds, e.g. `pii`.")


class Bucket(Part):
    """Numbers rounded down to a multiple."""

    bucket: int = Field(ge=1, description="The multiple, e.g. 1000.")


MaskName = Literal["null", "hash", "last4", "month", "year"]


class Grant(Part):
    """What some people see of a table. Of several, the first that names one of their groups holds."""

    to: list[Name] = Field(min_length=1, description="Groups it is for: ids under `groups`.")
    rows: str = Field(
        description="`all`, or an SQL condition over the table's columns with `:attribute` places, e.g. "
        "`region = :region`. A place takes the value from the person's `attributes`."
    )
    show: list[ColumnName] = Field(default_factory=list, description="Columns shown as they are.")
    mask: dict[ColumnName, MaskName | Bucket] = Field(
        default_factory=dict,
        description="Columns shown changed: `null` (nothing), `hash` (a keyed digest, equal for equal "
        "values), `last4` (the last four characters), `month`, `year` (dates cut), `{bucket: 1000}` (numbers "
        "rounded down). The type stays.",
    )


class Feed(Part):
    """A folder into which somebody else drops the batches of a table."""

    folder: Words = Field(
        description="The drop folder, absolute or relative to the deployment folder; outside of what a "
        "release holds."
    )
    files: str = Field(
        default="*",
        pattern=r"^[^/\\\x00]{1,255}$",
        description="Which files are batches, as a pattern of names, e.g. `orders_*.csv`: .csv, .tsv, "
        ".parquet, .jsonl, .ndjson or .json.",
    )
    holds: Literal["all", "new"] = Field(
        description="`all`: a batch is the whole table and takes the place of the one before. `new`: it "
        "holds new rows, which add up."
    )
    complete_by: Literal["rename", "manifest"] = Field(
        default="rename",
        description="How the sender says that a batch is complete: by renaming the file to its final name, "
        "or by a manifest beside it that names size and SHA-256.",
    )


class Table(Part):
    """A table that SQL may name."""

    columns: dict[ColumnName, str | Column] = Field(
        min_length=1, description="Its columns: `name: TYPE`, or `name: {type, tags}`. Others are not seen."
    )
    grants: list[Grant] = Field(description="Who sees what of it, the first that fits.")
    file: str = Field(
        default="",
        description="For `duckdb`: the Parquet, CSV or SQLite file that is this table, relative to the "
        "deployment folder.",
    )
    feed: Feed | None = Field(
        default=None,
        description="For `duckdb`: the table comes in batches. Each is copied, checked against the contract "
        "and then published, or kept apart; a run reads what was published when it first read the table.",
    )
    at_least: int = Field(
        default=0,
        ge=0,
        description="Give figures over groups only, each over at least so many different values of `key`; "
        "0: rows may be read one by one. It slows inference and does not end it.",
    )
    key: str = Field(default="", description="With `at_least`: the column that says who is who.")
    questions: int = Field(
        default=20, ge=1, description="With `at_least`: how many queries of its source one run may ask."
    )

    @model_validator(mode="after")
    def _has_key(self) -> Table:
        if self.at_least and not self.key:
            raise ValueError("`at_least` needs a `key`")
        return self

    @model_validator(mode="after")
    def _one_origin(self) -> Table:
        if self.file and self.feed is not None:
            raise ValueError("a table has a `file` or a `feed`, not both")
        return self


class Source(Part):
    """A database the deployment reads: through SQL of any author, or through named queries only."""

    driver: Literal["sqlite", "duckdb", "postgresql"] = Field(
        description="`sqlite`: a file. `duckdb`: a file, or files that are tables (extra `duckdb`). "
        "`postgresql`: a server (extra `postgresql`)."
    )
    path: str = Field(
        default="", description="For `sqlite` and `duckdb`: file, relative to the deployment folder."
    )
    address: str = Field(
        default="",
        description="For `postgresql`: environment variable that holds its address, of a role that can do "
        "nothing but read what is declared here.",
    )
    wall: str = Field(
        default="",
        pattern=r"^([a-z][a-z0-9_]{0,39})?$",
        description="For `postgresql`: the schema, and the role that reads it, of views that hold the grants "
        "inside the database: the second wall. `bridgehead entitle install` makes it; `address` is then that "
        "role's.",
    )
    region: str = Field(description="Where the data are.")
    tags: list[Name] = Field(default_factory=list, description="What kind of data it holds, e.g. `pii`.")
    tables: dict[TableName, Table] = Field(
        default_factory=dict,
        description="Tables that SQL may name, and what each person sees of them. Where there are any, named "
        "queries see no more.",
    )
    queries: dict[Name, SqlQuery] = Field(default_factory=dict, description="Its named queries.")
    contract: str = Field(
        default="",
        description="Its data contract (ODCS v3): a file in the deployment folder. What breaks it changes "
        "what its readers may do, before their next call.",
    )
    check_every: str = Field(
        default="1h",
        description="How long a look at the contract counts; what was not looked at for longer is taken for "
        "broken. While work is carried, it is looked at twice as often.",
    )
    row_limit: int = Field(default=1000, ge=1, le=100_000, description="Rows one query may return.")
    deadline: str = Field(default="30s", description="How long one query may take.")

    _durations = field_validator("deadline", "check_every")(is_duration)

    @model_validator(mode="after")
    def _watched(self) -> Source:
        if self.contract and not self.tables:
            raise ValueError(
                "a source with a `contract` declares its `tables`: so it is known who reads what"
            )
        return self

    @model_validator(mode="after")
    def _reached(self) -> Source:
        if self.driver == "postgresql" and (not self.address or self.path):
            raise ValueError("a `postgresql` source has an `address` and no `path`")
        if self.driver != "postgresql" and self.wall:
            raise ValueError("only a `postgresql` source has a `wall`")
        if self.driver == "sqlite" and not self.path:
            raise ValueError("a `sqlite` source has a `path`")
        if self.driver != "sqlite" and not self.tables:
            raise ValueError(f"a `{self.driver}` source declares its `tables`")
        whole = all(table.file or table.feed for table in self.tables.values())
        if self.driver == "duckdb" and not self.path and not whole:
            raise ValueError("a `duckdb` source has a `path`, or each of its tables a `file` or a `feed`")
        return self

    @model_validator(mode="after")
    def _fed(self) -> Source:
        if not self.feeds:
            return self
        if self.driver != "duckdb" or self.path:
            raise ValueError("only tables of a `duckdb` source without a `path` have a `feed`")
        if not self.contract:
            raise ValueError("a source with a `feed` has a `contract`: what is not checked is not published")
        return self

    @property
    def feeds(self) -> dict[str, Feed]:
        """Return the feeds of its tables, by the table's name."""
        return {name: table.feed for name, table in self.tables.items() if table.feed is not None}
