"""Webhooks: who is told of the journal, of one project or of the whole index, and what became of each try.

What does not live here: the acts (`actions.webhooks`), and the journal that is told (`web.journal`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

from affineur.actions import webhooks as acts
from affineur.core.history.journal import Hint
from affineur.core.history.webhooks import MAXIMUM_URL, State
from affineur.core.names import NormalizedName, parse_name
from affineur.shell.store.webhooks import DeliveryRow, HookRow

from .operation import Call, Input, Listing, Made, Operation, Output

_TAG = "webhooks"

Url = Annotated[str, msgspec.Meta(min_length=1, max_length=MAXIMUM_URL, description="Where it is sent: https://….")]
Events = Annotated[
    list[Annotated[str, msgspec.Meta(max_length=60)]],
    msgspec.Meta(max_length=100, description="Only these events of the journal; empty: all."),
]
Hints = Annotated[list[Hint], msgspec.Meta(max_length=4, description="Only with these hints; empty: all.")]


class WebhookRequest(Input):
    """A webhook, as somebody wants it."""

    url: Url
    events: Events = msgspec.field(default_factory=list)
    hints: Hints = msgspec.field(default_factory=list)


class WebhookChange(Input):
    """What is to be changed; null, or left out: nothing of it."""

    url: Url | None = None
    events: Events | None = None
    hints: Hints | None = None


class ResumeRequest(Input):
    """How to go on."""

    from_now: Annotated[bool, msgspec.Meta(description="Leave out what it was not sent so far.")] = False


class Webhook(Output):
    """A webhook. ``project``: null for one of the whole index. ``position``: the last serial that it has.

    ``state`` off: it was switched off because it took nothing for days. ``failing_since``: since when it does not.
    """

    id: str
    project: str | None
    url: str
    events: list[str]
    hints: list[str]
    state: State
    position: int
    failures: int
    failing_since: datetime | None
    due_at: datetime
    made_by: str | None
    made_at: datetime
    former_secret_until: datetime | None


class WebhookMade(Output):
    """A webhook with a new secret, which is told only now."""

    webhook: Webhook
    secret: str


class Delivery(Output):
    """One try. ``serial``: of the entry; null for a ping. ``asked``: somebody asked for it by hand."""

    id: int
    serial: int | None
    asked: bool
    attempt: int
    at: datetime
    status: int | None
    error: str | None
    answer: str
    duration_ms: int
    next_at: datetime | None


def list_of_project(call: Call) -> Listing:
    """Those of the project of the path: a handful, so one page."""
    return Listing([_shown(each) for each in acts.webhooks_of(call.index, call.caller, _project(call))])


def list_of_index(call: Call) -> Listing:
    """Those of the whole index: a handful, so one page."""
    return Listing([_shown(each) for each in acts.webhooks_of(call.index, call.caller, None)])


def add_to_project(call: Call) -> Made:
    """Add what the body describes to the project of the path."""
    return _add(call, _project(call))


def add_to_index(call: Call) -> Made:
    """Add what the body describes, for the whole index."""
    return _add(call, None)


def get_one(call: Call) -> Webhook:
    """The webhook of the path."""
    return _shown(acts.get_webhook(call.index, call.caller, call.path["webhook"]))


def change_one(call: Call) -> Webhook:
    """Change what the body names of the webhook of the path."""
    asked: WebhookChange = call.body
    changed = acts.change_webhook(
        call.index, call.caller, call.path["webhook"], url=asked.url, events=asked.events, hints=asked.hints
    )
    return _shown(changed)


def remove_one(call: Call) -> None:
    """Remove the webhook of the path."""
    acts.remove_webhook(call.index, call.caller, call.path["webhook"])


def pause_one(call: Call) -> Webhook:
    """Send nothing for a while."""
    return _shown(acts.pause_webhook(call.index, call.caller, call.path["webhook"]))


def resume_one(call: Call) -> Webhook:
    """Go on at once."""
    asked: ResumeRequest = call.body
    return _shown(acts.resume_webhook(call.index, call.caller, call.path["webhook"], from_now=asked.from_now))


def renew_secret(call: Call) -> WebhookMade:
    """Give it a new secret."""
    made = acts.renew_secret(call.index, call.caller, call.path["webhook"])
    return WebhookMade(webhook=_shown(made.hook), secret=made.secret)


def ping_one(call: Call) -> Delivery:
    """Send a ping, and tell what became of it."""
    return _tried(acts.ping_webhook(call.index, call.caller, call.path["webhook"]))


def list_deliveries(call: Call) -> Listing:
    """The log, newest first."""
    limit = call.page.limit
    rows = acts.deliveries_of(call.index, call.caller, call.path["webhook"], limit + 1, call.page.after_number)
    shown = rows[:limit]
    return Listing([_tried(row) for row in shown], str(shown[-1].id) if len(rows) > limit else None)


def redeliver(call: Call) -> Delivery:
    """Send the entry of a delivery once more, and tell what became of it."""
    number = call.path["delivery"]
    whole = int(number) if number.isascii() and number.isdigit() and len(number) < 19 else 0
    return _tried(acts.redeliver(call.index, call.caller, call.path["webhook"], whole))


def _add(call: Call, project: NormalizedName | None) -> Made:
    asked: WebhookRequest = call.body
    made = acts.add_webhook(call.index, call.caller, project, asked.url, asked.events, asked.hints)
    return Made(WebhookMade(webhook=_shown(made.hook), secret=made.secret), made.hook.id, f"/webhooks/{made.hook.id}")


def _project(call: Call) -> NormalizedName:
    return parse_name(call.path["project"])


def _shown(found: HookRow) -> Webhook:
    return Webhook(
        id=found.id,
        project=found.project,
        url=found.url,
        events=sorted(found.wanted.events),
        hints=sorted(found.wanted.hints),
        state=found.state,
        position=found.position,
        failures=found.failures,
        failing_since=found.failing_since,
        due_at=found.due_at,
        made_by=found.made_by,
        made_at=found.made_at,
        former_secret_until=found.former_until,
    )


def _tried(row: DeliveryRow) -> Delivery:
    return Delivery(
        id=row.id,
        serial=row.serial,
        asked=row.asked,
        attempt=row.attempt,
        at=row.at,
        status=row.status,
        error=row.error,
        answer=row.answer,
        duration_ms=row.duration_ms,
        next_at=row.next_at,
    )


_OF_PROJECT, _OF_INDEX, _ONE = "/projects/{project}/webhooks", "/webhooks", "/webhooks/{webhook}"

OPERATIONS = (
    Operation(
        method="GET",
        path=_OF_PROJECT,
        name="listProjectWebhooks",
        summary="The webhooks of a project.",
        tag=_TAG,
        handler=list_of_project,
        answer=Webhook,
        paged=True,
        needs="see-webhooks",
    ),
    Operation(
        method="POST",
        path=_OF_PROJECT,
        name="addProjectWebhook",
        summary="Have an address told of what happens to a project; its secret is told only now.",
        tag=_TAG,
        handler=add_to_project,
        body=WebhookRequest,
        answer=WebhookMade,
        status=201,
        needs="set-webhooks",
        secret=True,
    ),
    Operation(
        method="GET",
        path=_OF_INDEX,
        name="listWebhooks",
        summary="The webhooks that are told of everything on this index.",
        tag=_TAG,
        handler=list_of_index,
        answer=Webhook,
        paged=True,
        needs="see-index-webhooks",
    ),
    Operation(
        method="POST",
        path=_OF_INDEX,
        name="addWebhook",
        summary="Have an address told of everything that happens on this index; its secret is told only now.",
        tag=_TAG,
        handler=add_to_index,
        body=WebhookRequest,
        answer=WebhookMade,
        status=201,
        needs="set-index-webhooks",
        secret=True,
    ),
    Operation(
        method="GET",
        path=_ONE,
        name="getWebhook",
        summary="One webhook: where it stands, and since when it fails.",
        tag=_TAG,
        handler=get_one,
        answer=Webhook,
        needs="see-webhooks",
    ),
    Operation(
        method="PATCH",
        path=_ONE,
        name="changeWebhook",
        summary="Change the address of a webhook, or what it is sent.",
        tag=_TAG,
        handler=change_one,
        body=WebhookChange,
        answer=Webhook,
        needs="set-webhooks",
        idempotent=True,
    ),
    Operation(
        method="DELETE",
        path=_ONE,
        name="removeWebhook",
        summary="Remove a webhook and its log.",
        tag=_TAG,
        handler=remove_one,
        status=204,
        needs="set-webhooks",
    ),
    Operation(
        method="POST",
        path=_ONE + "/pause",
        name="pauseWebhook",
        summary="Send nothing to a webhook until it is resumed; what happens meanwhile is sent then.",
        tag=_TAG,
        handler=pause_one,
        answer=Webhook,
        needs="set-webhooks",
        idempotent=True,
    ),
    Operation(
        method="POST",
        path=_ONE + "/resume",
        name="resumeWebhook",
        summary="Go on at once with a webhook that was paused, fails, or was switched off.",
        tag=_TAG,
        handler=resume_one,
        body=ResumeRequest,
        answer=Webhook,
        needs="set-webhooks",
        idempotent=True,
    ),
    Operation(
        method="POST",
        path=_ONE + "/secret",
        name="renewWebhookSecret",
        summary="Give a webhook a new secret; for a day both sign.",
        tag=_TAG,
        handler=renew_secret,
        answer=WebhookMade,
        needs="set-webhooks",
        secret=True,
    ),
    Operation(
        method="POST",
        path=_ONE + "/ping",
        name="pingWebhook",
        summary="Send a ping at once, and say what became of it.",
        tag=_TAG,
        handler=ping_one,
        answer=Delivery,
        needs="set-webhooks",
    ),
    Operation(
        method="GET",
        path=_ONE + "/deliveries",
        name="listDeliveries",
        summary="The log of a webhook: every try of the last month, newest first.",
        tag=_TAG,
        handler=list_deliveries,
        answer=Delivery,
        paged=True,
        needs="see-webhooks",
    ),
    Operation(
        method="POST",
        path=_ONE + "/deliveries/{delivery}/redeliver",
        name="redeliver",
        summary="Send the entry of a delivery once more, under the id it had.",
        tag=_TAG,
        handler=redeliver,
        answer=Delivery,
        needs="set-webhooks",
    ),
)
