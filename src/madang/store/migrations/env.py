"""Alembic's entry: migrates through the connection that the store hands over."""

from alembic import context

from madang.store.upgrade import TABLES

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=TABLES[0], render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
