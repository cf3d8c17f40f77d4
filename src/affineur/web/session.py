"""People who are signed in: the cookie, what it stands for, and that a form was really sent from our pages.

A form is believed when the browser says that it comes from this very site (``Sec-Fetch-Site``, else ``Origin``) and
brings the session's own word (`Session.form_key`). The cookie is ``HttpOnly`` and ``SameSite=Lax``; over TLS it is
``Secure`` and bound to the host (``__Host-``).
Sources: RFC 6265bis, the Fetch Metadata specification, OWASP ASVS 5 chapters 3 and 7.
What does not live here: signing in (`actions.sign_in`), and tokens (`identity`).
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import wraps
from urllib.parse import parse_qsl, quote, urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from affineur.core.access import Actor
from affineur.core.decision import deny, refuse
from affineur.core.security import Caller
from affineur.shell.bearer import digest_of
from affineur.shell.index import Index
from affineur.shell.store import sessions
from affineur.shell.store.sessions import SessionRow

from .addresses import base_url, root_path
from .identity import origin_of

MAXIMUM_FORM_BYTES = 64 * 1024
SESSION_COOKIE = "affineur_session"
"""Holds the secret of a session; its digest is what is stored."""
SIGN_IN = "/account/sign-in"
FROZEN = "/account/frozen"
"""Where somebody is sent whose account moderators have frozen: nothing else is shown to them."""
FORM_KEY = "form_key"
"""The name of the hidden field that holds `Session.form_key`."""
SEEN_EVERY = timedelta(minutes=5)
"""A session's last use is not written more often than so."""

FOREIGN = deny(
    "form.origin",
    "This form was not sent from a page of this index, so nothing was done.",
    "Open the page here and send it again.",
)


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who is signed in. ``form_key`` goes into every form; ``now`` is when the request came."""

    row: SessionRow
    actor: Actor
    form_key: str
    now: datetime

    def caller(self, request: Request) -> Caller:
        """Who acts, when and from where."""
        return Caller(self.actor, self.now, origin_of(request))


def cookie_name(request: Request, name: str) -> str:
    """``name`` as this index calls it: bound to the host wherever the browser lets it be."""
    bound = base_url(request).startswith("https://") and not root_path(request)
    return f"__Host-{name}" if bound else name


def set_cookie(request: Request, response: Response, name: str, value: str, seconds: int) -> None:
    """Set a cookie that no script and no other site can use. ``seconds`` 0 takes it away."""
    response.set_cookie(
        cookie_name(request, name),
        value,
        max_age=seconds,
        path=root_path(request) + "/",
        secure=base_url(request).startswith("https://"),
        httponly=True,
        samesite="lax",
    )


async def current(request: Request) -> Session | None:
    """Who is signed in, in whatever stage; cost: one indexed read, and now and then a write."""
    secret = request.cookies.get(cookie_name(request, SESSION_COOKIE), "")
    if not secret:
        return None
    return await asyncio.to_thread(_current, request, secret, datetime.now(UTC))


def _current(request: Request, secret: str, now: datetime) -> Session | None:
    index: Index = request.app.state.index
    settings = index.settings
    with index.store.read() as connection:
        found = sessions.find(connection, digest_of(secret), now, factor_required=settings.second_factor_required)
    if found is None or now - found[0].seen_at > timedelta(hours=settings.session_idle_hours):
        return None
    row, actor = found
    if now - row.seen_at > SEEN_EVERY:
        with index.store.write() as connection:
            sessions.see(connection, row.id, now, origin_of(request).address)
    return Session(row, actor, hashlib.sha256(b"form:" + secret.encode()).hexdigest(), now)


Page = Callable[[Request], Awaitable[Response]]
PersonalPage = Callable[[Request, Session], Awaitable[Response]]


def signed_in(page: PersonalPage) -> Page:
    """A page for whoever is signed in, second factor included; everybody else goes and signs in first.

    Somebody whose account is frozen is told so, whatever they ask for.
    """

    @wraps(page)
    async def guarded(request: Request) -> Response:
        session = await current(request)
        if session is None or session.row.stage != "whole":
            back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            where = SIGN_IN if session is None else "/account/second-factor"
            return to(request, f"{where}?next={quote(back.removeprefix(root_path(request)), safe='')}")
        if session.actor.posture.frozen:
            return to(request, FROZEN)
        return await page(request, session)

    return guarded


async def form(request: Request, session: Session | None) -> Mapping[str, str]:
    """The fields of a form that was sent from our own page; `Refused` (``form.origin``) for any other.

    Of a field given twice the last counts (`fields` gives all). ``session`` is None where nobody is signed in yet.
    """
    return dict(await fields(request, session))


async def fields(request: Request, session: Session | None) -> list[tuple[str, str]]:
    """The fields of a form, each as often as it was sent; as `form`."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAXIMUM_FORM_BYTES:
            refuse("form.size", f"A form has at most {MAXIMUM_FORM_BYTES} bytes.", "Send less text.")
    if not is_ours(request):  # read first: what is left unread would end the connection for whatever comes next
        refuse(FOREIGN.rule, FOREIGN.reason, *FOREIGN.ways_out)
    try:
        found = parse_qsl(body.decode("utf-8"), keep_blank_values=True, strict_parsing=bool(body), max_num_fields=100)
    except ValueError:
        refuse("form.encoding", "The form cannot be read.", "Send it from the page, as UTF-8.")
    if session is not None:
        given = dict(found).get(FORM_KEY, "")
        if not hmac.compare_digest(given.encode(), session.form_key.encode()):
            refuse(FOREIGN.rule, FOREIGN.reason, *FOREIGN.ways_out)
    return found


def is_ours(request: Request) -> bool:
    """Whether the browser says that a request was made by a page of this very index."""
    said = request.headers.get("sec-fetch-site")
    if said is not None:
        return said == "same-origin"
    origin = request.headers.get("origin")
    if origin is None:
        return False
    parts = urlsplit(base_url(request))
    return origin == f"{parts.scheme}://{parts.netloc}"


def local_path(text: str, otherwise: str = "/account/") -> str:
    """``text`` where it is a path of this index to go on to; ``otherwise`` where it may lead anywhere else."""
    try:
        parts = urlsplit(text)
    except ValueError:  # brackets of an address that is none
        return otherwise
    fits = text.startswith("/") and not text.startswith(("//", "/\\")) and not parts.scheme and not parts.netloc
    return text if fits and text.isprintable() and "\\" not in text else otherwise


def to(request: Request, path: str, status: int = 303) -> Response:
    """Go on to a page of this index; ``path`` is as the routes have it, quoted."""
    return RedirectResponse(root_path(request) + path, status, {"cache-control": "no-store"})
