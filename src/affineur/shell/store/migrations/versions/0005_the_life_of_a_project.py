"""The life of a project: a column for each dimension of its standing, holds as rows, cases, reports and appeals."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Bring the schema from 0004 to 0005."""
    _widen()
    _moderation()
    _holds_become_rows()


def _widen() -> None:
    for column in (
        sa.Column("maintenance_since", sa.BigInteger(), nullable=True),
        sa.Column("unarchives_at", sa.BigInteger(), nullable=True),
        sa.Column("unarchive_asked_by", KEY, nullable=True),
        sa.Column("advice_since", sa.BigInteger(), nullable=True),
        sa.Column("replacements", sa.Text(), nullable=False, server_default="[]"),
        sa.Column("custody", sa.Text(), nullable=False, server_default="owned"),
        sa.Column("custody_since", sa.BigInteger(), nullable=True),
        sa.Column("custody_epoch", sa.Integer(), nullable=False, server_default="1"),
        sa.Column("wish", sa.Text(), nullable=False, server_default="none"),
        sa.Column("availability", sa.Text(), nullable=False, server_default="available"),
        sa.Column("availability_reason", sa.Text(), nullable=True),
        sa.Column("availability_since", sa.BigInteger(), nullable=True),
        sa.Column("withdraws_at", sa.BigInteger(), nullable=True),
        sa.Column("impact", sa.Text(), nullable=True),
        sa.Column("impact_since", sa.BigInteger(), nullable=True),
        sa.Column("impact_basis", sa.Text(), nullable=True),
        sa.Column("generation", sa.Integer(), nullable=False, server_default="1"),
        sa.Column("offered", sa.Boolean(), nullable=False, server_default=sa.true()),
    ):
        op.add_column("project", column)
    op.add_column("file", sa.Column("yanked_code", sa.Text(), nullable=True))
    yanked = sa.text("yanked")
    op.create_index("ix_file_yanked", "file", ["release_id"], sqlite_where=yanked, postgresql_where=yanked)
    op.add_column("journal", sa.Column("reason_code", sa.Text(), nullable=True))
    op.add_column("journal", sa.Column("moderation_case", sa.Text(), nullable=True))
    op.add_column("account", sa.Column("trusted_reporter", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column(
        "project_publisher", sa.Column("unconfirmed", sa.Boolean(), nullable=False, server_default=sa.false())
    )


def _moderation() -> None:
    op.create_table(
        "moderation_case",
        sa.Column("id", KEY, nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("project_id", KEY, nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("review_due_at", sa.BigInteger(), nullable=True),
        sa.Column("taken_by", KEY, nullable=True),
        sa.Column("proposed", sa.Text(), nullable=True),
        sa.Column("proposed_by", KEY, nullable=True),
        sa.Column("proposed_at", sa.BigInteger(), nullable=True),
        sa.Column("paged_at", sa.BigInteger(), nullable=True),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.Column("verdict", sa.Text(), nullable=True),
        *_references("moderation_case", project_id="project", taken_by="account", proposed_by="account"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_moderation_case")),
        sa.UniqueConstraint("number", name=op.f("uq_moderation_case_number")),
    )
    op.create_index(op.f("ix_moderation_case_project_id"), "moderation_case", ["project_id"])
    still_open = sa.text("closed_at IS NULL")
    op.create_index(
        "ix_moderation_case_open",
        "moderation_case",
        ["review_due_at"],
        sqlite_where=still_open,
        postgresql_where=still_open,
    )
    op.create_table(
        "case_note",
        sa.Column("id", KEY, nullable=False),
        sa.Column("case_id", KEY, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by", KEY, nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("shown", sa.Boolean(), nullable=False, server_default=sa.false()),
        *_references("case_note", case_id="moderation_case", by="account"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_note")),
    )
    op.create_index(op.f("ix_case_note_case_id"), "case_note", ["case_id"])
    op.create_table(
        "hold",
        sa.Column("id", KEY, nullable=False),
        sa.Column("project_id", KEY, nullable=False),
        sa.Column("version", sa.Text(), nullable=True),
        sa.Column("filename", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("case_id", KEY, nullable=True),
        sa.Column("case_number", sa.Text(), nullable=True),
        sa.Column("placed_at", sa.BigInteger(), nullable=False),
        sa.Column("placed_by", KEY, nullable=True),
        sa.Column("placed_as", sa.Text(), nullable=False),
        sa.Column("lifted_at", sa.BigInteger(), nullable=True),
        sa.Column("lifted_by", KEY, nullable=True),
        *_references("hold", project_id="project", placed_by="account", lifted_by="account"),
        sa.ForeignKeyConstraint(["case_id"], ["moderation_case.id"], name=op.f("fk_hold_case_id"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hold")),
    )
    op.create_index(op.f("ix_hold_project_id"), "hold", ["project_id"])
    op.create_index(op.f("ix_hold_case_id"), "hold", ["case_id"])
    op.create_table(
        "report",
        sa.Column("id", KEY, nullable=False),
        sa.Column("project_id", KEY, nullable=False),
        sa.Column("case_id", KEY, nullable=False),
        sa.Column("version", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False, server_default="[]"),
        sa.Column("extra", sa.Text(), nullable=False, server_default="{}"),
        sa.Column("reporter_id", KEY, nullable=True),
        sa.Column("network", sa.Text(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        *_references("report", project_id="project", case_id="moderation_case", reporter_id="account"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report")),
    )
    for column in ("project_id", "case_id", "reporter_id", "at"):
        op.create_index(op.f(f"ix_report_{column}"), "report", [column])
    op.create_table(
        "appeal",
        sa.Column("id", KEY, nullable=False),
        sa.Column("case_id", KEY, nullable=False),
        sa.Column("account_id", KEY, nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("answered_at", sa.BigInteger(), nullable=True),
        sa.Column("answered_by", KEY, nullable=True),
        *_references("appeal", case_id="moderation_case", account_id="account", answered_by="account"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appeal")),
    )
    op.create_index(op.f("ix_appeal_case_id"), "appeal", ["case_id"])


def _references(table: str, **columns: str) -> list[sa.ForeignKeyConstraint]:
    """Rows go with their project or case; what an account did stays when the account goes."""
    return [
        sa.ForeignKeyConstraint(
            [column],
            [f"{target}.id"],
            name=op.f(f"fk_{table}_{column}"),
            ondelete="SET NULL" if target == "account" else "CASCADE",
        )
        for column, target in columns.items()
    ]


def _holds_become_rows() -> None:
    op.execute(
        "INSERT INTO hold (project_id, kind, origin, reason, placed_at, placed_as) "
        "SELECT id, 'quarantined', 'ours', safety_reason, changed_at, 'operator' FROM project "
        "WHERE safety = 'quarantined'"
    )
    op.execute(sa.text("UPDATE project SET offered = :no WHERE safety = 'quarantined'").bindparams(no=False))
    op.drop_column("project", "safety")
    op.drop_column("project", "safety_reason")
