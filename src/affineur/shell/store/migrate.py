"""Schema changes over time, through Alembic. Loaded only where a schema is made or changed: its import is dear."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config


def upgrade(engine: sa.Engine) -> None:
    """Run every migration the database has not seen, in one transaction. Safe to call at any time."""
    with engine.execution_options(affineur_write=True).begin() as connection:
        command.upgrade(configuration(connection), "head")


def configuration(connection: sa.Connection) -> Config:
    """Alembic's configuration for ``connection``."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config
