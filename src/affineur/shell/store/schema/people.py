"""The tables of people and machines: accounts, how they prove who they are, what they were offered, what happened.

Secrets are kept as digests wherever the secret itself is not needed to check a proof; where it is (keys of
tokens, TOTP secrets) whoever reads the database could act as its people, as they could by changing rows.
"""

from __future__ import annotations

import sqlalchemy as sa

from .base import KEY, Moment, metadata


def _account(*, name: str = "account_id", nullable: bool = False, index: bool = True) -> sa.Column[int]:
    """A reference to an account that goes, or is forgotten, together with it."""
    return sa.Column(
        name,
        sa.ForeignKey("account.id", ondelete="SET NULL" if nullable else "CASCADE"),
        nullable=nullable,
        index=index,
    )


account = sa.Table(
    "account",
    metadata,
    sa.Column("id", KEY, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column(
        "name_key", sa.Text, nullable=False, index=True, unique=True, server_default=sa.text("''")
    ),  # lower case: `Ann` is `ann`
    sa.Column("kind", sa.Text, nullable=False, server_default="person"),  # "person" or "automation"
    sa.Column("office", sa.Text),  # "operator", "moderator", "auditor" of the index itself, or NULL
    sa.Column("company_office", sa.Text),  # the office that groups of the company's sign-in gave, or NULL
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("password_hash", sa.Text),
    sa.Column("password_changed_at", Moment),
    # From when the second-factor ladder counts, for somebody who holds a role without one; else NULL.
    sa.Column("ladder_from", Moment),
    sa.Column("ladder_noticed_days", sa.Integer),  # the last rung (days left) that a notice went out for
    sa.Column("sponsors_short_from", Moment),  # of a machine: since when it has too few sponsors
    sa.Column("accepts_messages", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Column("trusted_reporter", sa.Boolean, nullable=False, server_default=sa.false()),  # a moderator said so
    sa.Column("frozen_at", Moment),
    sa.Column("frozen_reason", sa.Text),
    sa.Column("deleted_at", Moment),  # the row stays, emptied: a name is not given to somebody else
)

email = sa.Table(
    "email",
    metadata,
    sa.Column("id", KEY, primary_key=True),
    _account(),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("address_key", sa.Text, nullable=False, index=True),  # compared; two accounts never verify the same
    sa.Column("is_primary", sa.Boolean, nullable=False, default=False),
    sa.Column("added_at", Moment, nullable=False),
    sa.Column("verified_at", Moment),
    sa.Column("failed_at", Moment),  # since when mail to it is refused for good
)

session = sa.Table(
    "session",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),  # SHA-256 of the cookie's secret
    _account(),
    sa.Column("stage", sa.Text, nullable=False),  # "factor": a second factor is still asked for; "whole"
    sa.Column("via", sa.Text, nullable=False),  # "password", "company" or "passkey"
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("seen_at", Moment, nullable=False),
    sa.Column("expires_at", Moment, nullable=False, index=True),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("user_agent", sa.Text, nullable=False),
    sa.Column("device_id", sa.Text),
    sa.Column("stepped_up_at", Moment),
    sa.Column("stepped_up_with", sa.Text),  # "password", "company", "totp", "recovery" or "passkey"
    sa.Column("challenge", sa.LargeBinary),  # of a WebAuthn ceremony under way, used once
    sa.Column("challenge_at", Moment),
)

device = sa.Table(
    "device",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),  # SHA-256 of the device cookie's secret
    sa.Column("account_id", sa.ForeignKey("account.id", ondelete="CASCADE"), primary_key=True, index=True),
    sa.Column("first_seen_at", Moment, nullable=False),
    sa.Column("seen_at", Moment, nullable=False),
    sa.Column("user_agent", sa.Text, nullable=False),
)

factor = sa.Table(
    "factor",
    metadata,
    sa.Column("id", KEY, primary_key=True),
    _account(),
    sa.Column("kind", sa.Text, nullable=False),  # "passkey" or "totp"
    sa.Column("label", sa.Text, nullable=False),
    sa.Column("secret", sa.LargeBinary),  # of a TOTP app
    sa.Column("last_step", sa.BigInteger),  # the newest time step whose code was used: none is taken twice
    sa.Column("credential_id", sa.Text, unique=True),  # of a WebAuthn credential, Base64url
    sa.Column("public_key", sa.LargeBinary),
    sa.Column("sign_count", sa.BigInteger),
    sa.Column("transports", sa.Text),  # JSON list
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("last_used_at", Moment),
    sa.Column("suspended_at", Moment),  # its counter went back: there may be a copy of it
    sa.Column("removal_due_at", Moment),
)

recovery_code = sa.Table(
    "recovery_code",
    metadata,
    sa.Column("account_id", sa.ForeignKey("account.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("used_at", Moment),
)

recovery = sa.Table(
    "recovery",
    metadata,
    # Somebody who lost every factor asks to get back in; at most one is open per account.
    sa.Column("id", KEY, primary_key=True),
    _account(),
    sa.Column("opened_at", Moment, nullable=False),
    sa.Column("due_at", Moment, nullable=False),
    sa.Column("cancelled_at", Moment),
    sa.Column("completed_at", Moment),
    # Whether whoever opened it knew a password that no mail can have set.
    sa.Column("knows_password", sa.Boolean, nullable=False, server_default=sa.false()),
)

recovery_voucher = sa.Table(
    "recovery_voucher",
    metadata,
    # Who said "this is them". What was said counts on when its account goes: the wait stays what it was judged to be.
    sa.Column("id", KEY, primary_key=True),
    sa.Column("recovery_id", sa.ForeignKey("recovery.id", ondelete="CASCADE"), nullable=False),
    _account(nullable=True),  # NULL: the console
    sa.Column("is_operator", sa.Boolean, nullable=False),  # whether they were one then
    sa.Column("at", Moment, nullable=False),
    sa.UniqueConstraint("recovery_id", "account_id"),
)

ticket = sa.Table(
    "ticket",
    metadata,
    # What a link in a mail stands for. Used once.
    sa.Column("digest", sa.Text, primary_key=True),  # SHA-256 of the secret in the link
    sa.Column("purpose", sa.Text, nullable=False),
    sa.Column("account_id", sa.ForeignKey("account.id", ondelete="CASCADE"), index=True),
    sa.Column("subject", sa.Text, nullable=False),  # what it is about: an address, say
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("expires_at", Moment, nullable=False, index=True),
    sa.Column("used_at", Moment),
)

attempt = sa.Table(
    "attempt",
    metadata,
    # How often something was tried within a window of time (`core.people.throttle`).
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("count", sa.Integer, nullable=False),
    sa.Column("since", Moment, nullable=False, index=True),
)

identity = sa.Table(
    "identity",
    metadata,
    # Who somebody is at a company's sign-in.
    sa.Column("issuer", sa.Text, primary_key=True),
    sa.Column("subject", sa.Text, primary_key=True),
    _account(),
    sa.Column("linked_at", Moment, nullable=False),
)

token = sa.Table(
    "token",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),  # a UUID: the identifier of the macaroon
    sa.Column("account_id", sa.ForeignKey("account.id", ondelete="CASCADE"), index=True),
    sa.Column("publisher_id", sa.ForeignKey("publisher.id", ondelete="CASCADE"), index=True),
    sa.Column("label", sa.Text, nullable=False),
    sa.Column("key", sa.LargeBinary, nullable=False),  # root of the macaroon's chain
    sa.Column("caveats", sa.Text, nullable=False),  # JSON list: those it was made with, checked besides its own
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("expires_at", Moment),
    sa.Column("revoked_at", Moment),
    sa.Column("revoked_because", sa.Text),
    sa.Column("last_used_at", Moment),
    sa.Column("last_used_address", sa.Text),
    sa.Column("stepped_up_at", Moment),  # its owner confirmed it for a few minutes, with …
    sa.Column("stepped_up_with", sa.Text),
)

publisher = sa.Table(
    "publisher",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("issuer", sa.Text, nullable=False, index=True),
    sa.Column("fields", sa.Text, nullable=False),  # JSON object
    sa.Column("fingerprint", sa.Text, nullable=False, unique=True),
    sa.Column("created_at", Moment, nullable=False),
    # Issuer and owner, by which the publishers are found that a token can belong to.
    sa.Column("home", sa.Text, nullable=False, index=True),
)

project_publisher = sa.Table(
    "project_publisher",
    metadata,
    sa.Column("publisher_id", sa.ForeignKey("publisher.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("project_id", sa.ForeignKey("project.id", ondelete="CASCADE"), primary_key=True, index=True),
    _account(name="added_by", nullable=True, index=False),
    sa.Column("added_at", Moment, nullable=False),
    sa.Column("last_used_at", Moment),
    # JSON object: ids learnt from the first token. Kept per project: whoever registers first decides for nobody else.
    sa.Column("pins", sa.Text, nullable=False),
    # The project was unarchived since: a workflow that slept with it publishes when an owner says so again.
    sa.Column("unconfirmed", sa.Boolean, nullable=False, server_default=sa.false()),
)

pending_publisher = sa.Table(
    "pending_publisher",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("issuer", sa.Text, nullable=False, index=True),
    sa.Column("fields", sa.Text, nullable=False),
    sa.Column("fingerprint", sa.Text, nullable=False),
    sa.Column("project", sa.Text, nullable=False, index=True),  # a name, reserved for nobody
    _account(),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("expires_at", Moment, nullable=False),
    sa.Column("reminded_at", Moment),
    sa.Column("home", sa.Text, nullable=False, index=True),
    sa.UniqueConstraint("fingerprint", "project"),
)

spent_identity = sa.Table(
    "spent_identity",
    metadata,
    # Identity tokens that were exchanged, until they expire: none is taken twice.
    sa.Column("issuer", sa.Text, primary_key=True),
    sa.Column("jti", sa.Text, primary_key=True),
    sa.Column("expires_at", Moment, nullable=False, index=True),
)

role_invitation = sa.Table(
    "role_invitation",
    metadata,
    sa.Column("id", KEY, primary_key=True),
    sa.Column("project_id", sa.ForeignKey("project.id", ondelete="CASCADE"), nullable=False, index=True),
    # Whom it is for: an account that was named, or whoever has verified the address, be it before or after.
    sa.Column("account_id", sa.ForeignKey("account.id", ondelete="CASCADE"), index=True),
    sa.Column("address", sa.Text),
    sa.Column("address_key", sa.Text, index=True),
    sa.Column("role", sa.Text, nullable=False),
    _account(name="invited_by", nullable=True, index=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("expires_at", Moment, nullable=False),
    sa.Column("answered_at", Moment),
    sa.Column("answer", sa.Text),  # "accepted", "refused" or "withdrawn"
)

removal_proposal = sa.Table(
    "removal_proposal",
    metadata,
    sa.Column("id", KEY, primary_key=True),
    sa.Column("project_id", sa.ForeignKey("project.id", ondelete="CASCADE"), nullable=False, index=True),
    _account(),
    _account(name="proposed_by", nullable=True, index=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("due_at", Moment, nullable=False),
    sa.Column("settled_at", Moment),
    sa.Column("outcome", sa.Text),  # "removed", "consented", "objected", "withdrawn", "moderator" or "left"
    sa.Column("objection", sa.Text),
)

message_block = sa.Table(
    "message_block",
    metadata,
    # Whose messages through the relay somebody does not want.
    sa.Column("account_id", sa.ForeignKey("account.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("sender_id", sa.ForeignKey("account.id", ondelete="CASCADE"), primary_key=True, index=True),
    sa.Column("since", Moment, nullable=False),
)

sponsor = sa.Table(
    "sponsor",
    metadata,
    # The people who answer for a machine.
    sa.Column("machine_id", sa.ForeignKey("account.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("account_id", sa.ForeignKey("account.id", ondelete="CASCADE"), primary_key=True, index=True),
    sa.Column("since", Moment, nullable=False),
)

security_event = sa.Table(
    "security_event",
    metadata,
    # Appended to, never changed: triggers refuse it (`migrations/`). No reference to `account`, which may be emptied.
    sa.Column("id", KEY, primary_key=True),
    sa.Column("at", Moment, nullable=False, index=True),
    sa.Column("event", sa.Text, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),  # "done" or "refused"
    sa.Column("account_id", sa.BigInteger),  # whom it is about …
    sa.Column("account", sa.Text),
    sa.Column("actor_id", sa.BigInteger),  # … and who did it
    sa.Column("actor", sa.Text),
    sa.Column("project", sa.Text),
    sa.Column("rule", sa.Text),
    sa.Column("address", sa.Text),
    sa.Column("user_agent", sa.Text),
    sa.Column("facts", sa.Text, nullable=False),  # JSON object
    # Each with the id, in whose order the log is read: a page of it costs its own length, however long the log is.
    sa.Index("ix_security_event_account", "account_id", "id"),
    sa.Index("ix_security_event_actor", "actor_id", "id"),
    sa.Index("ix_security_event_project", "project", "id"),
    sa.Index("ix_security_event_event", "event", "id"),
    sa.Index("ix_security_event_event_outcome", "event", "outcome", "id"),
)
_REFUSED = security_event.c.outcome == sa.literal_column("'refused'")
sa.Index("ix_security_event_refused", security_event.c.id, sqlite_where=_REFUSED, postgresql_where=_REFUSED)


outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("id", KEY, primary_key=True),
    sa.Column("to_address", sa.Text, nullable=False),
    _account(nullable=True),
    sa.Column("template", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False, default=""),
    sa.Column("values", sa.Text, nullable=False),  # JSON object, emptied once it is sent: it may hold a link
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("due_at", Moment, nullable=False, index=True),
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("claimed_until", Moment),
    sa.Column("sent_at", Moment),
    sa.Column("failed_at", Moment),
    sa.Column("last_error", sa.Text),
)

idempotency = sa.Table(
    "idempotency",
    metadata,
    sa.Column("account_id", sa.ForeignKey("account.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("fingerprint", sa.Text, nullable=False),
    sa.Column("status", sa.Integer),  # NULL while the request is under way
    sa.Column("body", sa.LargeBinary),
    sa.Column("created_at", Moment, nullable=False, index=True),
)
