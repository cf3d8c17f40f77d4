"""The security log: one's own, and for operators and auditors that of the whole index."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec

from affineur.core.access import INDEX, may
from affineur.core.decision import Refused
from affineur.core.people.accounts import unknown
from affineur.projections.security_log import row, seen_by
from affineur.shell.store import accounts, security
from affineur.shell.store.security import Filter

from .operation import Call, Input, Listing, Operation, Output


class Which(Input):
    """Which events are asked for; all that are given hold at once."""

    event: Annotated[str, msgspec.Meta(max_length=60, description="Only of this kind: `SignedIn`, say.")] | None = None
    outcome: Literal["done", "refused"] | None = None
    project: Annotated[str, msgspec.Meta(max_length=100, description="Only about this project.")] | None = None
    since: Annotated[datetime, msgspec.Meta(description="Not before.", tz=True)] | None = None
    until: Annotated[datetime, msgspec.Meta(description="Before.", tz=True)] | None = None


class WhichOfAll(Which):
    """As for one's own, and about or by whom."""

    account: Annotated[str, msgspec.Meta(max_length=100, description="Only about or by this account.")] | None = None


class Event(Output):
    """One event. ``account`` is whom it is about, ``actor`` who did it; the address is kept as `log_address` allows."""

    id: int
    at: datetime
    event: str
    sentence: str
    outcome: str
    account: str | None
    actor: str | None
    project: str | None
    rule: str | None
    address: str | None
    user_agent: str | None
    facts: dict[str, Any]


def own_events(call: Call) -> Listing:
    """About or by the account that calls."""
    return _listing(call, call.query, call.actor.account_id, call.actor.name)


def all_events(call: Call) -> Listing:
    """Everybody's."""
    may(call.actor, "see-log", INDEX, call.now).require()
    wanted: WhichOfAll = call.query
    key = None
    if wanted.account is not None:
        with call.index.store.read() as connection:
            key = accounts.ever(connection, wanted.account)
        if key is None:
            raise Refused(unknown(wanted.account))
    return _listing(call, wanted, key, None)


def _listing(call: Call, wanted: Which, account_id: int | None, own: str | None) -> Listing:
    since = wanted.since and wanted.since.astimezone(UTC)
    until = wanted.until and wanted.until.astimezone(UTC)
    asked = Filter(account_id, wanted.project, wanted.event, wanted.outcome, since, until)
    with call.index.store.read() as connection:
        before = call.page.after_number
        found = list(security.recorded(connection, asked, before=before, limit=call.page.limit + 1))
    shown = [each if own is None else seen_by(each, own) for each in found[: call.page.limit]]
    items = [Event(**{**row(each), "at": each.at}) for each in shown]  # type: ignore[arg-type]
    return Listing(items, str(shown[-1].id) if len(found) > len(shown) else None)


OPERATIONS = (
    Operation(
        method="GET",
        path="/account/events",
        name="listOwnEvents",
        summary="What happened to the account that calls, and what was done with it, newest first.",
        tag="events",
        handler=own_events,
        query=Which,
        answer=Event,
        paged=True,
        needs="see-account",
    ),
    Operation(
        method="GET",
        path="/events",
        name="listEvents",
        summary="The security log of the index, newest first: for operators and auditors.",
        tag="events",
        handler=all_events,
        query=WhichOfAll,
        answer=Event,
        paged=True,
        needs="see-log",
    ),
)
