"""The tables of the index itself: projects, releases, files, who has which role on them, and the journal."""

from __future__ import annotations

import sqlalchemy as sa

from .base import KEY, Moment, metadata

project = sa.Table(
    "project",
    metadata,
    sa.Column("id", KEY, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("display_name", sa.Text, nullable=False),
    sa.Column("lookalike", sa.Text, nullable=False, index=True),
    sa.Column("created_at", Moment, nullable=False, index=True),
    sa.Column("serial", sa.BigInteger, nullable=False),  # of the newest journal entry about this project …
    sa.Column("changed_at", Moment, nullable=False),  # … and its moment
    sa.Column("size_bytes", sa.BigInteger, nullable=False, default=0),
    sa.Column("file_limit_bytes", sa.BigInteger),
    sa.Column("total_limit_bytes", sa.BigInteger),
    sa.Column("maintenance", sa.Text, nullable=False, default="active"),
    sa.Column("maintenance_reason", sa.Text),
    sa.Column("advice", sa.Text, nullable=False, default="none"),
    sa.Column("advice_reason", sa.Text),
    sa.Column("maintenance_since", Moment),
    sa.Column("unarchives_at", Moment),  # when what one owner of a widely used project asked for takes effect …
    sa.Column("unarchive_asked_by", KEY),  # … and who that was: an account, by its id
    sa.Column("advice_since", Moment),
    sa.Column("replacements", sa.Text, nullable=False, server_default="[]"),  # JSON: [[name, specifier], …]
    sa.Column("custody", sa.Text, nullable=False, server_default="owned"),
    sa.Column("custody_since", Moment),
    sa.Column("custody_epoch", sa.Integer, nullable=False, server_default="1"),
    sa.Column("wish", sa.Text, nullable=False, server_default="none"),
    sa.Column("availability", sa.Text, nullable=False, server_default="available"),
    sa.Column("availability_reason", sa.Text),
    sa.Column("availability_since", Moment),
    sa.Column("withdraws_at", Moment),
    sa.Column("impact", sa.Text),
    sa.Column("impact_since", Moment),
    sa.Column("impact_basis", sa.Text),
    sa.Column("generation", sa.Integer, nullable=False, server_default="1"),
    # `core.life.standing.permits(…).offer` of this row and its holds, written with them: what lists of projects ask
    # for.
    sa.Column("offered", sa.Boolean, nullable=False, server_default=sa.true()),
    # Whether trusted publishers alone may upload; once switched off it still holds until the moment beside it.
    sa.Column("publishers_only", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("publishers_only_ends_at", Moment),
)

role = sa.Table(
    "role",
    metadata,
    sa.Column("project_id", sa.ForeignKey("project.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("account_id", sa.ForeignKey("account.id", ondelete="CASCADE"), primary_key=True, index=True),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("granted_at", Moment, nullable=False),
    sa.Column("granted_by", sa.ForeignKey("account.id", ondelete="SET NULL")),  # NULL: the index or its command line
    sa.Column("last_act_at", Moment),
    # "company": given by a group of the company's sign-in, which may take it back; "company-kept": no group comes to it
    # any more, and it stays until there is another owner.
    sa.Column("via", sa.Text),
)

release = sa.Table(
    "release",
    metadata,
    sa.Column("id", KEY, primary_key=True),
    sa.Column("project_id", sa.ForeignKey("project.id", ondelete="CASCADE"), nullable=False),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("created_at", Moment, nullable=False, index=True),
    sa.Column("summary", sa.Text),
    sa.Column("keywords", sa.Text),
    sa.Column(
        "core_metadata", sa.Text, nullable=False
    ),  # JSON of core.distributions.metadata.CoreMetadata, without the description
    sa.Column("description_html", sa.Text),
    sa.Column("description", sa.Text),  # as written; last, since it is the longest and the least often read
    sa.UniqueConstraint("project_id", "version"),
)

file = sa.Table(
    "file",
    metadata,
    sa.Column("id", KEY, primary_key=True),
    sa.Column("project_id", sa.ForeignKey("project.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("release_id", sa.ForeignKey("release.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("filename", sa.Text, nullable=False, unique=True),
    sa.Column("kind", sa.Text, nullable=False),  # "bdist_wheel" or "sdist"
    sa.Column("python_version", sa.Text, nullable=False),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False, unique=True),
    sa.Column("blake2b_256", sa.Text, nullable=False),
    sa.Column("md5", sa.Text, nullable=False),
    sa.Column("requires_python", sa.Text),
    sa.Column("metadata_sha256", sa.Text, index=True),  # of the blob served as `.metadata`; NULL: none is offered
    sa.Column("comment", sa.Text),
    sa.Column("uploaded_at", Moment, nullable=False),
    sa.Column("uploaded_by", sa.ForeignKey("account.id", ondelete="SET NULL")),
    sa.Column("uploaded_via", sa.Text),  # "token", "publisher", "import" or "console"; NULL: not known
    sa.Column("publisher", sa.Text),  # the trusted publisher as it was displayed then
    sa.Column("yanked", sa.Boolean, nullable=False, default=False),
    sa.Column("yanked_reason", sa.Text),
    sa.Column("yanked_code", sa.Text),  # a word of `core.life.lifecycle.YANK_CODES`
)
# The few that are yanked are found without reading all files (`statuses`).
sa.Index("ix_file_yanked", file.c.release_id, sqlite_where=file.c.yanked, postgresql_where=file.c.yanked)

burnt_filename = sa.Table(
    "burnt_filename",
    metadata,
    # Every file name ever accepted. A name whose file is gone is never given to other content.
    sa.Column("filename", sa.Text, primary_key=True),
    sa.Column("burnt_at", Moment, nullable=False),
)

journal = sa.Table(
    "journal",
    metadata,
    sa.Column("serial", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("event", sa.Text, nullable=False),
    sa.Column("project", sa.Text, nullable=False),
    sa.Column("version", sa.Text),
    sa.Column("filename", sa.Text),
    sa.Column("sha256", sa.Text),
    sa.Column("old", sa.Text, nullable=False),  # JSON
    sa.Column("new", sa.Text, nullable=False),  # JSON
    sa.Column("rule", sa.Text),
    sa.Column("reason", sa.Text),
    sa.Column("actor_class", sa.Text, nullable=False),
    sa.Column("hint", sa.Text, nullable=False),
    sa.Column("reason_code", sa.Text),
    sa.Column("moderation_case", sa.Text),
    sa.Column("previous", sa.Text, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
    sa.Column("actor", sa.Text),  # account name, for the operator only: outside the hash and outside every feed
    # With the serial: what is new about one project is found without reading what is old.
    sa.Index("ix_journal_project", "project", "serial"),
)

journal_head = sa.Table(
    "journal_head",
    metadata,
    # One row. Taking it for update is what puts writers in line, hence serials into commit order.
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("serial", sa.BigInteger, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
)

secret = sa.Table(
    "secret",
    metadata,
    # Keys that must outlive a restart and be the same in every worker (the request log's address key, say).
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.LargeBinary, nullable=False),
)
