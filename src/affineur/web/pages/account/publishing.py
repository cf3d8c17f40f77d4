"""``/account/publishing``: trusted publishers of what somebody owns, and those that wait for a project to come.

What does not live here: the page of one project (`project_publishing`).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from affineur.actions import pending_publishers
from affineur.core import publishers as rules
from affineur.core.decision import Decision
from affineur.core.people import second_factor
from affineur.core.publishers import AdmittedIssuer, admitted_by, audience_of, find_issuer
from affineur.settings import Settings
from affineur.shell.store import publishers
from affineur.web.pages.rendering import index_of, settings_of
from affineur.web.session import Session

from .frame import DONE, NOTHING, Typed, account_page, done, form_on, signed_in

PAGE = "/account/publishing"
_FIELD = "field_"

DONE["pending-added"] = "The publisher is pending. Its first upload makes the project, which will be yours."
DONE["pending-removed"] = "The pending publisher is withdrawn."


@dataclass(frozen=True, slots=True)
class Asked:
    """One field of a form for a publisher: what is asked, what was typed, and what is wrong with it."""

    name: str
    label: str
    rule: str
    example: str
    required: bool
    maximum_length: int
    value: str
    error: str


@signed_in
async def show(request: Request, session: Session) -> Response:
    """The page."""
    return await _page(request, session)


async def _page(
    request: Request, session: Session, refused: Decision | None = None, typed: Typed = NOTHING
) -> Response:
    values = await asyncio.to_thread(_values, request, session)
    values |= publisher_form(request, refused, typed)
    return account_page(request, session, "publishing.html", values, refused=refused)


def _values(request: Request, session: Session) -> dict[str, object]:
    index = index_of(request)
    with index.store.read() as connection:
        pending = publishers.pending_of(connection, session.row.account_id, session.now)
        owned = publishers.owned_projects(connection, session.row.account_id)
    return {
        "pending": [(each, rules.display(each.publisher)) for each in pending],
        "owned": owned,
        "most": pending_publishers.MOST,
        "days": pending_publishers.LIVES.days,
        "is_fresh": second_factor.strong_enough(session.actor.posture, "proof", session.now).allowed,
        "needs_factor": second_factor.first_role(session.actor.posture),
    }


@signed_in
@form_on(PAGE, _page)
async def add(request: Request, session: Session, typed: Typed) -> Response:
    """Add a pending publisher."""
    issuer = chosen_issuer(settings_of(request), typed.get("service", ""))
    caller = session.caller(request)
    await asyncio.to_thread(
        pending_publishers.add_pending,
        index_of(request),
        caller,
        typed.get("project", ""),
        issuer.kind,
        issuer.url,
        fields_typed(typed),
    )
    return done(request, PAGE, "pending-added")


@signed_in
@form_on(PAGE, _page)
async def withdraw(request: Request, session: Session, _: Typed) -> Response:
    """Withdraw a pending publisher."""
    await asyncio.to_thread(
        pending_publishers.remove_pending, index_of(request), session.caller(request), request.path_params["id"]
    )
    return done(request, PAGE, "pending-removed")


def publisher_form(request: Request, refused: Decision | None, typed: Typed) -> dict[str, object]:
    """What ``publisher_form.html`` shows: the services there are, the one that was chosen, and its fields."""
    settings = settings_of(request)
    issuers = admitted_by(settings.publisher_issuers)
    chosen = chosen_issuer(settings, typed.get("service") or request.query_params.get("service", ""))
    said = {} if refused is None else refused.facts.get("errors", {})
    errors = said if isinstance(said, Mapping) else {}
    audience = audience_of(settings.publisher_audience, urlsplit(settings.base_url).hostname)
    return {
        "services": issuers,
        "service": chosen,
        "audience": audience,
        # How GitLab jobs hold a token for an audience, and where uv looks for it.
        "variable": re.sub(r"[^A-Z0-9]", "_", audience.upper()) + "_ID_TOKEN",
        "fields": list(_asked(chosen, typed, errors)),
        "typed": typed,
    }


def chosen_issuer(settings: Settings, url: str) -> AdmittedIssuer:
    """The issuer at ``url``, else the first there is: what was never offered is never looked up elsewhere."""
    issuers = admitted_by(settings.publisher_issuers)
    return find_issuer(issuers, url) or issuers[0]


def fields_typed(typed: Typed) -> dict[str, str]:
    """The fields of a publisher among those of a form."""
    return {name.removeprefix(_FIELD): value for name, value in typed.items() if name.startswith(_FIELD)}


def _asked(issuer: AdmittedIssuer, typed: Typed, errors: Mapping[str, object]) -> Iterator[Asked]:
    for each in rules.fields_of(issuer):
        value = typed.get(_FIELD + each.name, "")
        yield Asked(
            _FIELD + each.name,
            each.label,
            each.rule,
            each.example,
            each.required,
            each.maximum_length,
            value,
            str(errors.get(each.name, "")),
        )


ROUTES = [
    Route(PAGE, show, methods=["GET"]),
    Route(PAGE, add, methods=["POST"]),
    Route(PAGE + "/{id}/withdraw", withdraw, methods=["POST"]),
]
