"""``/journal``: every change of the index in order, page by page or as it happens, and the newest of it as feeds.

What does not live here: the shape of entries and pages (`core.history.chronicle`), the sentences
(`core.history.chronicle_words`), and the waiting itself (`web.watch`).
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import orjson
from starlette.requests import Request
from starlette.responses import Response

from affineur.core.decision import Decision, Refused
from affineur.core.history.chronicle import Page, Window, page_bytes, parse_window
from affineur.core.history.chronicle_words import ACTORS, sentence, title
from affineur.core.history.journal import Entry
from affineur.core.names import NormalizedName, is_normalized, parse_name
from affineur.core.views.atom import AtomEntry, AtomFeed, atom
from affineur.core.views.feeds import Item, rss
from affineur.shell.index import Index
from affineur.shell.store import chronicle, journal

from . import cors
from .addresses import base_url, moved
from .answers import refusal, text
from .documents import document
from .hot import accepts_gzip, matches
from .watch import Watch

NEWEST = 100
"""Entries of a feed."""

PARTIAL_SECONDS = 5
"""How long a page that may still grow is kept by caches."""
FOR_EVER = "max-age=31536000, immutable"
RETRY_SECONDS = 5
"""When to come again, for those who could not wait because too many do."""

HEAD = "x-journal-head"
_HEADERS = {
    **cors.HEADERS,
    "access-control-expose-headers": "X-Journal-Head",
    "vary": "Accept-Encoding",
    "x-content-type-options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class _Built:
    """A page, ready to be sent. ``is_full``: it never changes."""

    body: bytes
    etag: str
    is_full: bool
    head: str


async def entries(request: Request) -> Response:
    """``/journal?since=&limit=&wait=``: a page of entries; with ``wait``, as soon as there is one."""
    asked = request.query_params
    window = parse_window(asked.get("since"), asked.get("limit"), asked.get("wait"))
    if isinstance(window, Decision):
        answer = refusal(request, window)
        answer.headers.update(cors.HEADERS)
        return answer
    index: Index = request.app.state.index
    watch = watch_of(request)
    packed = accepts_gzip(request.headers.get("accept-encoding", "").encode("latin-1"))
    key = None
    crowded = False
    if window.wait_seconds and not await asyncio.to_thread(_has_moved, index, window.since):
        serial = await watch.after(window.since, window.wait_seconds, lambda: _departure(request))
        crowded = serial is None
        key = (serial, window.since, window.limit, packed)
    if key is None or crowded:
        built = await asyncio.to_thread(_build, index, window, packed)
    else:  # all who wait are woken by the same entry, and most ask for the same
        built = await watch.together(key, lambda: _build(index, window, packed))
    more = {"retry-after": str(RETRY_SECONDS)} if crowded and not built.is_full else {}
    return _page(request, built, more | ({"content-encoding": "gzip"} if packed else {}), waited=key is not None)


async def head(request: Request) -> Response:
    """``/journal/head``: the newest serial, its hash and moment; with these any copy can be proved."""
    index: Index = request.app.state.index
    return document(request, await asyncio.to_thread(_head_bytes, index), "application/json")


async def atom_feed(request: Request) -> Response:
    """``/journal.atom``: the newest entries of the whole index."""
    index: Index = request.app.state.index

    def build(address: str) -> bytes:
        with index.store.read() as connection:
            found = chronicle.newest(connection, NEWEST)
        name = f"Journal of {index.settings.index_name}"
        return _atom(index, found, "journal", name, address, f"{address}journal.atom", address)

    return document(request, await asyncio.to_thread(build, base_url(request)), "application/atom+xml")


async def rss_feed(request: Request) -> Response:
    """``/journal.rss``: the same as RSS 2.0."""
    index: Index = request.app.state.index

    def build(address: str) -> bytes:
        with index.store.read() as connection:
            found = chronicle.newest(connection, NEWEST)
        items = [
            Item(title(each.event), _address(each, address), sentence(each.event), each.at, guid=True) for each in found
        ]
        name = f"Journal of {index.settings.index_name}"
        return rss(name, address, f"Every change at {index.settings.index_name}", items)

    return document(request, await asyncio.to_thread(build, base_url(request)), "text/xml; charset=utf-8")


async def history_feed(request: Request) -> Response:
    """``/project/<name>/history.atom``: the newest entries about one project, whatever its state is."""
    index: Index = request.app.state.index
    name: str = request.path_params["name"]
    if not is_normalized(name):
        try:
            return moved(request, f"/project/{parse_name(name)}/history.atom", headers=cors.HEADERS)
        except Refused:
            return _not_found()

    def build(address: str) -> bytes | None:
        with index.store.read() as connection:
            found = chronicle.newest_of(connection, NormalizedName(name), NEWEST)
        if not found:
            return None
        page = f"{address}project/{name}/"
        called = f"History of {name} at {index.settings.index_name}"
        return _atom(index, found, f"history-{name}", called, page, f"{page}history.atom", address)

    built = await asyncio.to_thread(build, base_url(request))
    return _not_found() if built is None else document(request, built, "application/atom+xml")


def watch_of(request: Request) -> Watch:
    """The process's one watch over the journal, made when somebody first waits."""
    state = request.app.state
    if not hasattr(state, "watch"):
        index: Index = state.index
        state.watch = Watch(lambda: _head(index)[0], is_ending=getattr(state, "is_ending", lambda: False))
    found: Watch = state.watch
    return found


def _build(index: Index, window: Window, packed: bool) -> _Built:
    with index.store.read() as connection:
        serial, digest = journal.head(connection)
        found = list(journal.entries(connection, window.since, window.limit))
    is_full = len(found) == window.limit
    body = page_bytes(Page(index.origin, window.since, found, complete=not is_full))
    etag = hashlib.blake2b(body, digest_size=16).hexdigest()
    if packed:
        body = gzip.compress(body, 4, mtime=0)
    return _Built(body, f'"{etag}{"-gzip" if packed else ""}"', is_full, f"{serial}:{digest}")


def _page(request: Request, built: _Built, more: Mapping[str, str], *, waited: bool) -> Response:
    index: Index = request.app.state.index
    scope = "private" if index.settings.read == "token" else "public"
    kept = FOR_EVER if built.is_full else "no-cache" if waited else f"max-age={PARTIAL_SECONDS}"
    headers = {**_HEADERS, **more, "cache-control": f"{scope}, {kept}", "etag": built.etag}
    if not built.is_full:  # a page that is kept for ever says nothing that will be old
        headers[HEAD] = built.head
    none_match = request.headers.get("if-none-match")
    if none_match is not None and matches(none_match.encode("latin-1"), built.etag.encode()):
        return Response(status_code=304, headers=headers)
    return Response(built.body, headers={**headers, "content-type": "application/json"})


def _head_bytes(index: Index) -> bytes:
    with index.store.read() as connection:
        serial, digest = journal.head(connection)
        at = journal.moment(connection, serial)
    return orjson.dumps({"serial": serial, "hash": digest, "at": at.isoformat(timespec="microseconds")})


def _head(index: Index) -> tuple[int, str]:
    with index.store.ask() as connection:
        return journal.head(connection)


def _has_moved(index: Index, since: int) -> bool:
    return _head(index)[0] > since


async def _departure(request: Request) -> None:
    """Returns when the client leaves."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _atom(index: Index, found: list[Entry], what: str, name: str, link: str, own: str, address: str) -> bytes:
    origin = index.origin
    told = [
        AtomEntry(
            f"{origin}#{each.serial}",
            title(each.event),
            _address(each, address),
            each.at,
            ACTORS.get(each.event.actor_class, "somebody"),
            sentence(each.event),
            each.event.event,
        )
        for each in found
    ]
    return atom(AtomFeed(f"{origin}#{what}", name, link, own, told))


def _address(entry: Entry, address: str) -> str:
    """Where an entry is shown to people; it also identifies it."""
    return f"{address}journal/{entry.serial}"


def _not_found() -> Response:
    return text("404 Not Found", 404, **cors.HEADERS)
