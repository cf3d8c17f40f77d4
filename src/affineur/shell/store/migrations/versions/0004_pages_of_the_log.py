"""A page of the security log costs its own length, however long the log is, whatever is asked for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Bring the schema from 0003 to 0004."""
    for name in ("account_id", "project"):
        op.drop_index(op.f(f"ix_security_event_{name}"), "security_event")
    for name, column in (("account", "account_id"), ("actor", "actor_id"), ("project", "project"), ("event", "event")):
        op.create_index(f"ix_security_event_{name}", "security_event", [column, "id"], unique=False)
    op.create_index("ix_security_event_event_outcome", "security_event", ["event", "outcome", "id"], unique=False)
    refused = sa.text("outcome = 'refused'")
    op.create_index(
        "ix_security_event_refused", "security_event", ["id"], sqlite_where=refused, postgresql_where=refused
    )
