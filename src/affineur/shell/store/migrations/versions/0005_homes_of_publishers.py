"""Publishers are found by their home (issuer and owner), however many an index has.

No program has written to these tables before this revision, so no row needs a home worked out.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Bring the schema from 0004 to 0005."""
    for table in ("publisher", "pending_publisher"):
        op.add_column(table, sa.Column("home", sa.Text(), nullable=False, server_default=sa.text("''")))
        op.create_index(op.f(f"ix_{table}_home"), table, ["home"], unique=False)
