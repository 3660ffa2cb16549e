"""The first schema."""

from alembic import op

from bridgehead.store.tables import metadata

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create every table. Frozen with the first release; later changes are migrations of their own."""
    metadata.create_all(op.get_bind(), checkfirst=True)
