"""The database, for reading; and the first migration, kept equal to ``store.tables`` until it is released."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy
from alembic.autogenerate import produce_migrations, render_python_code
from alembic.migration import MigrationContext

from bridgehead import __version__
from bridgehead.store import Store, migrations
from bridgehead.store.tables import metadata
from fixtures.golden import check_file, check_golden

FIRST = migrations.SCRIPTS / "versions" / "0001_first.py"
PRE_RELEASE = __version__ == "0.1.0"

HEAD = '''"""The first schema. `make golden` writes it until the first release; then it never changes."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create every table."""
'''


def test_the_schema_is_the_one_people_reviewed(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "store.db")
    with store.reading() as connection:
        statements = connection.exec_driver_sql(
            "select sql from sqlite_master where sql is not null order by tbl_name, type desc, name"
        ).scalars()
        text = "".join(f"{statement};\n\n" for statement in statements)
    store.close()
    lines = (line.replace("\t", "  ").rstrip() for line in text.splitlines())
    check_golden("db-schema.sql", "\n".join(lines).strip() + "\n")


@pytest.mark.skipif(not PRE_RELEASE, reason="0001 is released: later changes are migrations of their own")
def test_the_first_migration_says_what_tables_py_says() -> None:
    check_file(FIRST, _first())


def _first() -> str:
    engine = sqlalchemy.create_engine("sqlite://")
    with engine.connect() as connection:
        operations = produce_migrations(MigrationContext.configure(connection), metadata).upgrade_ops
    engine.dispose()
    assert operations is not None
    body = "\n".join(
        line for line in render_python_code(operations).splitlines() if not line.lstrip().startswith("#")
    )
    formatted = subprocess.run(
        [sys.executable, "-m", "ruff", "format", "--quiet", "--line-length", "110", "-"],
        input=HEAD + "    " + body.lstrip() + "\n", capture_output=True, text=True, check=True,
    )  # fmt: skip
    return formatted.stdout
