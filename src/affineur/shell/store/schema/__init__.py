"""The tables. Every fact of the index is a row here; pages, links and search are projections of them.

`index` has projects, files and the journal; `moderation` what is held and why; `people` accounts and what belongs to
them; `downloads` what statistics consist of; `dependents` who requires whom; `impact` its runs, and vouchers;
`webhooks` who is told; `base` the types that all are made of. What does not live here: how tables came to be
(`migrations/`), and questions to them (`projects`, `accounts`, `journal` and their neighbours).
"""

from .base import Moment, metadata
from .dependents import edge, follower, node
from .downloads import lake_batch, lake_day, lake_file, lake_log, lake_mark
from .impact import campaign, impact_run, voucher
from .index import burnt_filename, file, journal, journal_head, project, release, role, secret
from .moderation import appeal, case_note, hold, moderation_case, report
from .people import (
    account,
    attempt,
    device,
    email,
    factor,
    idempotency,
    identity,
    message_block,
    outbox,
    pending_publisher,
    project_publisher,
    publisher,
    recovery,
    recovery_code,
    recovery_voucher,
    removal_proposal,
    role_invitation,
    security_event,
    session,
    spent_identity,
    sponsor,
    ticket,
    token,
)
from .webhooks import webhook, webhook_delivery

__all__ = [
    "Moment",
    "account",
    "appeal",
    "attempt",
    "burnt_filename",
    "campaign",
    "case_note",
    "device",
    "edge",
    "email",
    "factor",
    "file",
    "follower",
    "hold",
    "idempotency",
    "identity",
    "impact_run",
    "journal",
    "journal_head",
    "lake_batch",
    "lake_day",
    "lake_file",
    "lake_log",
    "lake_mark",
    "message_block",
    "metadata",
    "moderation_case",
    "node",
    "outbox",
    "pending_publisher",
    "project",
    "project_publisher",
    "publisher",
    "recovery",
    "recovery_code",
    "recovery_voucher",
    "release",
    "removal_proposal",
    "report",
    "role",
    "role_invitation",
    "secret",
    "security_event",
    "session",
    "spent_identity",
    "sponsor",
    "ticket",
    "token",
    "voucher",
    "webhook",
    "webhook_delivery",
]
