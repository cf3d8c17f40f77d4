"""The journal for people: ``/journal/``, newest first, to look for something; ``/journal/<serial>``, one entry whole.

A program that comes here gets what is for programs: the page of entries at ``/journal``, an entry as JSON.
What does not live here: reading the journal on and on, and its feeds (`web.journal`).
"""

from __future__ import annotations

import asyncio
from urllib.parse import urlencode

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from affineur.core.decision import Refused
from affineur.core.history.chronicle import MAXIMUM_SERIAL, entry_json
from affineur.core.history.chronicle_kinds import KINDS, events_of
from affineur.core.history.chronicle_words import EVENTS, HINTS, words
from affineur.core.history.journal import GENESIS, Entry, faults
from affineur.core.names import NormalizedName, parse_name
from affineur.shell.store import chronicle, journal
from affineur.web.addresses import moved
from affineur.web.documents import document

from . import timeline
from .errors import wants_html
from .rendering import index_of, page

_KINDS = tuple((key, called, events) for key, called in KINDS.items() if (events := events_of(key)))


async def entries(request: Request) -> Response:
    """``/journal/?kind=&project=&before=``: entries in sentences, newest first."""
    answer = await asyncio.to_thread(_entries, request) if wants_html(request) else moved(request, "/journal", 307)
    return _by_form(answer)


async def entry(request: Request) -> Response:
    """``/journal/<serial>``: one entry with all its members, and whether it holds."""
    return _by_form(await asyncio.to_thread(_entry, request))


def _by_form(answer: Response) -> Response:
    """The same address has a form for people and one for programs, which caches keep apart."""
    answer.headers["vary"] = "Accept, Accept-Encoding"
    return answer


def _entries(request: Request) -> Response:
    kind, asked = request.query_params.get("kind", ""), request.query_params.get("project", "").strip()[:200]
    events = events_of(kind)
    name, problem = _project(asked)
    before = timeline.before(request)
    with index_of(request).store.read() as connection:
        serial, digest = journal.head(connection)
        found = chronicle.Look([], None)
        if not problem:
            found = chronicle.back(connection, before, timeline.SHOWN, events=events, project=name)
    typed = {"kind": kind if events else "", "project": asked}
    values = {
        "head": (serial, digest),
        "entries": timeline.told(found.entries),
        "older": found.older,
        "before": before,
        "typed": typed,
        "query": urlencode({key: value for key, value in typed.items() if value}),
        "problem": problem,
        "kinds": [(key, called, [(event, words(event)) for event in events]) for key, called, events in _KINDS],
        "looked_at": chronicle.LOOKED_AT,
    }
    return page(request, "journal.html", values)


def _project(asked: str) -> tuple[NormalizedName | None, str]:
    """The project that is looked for, and why what was typed can be the name of none."""
    try:
        return (parse_name(asked), "") if asked else (None, "")
    except Refused as refused:
        return None, refused.decision.sentence


def _entry(request: Request) -> Response:
    text = request.path_params["serial"]
    serial = int(text) if text.isascii() and text.isdigit() and len(text) <= 19 else 0
    if str(serial) != text or serial > MAXIMUM_SERIAL:
        raise HTTPException(404)
    with index_of(request).store.read() as connection:
        found = chronicle.one(connection, serial)
        before = chronicle.one(connection, serial - 1) if found else None
        head = journal.head(connection)
    if found is None:
        raise HTTPException(404)
    if not wants_html(request):
        return document(request, orjson.dumps(entry_json(found)), "application/json")
    values = {
        "told": timeline.tell(found),
        "called": words(found.event.event),
        "hint": HINTS[found.event.hint],
        "is_known": found.event.event in EVENTS,
        "changes": _changes(found),
        "broken": list(faults([found], (serial - 1, before.hash if before else GENESIS))),
        "head": head,
    }
    return page(request, "journal_entry.html", values)


def _changes(found: Entry) -> list[tuple[str, str, str]]:
    """Each fact that the entry tells of: its name, what it was, what it is."""
    old, new = found.event.old, found.event.new
    return [
        (name.replace("_", " "), _plain(old.get(name)), _plain(new.get(name))) for name in dict.fromkeys((*old, *new))
    ]


def _plain(value: object) -> str:
    if value is None or value == "" or value == []:
        return "–"
    return value if isinstance(value, str) else orjson.dumps(value).decode()
