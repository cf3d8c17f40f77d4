"""The application: every route in one table, and what surrounds them.

What does not live here: what a route does (the module it is taken from), and the hot path (`web.hot`).
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from affineur.core.decision import Decision
from affineur.shell.following import is_mirror
from affineur.shell.index import Index
from affineur.shell.passwords import PasswordWork

from . import (
    api,
    cors,
    danger,
    disclosures,
    feeds,
    files,
    health,
    journal,
    json_api,
    metrics,
    pages,
    simple_api,
    statistics,
    statuses,
    trusted_publishing,
    uploads,
    xmlrpc,
)
from .answers import refusal
from .edge import asking
from .edge.configuration import ASK
from .hot import Hot
from .identity import Uses, caller_of, reader, reader_check
from .mirrored import Mirrored
from .refused import note_refusal
from .requestlog import RequestLog
from .statistics.recently import Recently
from .turns import Turns


def routes() -> list[BaseRoute]:
    """Every route of the application."""
    return [
        Route("/simple", simple_api.root_list),
        Route("/simple/", simple_api.root_list),
        Route("/simple/{name}", simple_api.project_page),
        Route("/simple/{name}/", simple_api.project_page),
        Route("/simple/{rest:path}", simple_api.elsewhere, methods=["GET", "OPTIONS"]),
        Route("/simple", uploads.not_here, methods=["POST"]),
        Route("/simple/{rest:path}", uploads.not_here, methods=["POST"]),
        Route("/packages/{rest:path}", cors.preflight, methods=["OPTIONS"]),
        Route("/packages/{rest:path}", files.public_file),
        Route("/legacy", uploads.redirect_without_slash, methods=["POST"]),
        Route("/legacy/", uploads.receive_upload, methods=["POST"]),
        Route("/legacy", uploads.only_uploads),
        Route("/legacy/", uploads.only_uploads),
        Route("/pypi", xmlrpc.call, methods=["POST"]),
        Route("/pypi/", xmlrpc.call, methods=["POST"]),
        Route("/pypi", xmlrpc.only_calls),
        Route("/pypi/{name}/json", json_api.project),
        Route("/pypi/{name}/json/", json_api.project),
        Route("/pypi/{name}/{version}/json", json_api.release),
        Route("/pypi/{name}/{version}/json/", json_api.release),
        Route("/pypi/{rest:path}", json_api.elsewhere, methods=["GET", "OPTIONS"]),
        Route("/rss/updates.xml", feeds.updates),
        Route("/rss/packages.xml", feeds.newcomers),
        Route("/rss/project/{name}/releases.xml", feeds.releases),
        Route("/rss/{rest:path}", feeds.elsewhere, methods=["GET", "OPTIONS"]),
        Route("/journal", journal.entries),
        Route("/journal/head", journal.head),
        Route("/journal.atom", journal.atom_feed),
        Route("/journal.rss", journal.rss_feed),
        Route("/journal{rest:path}", cors.preflight, methods=["OPTIONS"]),
        *statuses.ROUTES,
        Route("/project/{name}/history.atom", journal.history_feed),
        Route(ASK, asking.about_file),
        Route("/metrics", metrics.metrics),
        Route("/health/live", health.live),
        Route("/health/ready", health.ready),
        *trusted_publishing.ROUTES,
        Route(disclosures.PATH, disclosures.receive_disclosure, methods=["POST"]),
        Route("/danger-api/echo", danger.echo, methods=["GET", "POST"]),
        Route("/danger-api/projects/{name}/observations", danger.receive_observation, methods=["POST"]),
        *statistics.ROUTES,
        *api.routes(),
        *pages.routes(),
    ]


OPEN_PATHS = (
    "/health/", "/legacy", "/static/", "/account", "/admin", "/api/", "/danger-api/", "/_/", "/.well-known/pytp",
)  # fmt: skip
"""What a private index shows without a token: whether it lives, and where uploads (with their own check) go."""
CLOSED_PATHS = ("/api/packages/",)
"""What lies below an open path, and has no check of its own."""


class PrivateIndex:
    """With ``read = "token"`` nothing is shown to anybody without a token."""

    def __init__(self, app: ASGIApp, index: Index) -> None:
        self.app, self.index = app, index

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Ask for a token, or go on."""
        # Browsers send a preflight without a token, and it is answered the same wherever it goes (`cors.preflight`).
        if scope["type"] != "http" or _is_open(scope["path"]) or scope["method"] == "OPTIONS":
            await self.app(scope, receive, send)
            return
        request = Request(scope, receive)
        now = datetime.now(UTC)
        actor = await asyncio.to_thread(reader, self.index, request.headers.get("authorization"), now)
        if isinstance(actor, Decision):
            await note_refusal(request, actor)
            a_person_looks = pages.wants_html(request)
            response = pages.private_page(request, actor) if a_person_looks else refusal(request, actor, 401)
            response.headers["www-authenticate"] = 'Basic realm="index", charset="UTF-8"'
            await response(scope, receive, send)
            return
        caller_of(request, actor, now)  # notes the use
        await self.app(scope, receive, send)


def _is_open(path: str) -> bool:
    return path.startswith(OPEN_PATHS) and not path.startswith(CLOSED_PATHS)


def build(index: Index, log: RequestLog) -> Starlette:
    """The application of an opened index, and beside it (``state.hot``) what answers before it."""
    meter = metrics.Meter(index.settings)
    private = [Middleware(PrivateIndex, index=index)] if index.settings.read == "token" else []
    mirrors = [Middleware(Mirrored, index=index)] if is_mirror(index.settings) else []
    app = Starlette(
        routes=routes(),
        middleware=[Middleware(metrics.Metered, meter=meter), Middleware(cors.Readable), *private, *mirrors],
        exception_handlers=pages.handlers(),
    )
    settings = index.settings
    uses = app.state.uses = Uses(index.store)
    app.state.hot = Hot(
        settings.public,
        log,
        cache_bytes=settings.page_cache_bytes,
        max_age_seconds=settings.page_max_age_seconds,
        country_header=settings.country_header,
        trusted_proxies=settings.trusted_proxies,
        tally=meter.tally,
        may_read=reader_check(index, uses) if settings.read == "token" else None,
    )
    app.router.redirect_slashes = False
    app.state.index = index
    app.state.log = log
    app.state.meter = meter
    app.state.passwords = PasswordWork()
    app.state.recently = Recently(index)
    app.state.questions, app.state.exports = Turns(2), Turns(1)
    return app
