"""Alembic's entry: run the migrations on the engine that ``store.migrations`` hands over."""

from alembic import context

from bridgehead.store.tables import metadata

UPGRADE_LOCK = 0x6272696467656864  # "bridgehd", the key of PostgreSQL's advisory lock

engine = context.config.attributes["engine"]
with engine.connect() as connection:
    # One transaction, one process at a time: two that open a new store at once must not both
    # create the tables. The second one waits, then finds nothing left to do.
    if engine.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.exec_driver_sql("BEGIN")
        connection.exec_driver_sql(f"select pg_advisory_xact_lock({UPGRADE_LOCK})")
    context.configure(connection=connection, target_metadata=metadata, transactional_ddl=False)
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
