"""The tables of impact: every run that gave classes, and campaigns that give vouchers to people."""

from __future__ import annotations

import sqlalchemy as sa

from .base import KEY, Moment, metadata

impact_run = sa.Table(
    "impact_run",
    metadata,
    sa.Column("id", KEY, primary_key=True),
    sa.Column("at", Moment, nullable=False, index=True),
    sa.Column("last_day", sa.Text, nullable=False),  # the newest day whose downloads counted
    sa.Column("numbers", sa.Text, nullable=False),  # JSON: `core.impact.policy.Numbers`, as they were
    sa.Column("thresholds", sa.Text, nullable=False),  # JSON: `core.impact.policy.Thresholds`, as measured
    sa.Column("counts", sa.Text, nullable=False),  # JSON: projects by class
    sa.Column("projects", sa.BigInteger, nullable=False),
    sa.Column("facts", sa.Text, nullable=False),  # the file in the lake with every project's facts and its class
    sa.Column("sha256", sa.Text, nullable=False),  # of the classes: the same inputs come to the same
    sa.Column("applied", sa.Text, nullable=False),  # the last project whose class was written, and "" before the first
    sa.Column("state", sa.Text, nullable=False),  # "applying", "applied" or "dry"
    sa.Column("jumps", sa.Text, nullable=False),  # JSON: projects whose rise waits for somebody to look
)

campaign = sa.Table(
    "campaign",
    metadata,
    sa.Column("id", KEY, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),  # what is given, and how it is redeemed
    sa.Column("eligible", sa.Text, nullable=False),  # JSON: `core.impact.vouchers.Eligible`
    sa.Column("opens_at", Moment, nullable=False),
    sa.Column("closes_at", Moment, nullable=False),
    sa.Column("made_by", sa.ForeignKey("account.id", ondelete="SET NULL")),
    sa.Column("made_at", Moment, nullable=False),
)

voucher = sa.Table(
    "voucher",
    metadata,
    sa.Column("id", KEY, primary_key=True),
    sa.Column("campaign_id", sa.ForeignKey("campaign.id", ondelete="CASCADE"), nullable=False),
    sa.Column("code", sa.Text, nullable=False),  # whoever claimed it reads it again, so a digest would not do
    sa.Column("region", sa.Text, nullable=False),  # where it can be redeemed; empty: everywhere
    sa.Column("expires_at", Moment),
    sa.Column("account_id", sa.ForeignKey("account.id", ondelete="SET NULL"), index=True),
    sa.Column("claimed_at", Moment),
    # One a person and campaign, held by the database; NULLs differ from each other.
    sa.UniqueConstraint("campaign_id", "account_id"),
    sa.UniqueConstraint("campaign_id", "code"),
)
