"""Pages of webhooks: those of a place, one of them with its log, and a new secret, which is shown once.

A project's and the index's have the same pages at two places (`account.project_webhooks`, `admin.webhooks`), which
say whose they are and who may look. What does not live here: the acts (`actions.webhooks`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from affineur.actions import webhooks as acts
from affineur.core.decision import Decision, Refused, refuse
from affineur.core.history import webhooks as rules
from affineur.core.history.chronicle_words import EVENTS
from affineur.core.history.webhook_addresses import host_of
from affineur.core.names import NormalizedName
from affineur.core.security import Caller
from affineur.shell.index import Index
from affineur.shell.store.webhooks import DeliveryRow, HookRow
from affineur.web.session import Page, PersonalPage, Session

from .account.frame import DONE, NOTHING, Typed, account_page, done, form_on
from .rendering import index_of

_SHOWN = 100
"""How many deliveries a page of the log has."""

DONE |= {
    "webhook-changed": "The webhook is changed.",
    "webhook-removed": "The webhook is removed: nothing is sent there any more.",
    "webhook-paused": "Nothing is sent until you resume it. What happens meanwhile is sent then.",
    "webhook-resumed": "It goes on. What is waiting is sent within seconds.",
    "webhook-skipped": "It goes on with what happens from now on.",
    "webhook-taken": "It was taken.",
    "webhook-not-taken": "It was sent, and not taken. The log says why.",
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where hooks are shown. ``path``: of their list; ``project_of``: whose they are; ``guard``: who may look.

    ``frame``: what the pages there show around it; ``unseen``: the answer to whom they are not shown.
    """

    path: str
    project_of: Callable[[Request], NormalizedName | None]
    guard: Callable[[PersonalPage], Page]
    frame: Mapping[str, object]
    unseen: Callable[[Request, Session, Decision], Response]


def routes(place: Place) -> list[Route]:
    """The pages of hooks at ``place``, and their forms."""
    one = place.path + "/{id}"

    async def shown(request: Request, session: Session) -> Response:
        return await asyncio.to_thread(_list, place, request, session)

    async def shown_again(request: Request, session: Session, refused: Decision, typed: Typed) -> Response:
        return await asyncio.to_thread(_list, place, request, session, refused, typed)

    async def added(request: Request, session: Session, typed: Typed) -> Response:
        made = await asyncio.to_thread(_add, place, request, session, typed)
        return _made_page(place, request, session, made)

    async def one_shown(request: Request, session: Session) -> Response:
        return await asyncio.to_thread(_one, place, request, session)

    async def one_shown_again(request: Request, session: Session, refused: Decision, typed: Typed) -> Response:
        return await asyncio.to_thread(_one, place, request, session, refused, typed)

    async def acted(request: Request, session: Session, typed: Typed) -> Response:
        return await asyncio.to_thread(_act, place, request, session, typed)

    return [
        Route(place.path, place.guard(shown), methods=["GET"]),
        Route(place.path, place.guard(form_on(place.path, shown_again)(added)), methods=["POST"]),
        Route(one, place.guard(one_shown), methods=["GET"]),
        Route(one, place.guard(form_on(one, one_shown_again)(acted)), methods=["POST"]),
    ]


def _list(
    place: Place, request: Request, session: Session, refused: Decision | None = None, typed: Typed = NOTHING
) -> Response:
    try:
        project = place.project_of(request)
        hooks = acts.webhooks_of(index_of(request), _caller(session), project)
    except Refused as unseen:
        return place.unseen(request, session, refused or unseen.decision)
    most = rules.HOOKS_OF_INDEX if project is None else rules.HOOKS_OF_PROJECT
    values = {"hooks": [(each, host_of(each.url)) for each in hooks], "is_full": len(hooks) >= most, "most": most}
    return _page(place, request, session, "webhooks.html", {**values, **_form(project, typed)}, refused)


def _one(
    place: Place, request: Request, session: Session, refused: Decision | None = None, typed: Typed = NOTHING
) -> Response:
    index, by = index_of(request), _caller(session)
    try:
        hook = _hook(place, request, index, by)
        before = request.query_params.get("before", "")
        lower = int(before) if before.isascii() and before.isdigit() and len(before) < 19 else None
        rows = acts.deliveries_of(index, by, hook.id, _SHOWN + 1, lower)
    except Refused as unseen:
        return place.unseen(request, session, refused or unseen.decision)
    form = _form(hook.project, typed) if typed.get("act") == "change" else _form(hook.project, NOTHING, hook)
    values = {
        "hook": hook,
        "host": host_of(hook.url),
        "log": [(each, rules.verdict_on(each.status)) for each in rows[:_SHOWN]],
        "older": rows[_SHOWN - 1].id if len(rows) > _SHOWN else None,
        "days": rules.GIVES_UP_AFTER.days,
        "kept_days": rules.LOG_KEPT.days,
    }
    return _page(place, request, session, "webhook.html", {**values, **form}, refused)


def _add(place: Place, request: Request, session: Session, typed: Typed) -> acts.Made:
    by = session.caller(request)
    url, events, hints = typed.get("url", "").strip(), _events(typed), typed.getlist("hint")
    return acts.add_webhook(index_of(request), by, place.project_of(request), url, events, hints)


def _act(place: Place, request: Request, session: Session, typed: Typed) -> Response:
    """Do what the button says."""
    index, by = index_of(request), session.caller(request)
    hook = _hook(place, request, index, by)
    here = _path(place, request)
    match typed.get("act"):
        case "change":
            url, events, hints = typed.get("url", "").strip(), _events(typed), typed.getlist("hint")
            acts.change_webhook(index, by, hook.id, url=url, events=events, hints=hints)
            return done(request, f"{here}/{hook.id}", "webhook-changed")
        case "remove":
            acts.remove_webhook(index, by, hook.id)
            return done(request, here, "webhook-removed")
        case "pause":
            acts.pause_webhook(index, by, hook.id)
            return done(request, f"{here}/{hook.id}", "webhook-paused")
        case "resume" | "skip" as how:
            acts.resume_webhook(index, by, hook.id, from_now=how == "skip")
            return done(request, f"{here}/{hook.id}", "webhook-skipped" if how == "skip" else "webhook-resumed")
        case "secret":
            return _made_page(place, request, session, acts.renew_secret(index, by, hook.id))
        case "ping":
            return _sent(request, f"{here}/{hook.id}", acts.ping_webhook(index, by, hook.id))
        case "redeliver":
            number = typed.get("delivery", "")
            whole = int(number) if number.isascii() and number.isdigit() and len(number) < 19 else 0
            return _sent(request, f"{here}/{hook.id}", acts.redeliver(index, by, hook.id, whole))
    return done(request, f"{here}/{hook.id}", "webhook-changed")


def _sent(request: Request, here: str, tried: DeliveryRow) -> Response:
    taken = rules.verdict_on(tried.status) == "taken"
    return done(request, here, "webhook-taken" if taken else "webhook-not-taken")


def _made_page(place: Place, request: Request, session: Session, made: acts.Made) -> Response:
    values = {"made": made, "project": made.hook.project}
    return _page(place, request, session, "webhook_secret.html", values)


def _page(
    place: Place,
    request: Request,
    session: Session,
    template: str,
    values: Mapping[str, object],
    refused: Decision | None = None,
) -> Response:
    shared = {**place.frame, "here": _path(place, request)}
    return account_page(request, session, template, {**shared, **values}, refused=refused)


def _form(project: NormalizedName | None, typed: Typed, hook: HookRow | None = None) -> dict[str, object]:
    """What the form of an address shows: what was typed, else what the hook has."""
    if hook is not None:
        url, events, hints = hook.url, sorted(hook.wanted.events), sorted(hook.wanted.hints)
    else:
        url, events, hints = typed.get("url", ""), _events(typed), typed.getlist("hint")
    filled = {"url": url, "events": " ".join(events), "hints": hints}
    return {"project": project, "typed": filled, "all_events": list(EVENTS), "longest_url": rules.MAXIMUM_URL}


def _events(typed: Typed) -> list[str]:
    return typed.get("events", "").replace(",", " ").split()


def _hook(place: Place, request: Request, index: Index, by: Caller) -> HookRow:
    """The hook of the path, which has to be of this place."""
    hook_id = request.path_params["id"]
    project = place.project_of(request)
    found = next((each for each in acts.webhooks_of(index, by, project) if each.id == hook_id), None)
    if found is None:
        refuse("webhook.exists", f"There is no webhook {hook_id[:40]!a} here.", "The list of webhooks shows them.")
    return found


def _path(place: Place, request: Request) -> str:
    return place.path.format(name=place.project_of(request))


def _caller(session: Session) -> Caller:
    return Caller(session.actor, session.now)
