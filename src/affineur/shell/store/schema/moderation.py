"""The tables of moderation: what is held, the cases behind it, reports and appeals."""

from __future__ import annotations

import sqlalchemy as sa

from .base import KEY, Moment, metadata

moderation_case = sa.Table(
    "moderation_case",
    metadata,
    # What moderators look into: opened by a report or by a hold, closed by a verdict.
    sa.Column("id", KEY, primary_key=True),
    sa.Column(
        "number", sa.Text, nullable=False, unique=True
    ),  # `core.moderation.reports.case_number`: what people are told
    sa.Column("project_id", sa.ForeignKey("project.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("opened_at", Moment, nullable=False),
    sa.Column("review_due_at", Moment),  # NULL once nothing is due
    sa.Column("taken_by", sa.ForeignKey("account.id", ondelete="SET NULL")),  # the moderator who works on it
    sa.Column("proposed", sa.Text),  # an act that waits for a second moderator …
    sa.Column("proposed_by", sa.ForeignKey("account.id", ondelete="SET NULL")),
    sa.Column("proposed_at", Moment),
    sa.Column("paged_at", Moment),  # when moderators were last called because of it
    sa.Column("closed_at", Moment),
    sa.Column("verdict", sa.Text),  # "upheld" or "dismissed"
)
sa.Index("ix_moderation_case_open", moderation_case.c.review_due_at, sqlite_where=moderation_case.c.closed_at.is_(None),
         postgresql_where=moderation_case.c.closed_at.is_(None))  # fmt: skip

case_note = sa.Table(
    "case_note",
    metadata,
    # What moderators write to each other about a case; never public. ``shown``: to the project's owners, too.
    sa.Column("id", KEY, primary_key=True),
    sa.Column("case_id", sa.ForeignKey("moderation_case.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("at", Moment, nullable=False),
    sa.Column("by", sa.ForeignKey("account.id", ondelete="SET NULL")),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("shown", sa.Boolean, nullable=False, server_default=sa.false()),
)

hold = sa.Table(
    "hold",
    metadata,
    # In force until it is lifted. One for each place, origin and dimension (safety, availability) at a time.
    sa.Column("id", KEY, primary_key=True),
    sa.Column("project_id", sa.ForeignKey("project.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("version", sa.Text),  # NULL: the whole project
    sa.Column("filename", sa.Text),  # NULL: the whole release
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("origin", sa.Text, nullable=False),
    sa.Column("code", sa.Text),
    sa.Column("reason", sa.Text),
    sa.Column("case_id", sa.ForeignKey("moderation_case.id", ondelete="SET NULL"), index=True),
    sa.Column("case_number", sa.Text),
    sa.Column("placed_at", Moment, nullable=False),
    sa.Column("placed_by", sa.ForeignKey("account.id", ondelete="SET NULL")),
    sa.Column("placed_as", sa.Text, nullable=False),  # the class of who placed it, as the journal has it
    sa.Column("lifted_at", Moment),
    sa.Column("lifted_by", sa.ForeignKey("account.id", ondelete="SET NULL")),
)

report = sa.Table(
    "report",
    metadata,
    sa.Column("id", KEY, primary_key=True),
    sa.Column("project_id", sa.ForeignKey("project.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("case_id", sa.ForeignKey("moderation_case.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("version", sa.Text),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("summary", sa.Text, nullable=False),
    sa.Column("evidence", sa.Text, nullable=False, server_default="[]"),  # JSON: links
    sa.Column("extra", sa.Text, nullable=False, server_default="{}"),  # JSON, as a scanner gave it
    sa.Column("reporter_id", sa.ForeignKey("account.id", ondelete="SET NULL"), index=True),
    sa.Column("network", sa.Text),  # a keyed digest of where it came from; one network has one vote
    sa.Column("at", Moment, nullable=False, index=True),
    sa.Column("verdict", sa.Text),
    sa.Column("decided_at", Moment),
)

appeal = sa.Table(
    "appeal",
    metadata,
    sa.Column("id", KEY, primary_key=True),
    sa.Column("case_id", sa.ForeignKey("moderation_case.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("account_id", sa.ForeignKey("account.id", ondelete="SET NULL")),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("answer", sa.Text),
    sa.Column("outcome", sa.Text),  # "lifted" or "kept"
    sa.Column("answered_at", Moment),
    sa.Column("answered_by", sa.ForeignKey("account.id", ondelete="SET NULL")),
)
