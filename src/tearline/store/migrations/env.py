"""Run the revisions in the transaction that `tearline.store.schema` opened."""

from alembic import context

from tearline.store.database import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
context.run_migrations()
