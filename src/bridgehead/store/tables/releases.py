"""The releases of a deployment, and on a shared store their files."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Integer, LargeBinary, String, Table, Text

from bridgehead.store.tables.schema import metadata

release = Table(
    "release",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("parent", String(64), nullable=False, server_default=""),
    Column("charter", Text, nullable=False),  # the charter as canonical JSON
    Column("manifest", Text, nullable=False),  # path -> sha256, canonical JSON
    Column("activated_at", String(32), nullable=False),
    Column("activated_by", Text, nullable=False),
    Column("active", Integer, nullable=False, server_default="0"),
    # Everybody who ever made it the active release, as labels with a space between: none of them decides
    # under it.
    Column("activators", Text, nullable=False, server_default=""),
    # stopped: it was undone; none of its runs may act any more, and it is not activated again.
    Column("state", String(10), nullable=False, server_default="allowed"),
    Column("stopped_by", String(40), nullable=False, server_default=""),  # the undo
    CheckConstraint("state in ('allowed','stopped')", name="release_state"),
)

# A shared store holds the files of its releases, so that every machine can have them.
release_file = Table(
    "release_file",
    metadata,
    Column("release", String(64), primary_key=True),
    Column("path", Text, primary_key=True),
    Column("sha256", String(64), nullable=False),
    Column("executable", Integer, nullable=False, server_default="0"),
)

file_content = Table(
    "file_content",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("content", LargeBinary, nullable=False),
)
