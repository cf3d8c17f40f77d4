"""The tables of webhooks: who is told of the journal at which address, and what became of each try."""

from __future__ import annotations

import sqlalchemy as sa

from .base import KEY, Moment, metadata

webhook = sa.Table(
    "webhook",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("project_id", sa.ForeignKey("project.id", ondelete="CASCADE"), index=True),  # NULL: the whole index
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("secret", sa.LargeBinary, nullable=False),  # it signs, so its digest would not do
    sa.Column("former_secret", sa.LargeBinary),  # signs as well, until …
    sa.Column("former_until", Moment),
    sa.Column("events", sa.Text, nullable=False),  # JSON list; empty: all
    sa.Column("hints", sa.Text, nullable=False),  # JSON list; empty: all
    sa.Column("made_by", sa.ForeignKey("account.id", ondelete="SET NULL")),
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("state", sa.Text, nullable=False),  # "active", "paused" or "off"
    sa.Column("position", sa.BigInteger, nullable=False),  # the last serial that was taken, or was not for it
    sa.Column("failures", sa.Integer, nullable=False),  # in a row, of the entry after its position
    sa.Column("failing_since", Moment),
    sa.Column("due_at", Moment, nullable=False),  # when the next entry may be tried
    sa.Column("took_ms", sa.Integer, nullable=False),  # by the last delivery: slow ones stand in a line of their own
    sa.Column("claim", sa.Text),  # whoever sends at present, and until when nobody else does
    sa.Column("claimed_until", Moment),
)

webhook_delivery = sa.Table(
    "webhook_delivery",
    metadata,
    sa.Column("id", KEY, primary_key=True),
    sa.Column("webhook_id", sa.ForeignKey("webhook.id", ondelete="CASCADE"), nullable=False),
    sa.Column("serial", sa.BigInteger),  # NULL: a ping
    sa.Column("asked", sa.Boolean, nullable=False),  # whether somebody asked for it: a ping, or once more
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("at", Moment, nullable=False, index=True),
    sa.Column("status", sa.Integer),
    sa.Column("error", sa.Text),
    sa.Column("answer", sa.Text, nullable=False),
    sa.Column("duration_ms", sa.Integer, nullable=False),
    sa.Column("next_at", Moment),  # when it is tried again, after a failure
    sa.Index("ix_webhook_delivery_webhook_id", "webhook_id", "id"),
)
