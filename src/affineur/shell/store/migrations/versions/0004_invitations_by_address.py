"""Invitations may go to an address, whoever has it; and people can stop messages from somebody.

`role_invitation` is made anew rather than changed: no program has written to it before this revision.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Bring the schema from 0003 to 0004."""
    op.drop_table("role_invitation")
    op.create_table(
        "role_invitation",
        sa.Column("id", KEY, nullable=False),
        sa.Column("project_id", KEY, nullable=False),
        sa.Column("account_id", KEY, nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("address_key", sa.Text(), nullable=True),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("invited_by", KEY, nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("answered_at", sa.BigInteger(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_role_invitation_account_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["invited_by"], ["account.id"], name=op.f("fk_role_invitation_invited_by"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_role_invitation_project_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_role_invitation")),
    )
    for column in ("account_id", "address_key", "project_id"):
        op.create_index(op.f(f"ix_role_invitation_{column}"), "role_invitation", [column], unique=False)
    op.create_table(
        "message_block",
        sa.Column("account_id", KEY, nullable=False),
        sa.Column("sender_id", KEY, nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_message_block_account_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["sender_id"], ["account.id"], name=op.f("fk_message_block_sender_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "sender_id", name=op.f("pk_message_block")),
    )
    op.create_index(op.f("ix_message_block_sender_id"), "message_block", ["sender_id"], unique=False)
