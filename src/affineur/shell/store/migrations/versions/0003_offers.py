"""Offers: publishers of projects, invitations, proposals, who answers for a machine, whose messages are stopped."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Bring the schema from 0002 to 0003."""
    op.create_table(
        "project_publisher",
        sa.Column("publisher_id", sa.Text(), nullable=False),
        sa.Column("project_id", KEY, nullable=False),
        sa.Column("added_by", KEY, nullable=True),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.Column("last_used_at", sa.BigInteger(), nullable=True),
        sa.Column("pins", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["added_by"], ["account.id"], name=op.f("fk_project_publisher_added_by"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_project_publisher_project_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["publisher_id"], ["publisher.id"], name=op.f("fk_project_publisher_publisher_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("publisher_id", "project_id", name=op.f("pk_project_publisher")),
    )
    op.create_index(op.f("ix_project_publisher_project_id"), "project_publisher", ["project_id"], unique=False)
    op.create_table(
        "pending_publisher",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("fields", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("home", sa.Text(), nullable=False),
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("account_id", KEY, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("reminded_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_pending_publisher_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pending_publisher")),
        sa.UniqueConstraint("fingerprint", "project", name=op.f("uq_pending_publisher_fingerprint_project")),
    )
    op.create_index(op.f("ix_pending_publisher_account_id"), "pending_publisher", ["account_id"], unique=False)
    op.create_index(op.f("ix_pending_publisher_issuer"), "pending_publisher", ["issuer"], unique=False)
    op.create_index(op.f("ix_pending_publisher_home"), "pending_publisher", ["home"], unique=False)
    op.create_index(op.f("ix_pending_publisher_project"), "pending_publisher", ["project"], unique=False)
    op.create_table(
        "spent_identity",
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("jti", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("issuer", "jti", name=op.f("pk_spent_identity")),
    )
    op.create_index(op.f("ix_spent_identity_expires_at"), "spent_identity", ["expires_at"], unique=False)
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
    op.create_index(op.f("ix_role_invitation_account_id"), "role_invitation", ["account_id"], unique=False)
    op.create_index(op.f("ix_role_invitation_address_key"), "role_invitation", ["address_key"], unique=False)
    op.create_index(op.f("ix_role_invitation_project_id"), "role_invitation", ["project_id"], unique=False)
    op.create_table(
        "removal_proposal",
        sa.Column("id", KEY, nullable=False),
        sa.Column("project_id", KEY, nullable=False),
        sa.Column("account_id", KEY, nullable=False),
        sa.Column("proposed_by", KEY, nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("objection", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_removal_proposal_account_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_removal_proposal_project_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["proposed_by"], ["account.id"], name=op.f("fk_removal_proposal_proposed_by"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_removal_proposal")),
    )
    op.create_index(op.f("ix_removal_proposal_account_id"), "removal_proposal", ["account_id"], unique=False)
    op.create_index(op.f("ix_removal_proposal_project_id"), "removal_proposal", ["project_id"], unique=False)
    op.create_table(
        "sponsor",
        sa.Column("machine_id", KEY, nullable=False),
        sa.Column("account_id", KEY, nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_sponsor_account_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["machine_id"], ["account.id"], name=op.f("fk_sponsor_machine_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("machine_id", "account_id", name=op.f("pk_sponsor")),
    )
    op.create_index(op.f("ix_sponsor_account_id"), "sponsor", ["account_id"], unique=False)
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
