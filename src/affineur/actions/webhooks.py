"""Webhooks: who is told of the journal, at which address: add, change, remove, pause, try, send once more.

Of a project they belong to its owners, whoever made them; of the whole index to its operators. The public journal
does not tell of them: an address may say more than its owners want to. What does not live here: sending what the
journal brings (`projections.webhooks`), and what may be asked (`core.history.webhooks`,
`core.history.webhook_addresses`).
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa

from affineur.core.access import INDEX, may
from affineur.core.decision import refuse
from affineur.core.history import webhooks as rules
from affineur.core.history.webhook_addresses import host_of, parse_url
from affineur.core.history.webhooks import Wanted, wanted_of
from affineur.core.names import NormalizedName
from affineur.core.permissions import Action
from affineur.core.security import Caller, Happened
from affineur.projections import webhooks as sending
from affineur.shell.index import Index
from affineur.shell.store import grants, journal, security, webhooks
from affineur.shell.store.webhooks import DeliveryRow, HookRow
from affineur.shell.webhooks import Outcome

from . import permission

_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Made:
    """A hook with a new secret, which is shown now and never again."""

    hook: HookRow
    secret: str


def add_webhook(
    index: Index,
    by: Caller,
    project: NormalizedName | None,
    url: str,
    events: Iterable[str] = (),
    hints: Iterable[str] = (),
) -> Made:
    """Tell ``url`` of everything that the journal says from now on of ``project`` (None: of the whole index).

    ``events`` and ``hints`` narrow it (none: all). Everybody who answers for the project, or the index, is told.
    `Refused`: ``access.…``, ``project.exists``, ``webhook.url``, ``.events``, ``.most``, and ``.there``.
    """
    wanted = wanted_of(events, hints)
    hook_id, secret = f"wh{secrets.token_hex(8)}", secrets.token_bytes(rules.SECRET_BYTES)
    with index.store.write() as connection:
        project_id = _require(connection, by, project, "set")
        target = parse_url(url, sending.networks_of(index))
        _require_room(connection, project, project_id, target)
        position, _ = journal.head(connection)
        values = {
            "id": hook_id,
            "project_id": project_id,
            "url": target,
            "secret": secret,
            "made_by": by.actor.account_id,
            "made_at": by.now,
            "position": position,
        }
        webhooks.add(connection, values, wanted)
        made = _found(connection, hook_id)
        _log(connection, by, "WebhookAdded", made, _narrowed(wanted))
        sending.tell(connection, made, "webhook-added", {"by": by.actor.name or None}, by.now)
    return Made(made, rules.secret_in_words(secret))


def change_webhook(
    index: Index,
    by: Caller,
    hook_id: str,
    *,
    url: str | None = None,
    events: Iterable[str] | None = None,
    hints: Iterable[str] | None = None,
) -> HookRow:
    """Change a hook's address, or what it is sent; None leaves as it is. It goes on from where it stands.

    Whoever answers for it is told of a new address. `Refused` as `add_webhook`, and ``webhook.exists``.
    """
    with index.store.write() as connection:
        found = _own(connection, by, hook_id, "set")
        target = found.url if url is None else parse_url(url, sending.networks_of(index))
        asked = (found.wanted.events if events is None else events, found.wanted.hints if hints is None else hints)
        wanted = wanted_of(*asked)
        moves = target != found.url
        if moves:
            _require_new(connection, found.project_id, target)
        if moves or wanted != found.wanted:
            webhooks.change(connection, hook_id, wanted, url=target)
            _log(connection, by, "WebhookChanged", found, {"to": host_of(target), **_narrowed(wanted)})
        changed = _found(connection, hook_id)
        if moves:
            sending.tell(connection, changed, "webhook-added", {"by": by.actor.name or None}, by.now)
    return changed


def remove_webhook(index: Index, by: Caller, hook_id: str) -> HookRow:
    """Remove a hook and its log: nothing is sent any more. `Refused` as above."""
    with index.store.write() as connection:
        found = _own(connection, by, hook_id, "set")
        webhooks.remove(connection, hook_id)
        _log(connection, by, "WebhookRemoved", found)
    return found


def pause_webhook(index: Index, by: Caller, hook_id: str) -> HookRow:
    """Send nothing until `resume_webhook`: what happens meanwhile is sent then. `Refused` as above."""
    with index.store.write() as connection:
        found = _own(connection, by, hook_id, "set")
        if found.state == "active":
            webhooks.change(connection, hook_id, state="paused")
            _log(connection, by, "WebhookChanged", found, {"what": "paused"})
        return _found(connection, hook_id)


def resume_webhook(index: Index, by: Caller, hook_id: str, *, from_now: bool = False) -> HookRow:
    """Go on at once, also with a hook that failed or was switched off; its days begin anew. `Refused` as above.

    ``from_now``: leave out what it was not sent so far. There is no other way in which an entry is left out.
    """
    with index.store.write() as connection:
        found = _own(connection, by, hook_id, "set")
        head, _ = journal.head(connection)
        position = head if from_now else found.position
        webhooks.change(
            connection, hook_id, state="active", failures=0, failing_since=None, due_at=by.now, position=position
        )
        left_out = {"left_out_to": head} if from_now else {}
        _log(connection, by, "WebhookChanged", found, {"what": "resumed", **left_out})
        return _found(connection, hook_id)


def renew_secret(index: Index, by: Caller, hook_id: str) -> Made:
    """Give a hook a new secret; the one before signs as well for `SECRET_OVERLAPS`. `Refused` as above."""
    secret = secrets.token_bytes(rules.SECRET_BYTES)
    with index.store.write() as connection:
        found = _own(connection, by, hook_id, "set")
        until = by.now + rules.SECRET_OVERLAPS
        webhooks.change(connection, hook_id, secret=secret, former_secret=found.secret, former_until=until)
        _log(connection, by, "WebhookChanged", found, {"what": "secret", "former_until": until.isoformat()})
        return Made(_found(connection, hook_id), rules.secret_in_words(secret))


def ping_webhook(index: Index, by: Caller, hook_id: str) -> DeliveryRow:
    """Send a ping at once, whatever the hook's state; what became of it. `Refused` as above, and ``webhook.often``."""
    found = _may_ask(index, by, hook_id)
    identifier = f"{hook_id}-ping-{secrets.token_hex(4)}"
    body = rules.ping(hook_id, by.now, index.origin)
    return _noted(index, by, found, None, sending.send_message(index, found, identifier, body, by.now))


def redeliver(index: Index, by: Caller, hook_id: str, number: int) -> DeliveryRow:
    """Send the entry of a delivery once more, at once, under the id that it had; what became of it.

    The hook itself stands where it stood. `Refused` as `ping_webhook`, and ``webhook.delivery``.
    """
    found = _may_ask(index, by, hook_id)
    with index.store.read() as connection:
        tried = webhooks.delivery(connection, hook_id, number)
        entry = webhooks.entry(connection, tried.serial) if tried is not None and tried.serial is not None else None
    if entry is None:
        refuse("webhook.delivery", f"There is no delivery {number} of an entry.", "The log of the webhook shows them.")
    return _noted(index, by, found, entry.serial, sending.send_entry(index, found, entry, by.now))


def webhooks_of(index: Index, by: Caller, project: NormalizedName | None) -> list[HookRow]:
    """The hooks of a project, or (None) of the whole index, for whoever answers for them."""
    with index.store.read() as connection:
        return webhooks.of(connection, _require(connection, by, project, "see"))


def get_webhook(index: Index, by: Caller, hook_id: str) -> HookRow:
    """One hook, for whoever answers for it. `Refused` as above."""
    with index.store.read() as connection:
        return _own(connection, by, hook_id, "see")


def deliveries_of(index: Index, by: Caller, hook_id: str, limit: int, before: int | None = None) -> list[DeliveryRow]:
    """The log of a hook, newest first; ``before``: only lower numbers. `Refused` as above."""
    with index.store.read() as connection:
        _own(connection, by, hook_id, "see")
        return webhooks.deliveries(connection, hook_id, limit, before=before)


_PROJECT: Mapping[str, Action] = {"set": "set-webhooks", "see": "see-webhooks"}
_INDEX: Mapping[str, Action] = {"set": "set-index-webhooks", "see": "see-index-webhooks"}


def _require(connection: sa.Connection, by: Caller, project: NormalizedName | None, what: str) -> int | None:
    """The project's id, where the caller may see or set its hooks; None for the index."""
    if project is None:
        may(by.actor, _INDEX[what], INDEX, by.now).require()
        return None
    found = permission.require(connection, by.actor, _PROJECT[what], project, by.now)
    if what == "set":
        grants.note_act(connection, found.id, by.actor.account_id, by.now)
    return found.id


def _own(connection: sa.Connection, by: Caller, hook_id: str, what: str) -> HookRow:
    found = _found(connection, hook_id)
    _require(connection, by, found.project, what)
    return found


def _found(connection: sa.Connection, hook_id: str) -> HookRow:
    found = webhooks.find(connection, hook_id)
    if found is None:
        refuse("webhook.exists", f"There is no webhook {hook_id[:40]!a}.", "The list of webhooks shows them.")
    return found


def _require_room(
    connection: sa.Connection, project: NormalizedName | None, project_id: int | None, target: str
) -> None:
    most = rules.HOOKS_OF_INDEX if project is None else rules.HOOKS_OF_PROJECT
    if len(webhooks.of(connection, project_id)) >= most:
        refuse("webhook.most", f"There are {most} webhooks already, and no more may be.", "Remove one first.")
    _require_new(connection, project_id, target)


def _require_new(connection: sa.Connection, project_id: int | None, target: str) -> None:
    if any(each.url == target for each in webhooks.of(connection, project_id)):
        refuse("webhook.there", "There is a webhook to this address already.", "Change that one.")


def _may_ask(index: Index, by: Caller, hook_id: str) -> HookRow:
    with index.store.read() as connection:
        found = _own(connection, by, hook_id, "see")
        _check(connection, by, found)
        asked = webhooks.asked_since(connection, hook_id, by.now - _HOUR)
    if asked >= rules.ASKED_FOR_AN_HOUR:
        refuse(
            "webhook.often",
            f"This webhook was asked for {asked} times within an hour.",
            "Wait a while; what the journal brings is sent as ever.",
        )
    return found


def _check(connection: sa.Connection, by: Caller, found: HookRow) -> None:
    """Whether the caller may have something sent, in a transaction that only reads."""
    if found.project is None:
        may(by.actor, "set-index-webhooks", INDEX, by.now).require()
    else:
        permission.require(connection, by.actor, "set-webhooks", found.project, by.now)


def _noted(index: Index, by: Caller, hook: HookRow, serial: int | None, outcome: Outcome) -> DeliveryRow:
    tried = sending.delivery_of(outcome, serial, 1, by.now, asked=True)
    with index.store.write() as connection:
        _found(connection, hook.id)  # it may have been removed meanwhile
        return DeliveryRow(id=webhooks.note(connection, hook.id, tried), webhook_id=hook.id, **tried)  # type: ignore[arg-type]


def _narrowed(wanted: Wanted) -> dict[str, object]:
    return {"events": sorted(wanted.events), "hints": sorted(wanted.hints)}


def _log(
    connection: sa.Connection, by: Caller, event: str, hook: HookRow, more: Mapping[str, object] | None = None
) -> None:
    facts = {"webhook": hook.id, "host": host_of(hook.url), **(more or {})}
    actor = by.actor
    security.append(connection, by, Happened(event, actor.account_id, actor.name or None, hook.project, facts=facts))
