"""Offices and roles that groups of the company's sign-in gave are told from those given by hand."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Bring the schema from 0005 to 0006."""
    op.add_column("role", sa.Column("via", sa.Text(), nullable=True))
    op.add_column("account", sa.Column("company_office", sa.Text(), nullable=True))
