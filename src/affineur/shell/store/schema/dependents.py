"""The tables of dependents: who requires whom, and how far the journal was followed. All of it is derived.

What does not live here: what counts as a requirement (`core.dependents`), and how these rows are kept up and made
anew (`projections.dependents`).
"""

from __future__ import annotations

import sqlalchemy as sa

from .base import KEY, Moment, metadata

follower = sa.Table(
    "follower",
    metadata,
    # How far a projection that lives in this database has followed the journal.
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("serial", sa.BigInteger, nullable=False),
    sa.Column("at", Moment, nullable=False),
)

node = sa.Table(
    "node",
    metadata,
    # A project as the graph of dependencies knows it: one of ours, one of an upstream, or a name that somebody requires
    # and nobody has.
    sa.Column("id", KEY, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("source", sa.Text),  # "ours" or "upstream"; NULL: only named by others
    sa.Column("version", sa.Text),  # of its newest release that is not yanked
    sa.Column("requirements", sa.Integer, nullable=False),  # projects that it requires in any way
    sa.Column("dynamic", sa.Boolean, nullable=False),  # it has sdists only, and they say that their needs are dynamic
    sa.Column("serial", sa.BigInteger, nullable=False),  # of the entry after which it was looked at
    sa.Column("looked_at", Moment, nullable=False),
)

edge = sa.Table(
    "edge",
    metadata,
    # That a release of `dependent` requires `target`.
    sa.Column("target_id", KEY, primary_key=True, autoincrement=False),  # a `node`, as is …
    sa.Column("dependent_id", KEY, primary_key=True, autoincrement=False),
    sa.Column("version", sa.Text, primary_key=True),  # of the dependent
    sa.Column("kind", sa.SmallInteger, primary_key=True, autoincrement=False),  # a `core.dependents.edges.Kind`
    sa.Column("newest", sa.Boolean, nullable=False),  # else it is one that many still install
    sa.Column("specifier", sa.Text, nullable=False),
    sa.Column("condition", sa.Text, nullable=False),  # the environment marker, with its extras, as written
    sa.Index("ix_edge_dependent_id", "dependent_id"),
    sqlite_with_rowid=False,
)
