"""Alembic's entry: run the migrations on the engine that ``store.migrations`` hands over."""

from alembic import context

from bridgehead.store.tables import metadata

engine = context.config.attributes["engine"]
with engine.connect() as connection:
    if engine.dialect.name == "sqlite":
        # One transaction for the whole upgrade: two processes that open a new store at once must
        # not both create the tables.
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    context.configure(connection=connection, target_metadata=metadata, transactional_ddl=False)
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
