"""The tables of download statistics: which files the lake consists of, and how far each log was read.

They are the lake's list of contents. A data file is put first, and exists from the transaction that lists it here, in
which the position in the log moves as well: so each line counts once, wherever the collector was killed.
What does not live here: the numbers themselves, which are Parquet files (`shell.lake`) or in ClickHouse.
"""

from __future__ import annotations

import sqlalchemy as sa

from .base import Moment, metadata

lake_file = sa.Table(
    "lake_file",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),  # its path below the lake
    sa.Column("kind", sa.Text, nullable=False),  # a word of `core.downloads.tables.KINDS`
    sa.Column("first_day", sa.Text, nullable=False),  # "2026-01-31", UTC
    sa.Column("last_day", sa.Text, nullable=False),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("table_version", sa.Integer, nullable=False),  # of `core.downloads.classes`, by which it was classed
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("gone_at", Moment),  # since when others are in its place; it lingers for those who read it
    sa.Index("ix_lake_file_kind", "kind", "first_day"),
)

lake_batch = sa.Table(
    "lake_batch",
    metadata,
    # A batch that was taken in, by its name: the same name is taken in once.
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("taken_at", Moment, nullable=False),
)

lake_mark = sa.Table(
    "lake_mark",
    metadata,
    # How far the lake is in something, see `shell.store.lake.Mark`: a day that only moves forward.
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("day", sa.Text, nullable=False),
)

lake_log = sa.Table(
    "lake_log",
    metadata,
    # A log that is read, or was: the node it is on, its name, and a digest of its first line, by which a file that
    # took its name is told from it.
    sa.Column("source", sa.Text, primary_key=True),
    sa.Column("position", sa.BigInteger, nullable=False),  # bytes that are counted
    sa.Column("lines", sa.BigInteger, nullable=False),
    sa.Column("events", sa.BigInteger, nullable=False),
    sa.Column("unreadable", sa.BigInteger, nullable=False),
    # A batch on its way into a database that takes no part in our transactions: its name, by which it is taken once,
    # and the position that it reaches.
    sa.Column("batch", sa.Text),
    sa.Column("batch_end", sa.BigInteger),
    sa.Column("read_at", Moment, nullable=False),
)

lake_day = sa.Table(
    "lake_day",
    metadata,
    # A day whose events are newer than its roll-up has `rolled` false; `salt` makes the networks of one day
    # incomparable with those of another, and is deleted when the day is past.
    sa.Column("day", sa.Text, primary_key=True),
    sa.Column("rolled", sa.Boolean, nullable=False),
    sa.Column("salt", sa.LargeBinary),
    sa.Column("rolled_at", Moment),
)
