"""Run revisions on the database that `exchange.store.migrate` names, one transaction each."""

from __future__ import annotations

from alembic import context
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from exchange.store.schema import metadata

attributes = context.config.attributes
engine = create_engine(attributes["url"], poolclass=NullPool)
with engine.connect() as connection:
    connection.execute(
        text("SELECT set_config('lock_timeout', :limit, false)"),
        {"limit": attributes["lock_timeout"]},
    )
    connection.commit()
    context.configure(
        connection=connection, target_metadata=metadata, transaction_per_migration=True
    )
    with context.begin_transaction():
        context.run_migrations()
