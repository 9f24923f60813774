"""Alembic's environment: runs a migration on the connection that migrate.py passes.

The migration's transactions belong to Alembic, so that a migration can commit between its steps.
"""

from alembic import context

from receiver.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.execute(context.config.attributes["on_begin"])
    context.run_migrations()
