"""Metrics in Prometheus' form, added up over all serving processes.

Each process counts into memory-mapped files below ``data/run/metrics`` (prometheus-client's multi-process mode);
whichever process is asked at ``/metrics`` adds them up. The hot path does not even do that: it adds to the plain
integers of a `Tally`, which are folded into the counters once a second.

What is counted is listed in ``docs/reference/metrics.md``. What does not live here: the request log, from which
downloads are counted (`web.requestlog`).
"""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from affineur.settings import Settings

if TYPE_CHECKING:
    from prometheus_client import Counter, Gauge, Histogram

FOLD_SECONDS = 1.0
RULE_KEY = "affineur.rule"
"""In a request's scope: the id of the rule that refused it. Set by `answers.refusal`."""

_DURATIONS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0)
_PREFIXES = (
    ("/simple", "page"),
    ("/packages/", "file"),
    ("/legacy", "upload"),
    ("/pypi/", "json"),
    ("/rss/", "feed"),
    ("/journal", "journal"),
    ("/health/", "health"),
    ("/metrics", "metrics"),
    ("/static/", "static"),
    ("/project/", "project"),
    ("/search", "search"),
    ("/api/packages/", "statistics"),
    ("/statistics", "statistics"),
    ("/badges/", "statistics"),
    ("/api", "api"),
    ("/account", "account"),
    ("/_/", "publishing"),
)
_METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS", "PUT", "DELETE", "PATCH"})


@dataclass(slots=True)
class Tally:
    """What the hot path has answered, in plain integers that only ever grow (but for ``page_cache_bytes``).

    Add to them from the process's event loop; adding costs some 30 ns.
    """

    pages: int = 0
    """200 from memory."""
    pages_unchanged: int = 0
    """304."""
    pages_bytes: int = 0
    """Of bodies."""
    files: int = 0
    files_unchanged: int = 0
    files_bytes: int = 0
    page_cache_bytes: int = 0
    """Held in memory now."""


def prepare(settings: Settings) -> None:
    """Empty the folder that processes count into. Call once, before the serving processes are forked.

    What an earlier run left must go: its files would be added in, and a process that gets the same id would go on
    counting from them.
    """
    shutil.rmtree(_folder(settings), ignore_errors=True)
    _enter_multiprocess_mode(settings)
    import prometheus_client  # noqa: F401 (loaded before the fork, its memory is shared)


class Meter:
    """The counters of one serving process. Make it in that process, after the fork."""

    def __init__(self, settings: Settings) -> None:
        _enter_multiprocess_mode(settings)
        from prometheus_client import Counter, Gauge, Histogram

        self.settings = settings
        self.tally = Tally()
        self._folded = Tally()
        # `registry=None`: the numbers are in the files; nothing in this process collects these objects.
        self.requests: Counter = Counter(
            "affineur_requests", "Requests answered.", ("route", "method", "status"), registry=None
        )
        self.sent: Counter = Counter("affineur_sent_bytes", "Bytes of response bodies.", ("route",), registry=None)
        self.durations: Histogram = Histogram(
            "affineur_request_duration_seconds",
            "From the request's head to the end of its answer; answers from the hot path are not timed.",
            ("route",),
            buckets=_DURATIONS,
            registry=None,
        )
        self.uploads: Counter = Counter(
            "affineur_uploads",
            "Uploads by outcome; `rule` is what refused them.",
            ("outcome", "rule"),
            registry=None,
        )
        self.cache: Gauge = Gauge(
            "affineur_page_cache_bytes",
            "Index pages held in memory, all processes together.",
            multiprocess_mode="livesum",
            registry=None,
        )
        self.fold()  # also makes this process's files, by which it is known to be alive

    def fold(self) -> None:
        """Add to the counters what the hot path has tallied since the last time."""
        now = Tally(*(getattr(self.tally, field.name) for field in fields(Tally)))
        before, self._folded = self._folded, now
        for route, whole, unchanged, sent in (
            ("page", now.pages - before.pages, now.pages_unchanged - before.pages_unchanged,
             now.pages_bytes - before.pages_bytes),
            ("file", now.files - before.files, now.files_unchanged - before.files_unchanged,
             now.files_bytes - before.files_bytes),
        ):  # fmt: skip
            if whole:
                self.requests.labels(route, "GET", "200").inc(whole)
            if unchanged:
                self.requests.labels(route, "GET", "304").inc(unchanged)
            if sent:
                self.sent.labels(route).inc(sent)
        self.cache.set(now.page_cache_bytes)

    async def keep_folding(self) -> None:
        """Fold once a second, for ever. Run as a task of the process's event loop."""
        while True:
            await asyncio.sleep(FOLD_SECONDS)
            self.fold()

    def count(self, scope: Scope, status: int, sent_bytes: int, seconds: float) -> None:
        """Count one request that the application has answered."""
        route = route_class(scope["path"])
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self.requests.labels(route, method, str(status)).inc()
        self.sent.labels(route).inc(sent_bytes)
        self.durations.labels(route).observe(seconds)
        if route == "upload" and method == "POST":
            outcome = "accepted" if status == 200 else "refused"
            self.uploads.labels(outcome, scope.get(RULE_KEY, "")).inc()


class Metered:
    """The application, with every request that reaches it counted and timed."""

    def __init__(self, app: ASGIApp, meter: Meter) -> None:
        self.app, self._meter = app, meter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on and count. A request that ends without an answer counts as 499: its client went away."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()
        status, sent_bytes, promised = 499, 0, 0

        async def counting(message: Message) -> None:
            nonlocal status, sent_bytes, promised
            if message["type"] == "http.response.start":
                status = message["status"]
                promised = next((int(value) for name, value in message["headers"] if name == b"content-length"), 0)
            elif scope["method"] != "HEAD":
                sent_bytes += len(message.get("body", b""))
            await send(message)
            if message["type"] == "http.response.pathsend":  # the kernel has sent it, whole
                sent_bytes += promised

        try:
            await self.app(scope, receive, counting)
        except Exception:
            status = 500
            raise
        finally:
            self._meter.count(scope, status, sent_bytes, time.perf_counter() - began)


def route_class(path: str) -> str:
    """The class of routes that a path belongs to: one of a dozen words, whatever clients ask for."""
    if path == "/":
        return "home"
    return next((name for prefix, name in _PREFIXES if path.startswith(prefix)), "other")


async def metrics(request: Request) -> Response:
    """``/metrics``: all processes added up. On a private index it needs a token, as everything does."""
    from .exposition import exposition

    meter: Meter = request.app.state.meter
    meter.fold()
    body, content_type = await asyncio.to_thread(
        exposition, request.app.state.index, _folder(meter.settings), request.headers.get("accept", "")
    )
    return Response(body, headers={"content-type": content_type, "cache-control": "no-store"})


def _enter_multiprocess_mode(settings: Settings) -> None:
    # prometheus-client looks for this variable, and when it is first imported: so it is imported late, above.
    folder = _folder(settings)
    os.makedirs(folder, exist_ok=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder


def _folder(settings: Settings) -> str:
    return str(settings.data / "run" / "metrics")
