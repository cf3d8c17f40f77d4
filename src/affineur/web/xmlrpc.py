"""``POST /pypi``: the XML-RPC methods that mirrors follow an index with.

Only those are here that a mirror needs; every other name gets a fault that says what to use instead. Names of people
are never given. What does not live here: the texts of the changelog (`core.history.changelog`).
Sources: XML-RPC (xmlrpc.com/spec.md); the fault codes of "Specification for Fault Code Interoperability" (2001); the
signatures of the methods as the Python Package Index documents them.
"""

from __future__ import annotations

import asyncio
import gzip
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any
from xml.parsers import expat
from xmlrpc.client import MAXINT, Fault, Unmarshaller, dumps  # nothing of theirs reads what comes from elsewhere

from starlette.requests import Request
from starlette.responses import Response

from affineur.core.history.changelog import MAXIMUM_ENTRIES, Change, change
from affineur.shell.index import Index
from affineur.shell.store import chronicle, journal, projects

from .hot import accepts_gzip

log = logging.getLogger(__name__)

MAXIMUM_CALL_BYTES = 16 * 1024
"""The longest call that is understood has less than 1 KiB."""
_GZIP_FROM_BYTES = 1400

_NOT_WELL_FORMED, _NO_METHOD, _WRONG_PARAMETERS, _FAILED = -32700, -32601, -32602, -32500

Method = Callable[[Index, tuple[Any, ...]], Any]


async def call(request: Request) -> Response:
    """Answer one call. Refusals are faults with status 200, as XML-RPC has it."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAXIMUM_CALL_BYTES:
            fault = Fault(_NOT_WELL_FORMED, f"A call has at most {MAXIMUM_CALL_BYTES:,} bytes.")
            return Response(_fault(fault), 200, {"connection": "close"}, media_type="text/xml")
    index: Index = request.app.state.index
    packed = accepts_gzip(request.headers.get("accept-encoding", "").encode("latin-1"))
    async with _line(request):  # long answers keep a processor busy: one at a time leaves the others to reading
        answer = await asyncio.to_thread(_answer, index, body)
        is_packed = packed and len(answer) >= _GZIP_FROM_BYTES
        if is_packed:
            answer = await asyncio.to_thread(gzip.compress, answer, 1)
    headers = {"cache-control": "no-store", "vary": "Accept-Encoding", "x-content-type-options": "nosniff"}
    return Response(answer, 200, headers | ({"content-encoding": "gzip"} if is_packed else {}), media_type="text/xml")


async def only_calls(request: Request) -> Response:
    """Somebody looks where calls go."""
    said = "405 Method Not Allowed\n\nXML-RPC is called with POST. Pages are at /simple/ and /project/.\n"
    return Response(said, 405, {"allow": "POST"}, media_type="text/plain")


def parse_call(body: bytes) -> tuple[str, tuple[Any, ...]]:
    """Method and parameters of a call. `Fault` where it is none; one that defines entities is none either."""
    reading = Unmarshaller(use_builtin_types=True)
    reading.xml("", None)  # what comes is text already
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = _no_doctype
    parser.StartElementHandler = reading.start
    parser.EndElementHandler = reading.end
    parser.CharacterDataHandler = reading.data
    try:
        parser.Parse(body, True)
        parameters = tuple(reading.close())
    except Fault:
        raise
    except Exception:  # what the standard library makes of nonsense is of many kinds, and all mean the same
        raise Fault(_NOT_WELL_FORMED, "This is no XML-RPC call.") from None
    method = reading.getmethodname()
    if not method or len(method) > 100:
        raise Fault(_NOT_WELL_FORMED, "This call names no method.")
    return method, parameters


def _no_doctype(*_: object) -> None:
    raise Fault(_NOT_WELL_FORMED, "A call has no document type.")


def _answer(index: Index, body: bytes) -> bytes:
    try:
        name, parameters = parse_call(body)
        method = METHODS.get(name)
        if method is None:
            raise Fault(
                _NO_METHOD, _ABSENT.get(name) or f"There is no method {name!r}. `system.listMethods` lists them."
            )
        return dumps((method(index, parameters),), methodresponse=True, allow_none=True).encode()
    except Fault as fault:
        return _fault(fault)
    except Exception:
        log.exception("an XML-RPC call failed")
        return _fault(Fault(_FAILED, "The index could not answer. Try again later."))


def _fault(fault: Fault) -> bytes:
    return dumps(fault, methodresponse=True).encode()


def _changelog_last_serial(index: Index, parameters: tuple[Any, ...]) -> int:
    _take(parameters)
    with index.store.ask() as connection:
        return journal.head(connection)[0]


def _changelog_since_serial(index: Index, parameters: tuple[Any, ...]) -> list[Change]:
    (serial,) = _take(parameters, int)
    with index.store.read() as connection:
        return _changes(connection, serial)


def _changelog(index: Index, parameters: tuple[Any, ...]) -> list[tuple[object, ...]]:
    since, with_ids = _take((*parameters, False) if len(parameters) == 1 else parameters, int, bool)
    try:
        moment = datetime.fromtimestamp(since, UTC)
    except (ValueError, OverflowError, OSError):
        raise Fault(_WRONG_PARAMETERS, "since: give seconds since 1970.") from None
    with index.store.read() as connection:
        found = _changes(connection, chronicle.serial_before(connection, moment))
    return list(found) if with_ids else [each[:-1] for each in found]


def _list_packages_with_serial(index: Index, parameters: tuple[Any, ...]) -> dict[str, int]:
    """A project on hold is among them, with the serial of the hold: whoever compares serials fetches it and finds
    no files; left out, it would be told to nobody who asks only about what is listed. Its clearing has a newer serial.
    """
    _take(parameters)
    with index.store.read() as connection:
        return {entry.name: min(entry.serial, MAXINT) for entry in projects.root_entries(connection)}


def _list_packages(index: Index, parameters: tuple[Any, ...]) -> list[str]:
    _take(parameters)
    with index.store.read() as connection:
        return [entry.name for entry in projects.root_entries(connection)]


def _list_methods(index: Index, parameters: tuple[Any, ...]) -> list[str]:
    _take(parameters)
    return sorted(METHODS)


def _changes(connection: Any, since: int) -> list[Change]:
    return [change(entry) for entry in journal.entries(connection, max(0, min(since, MAXINT)), MAXIMUM_ENTRIES)]


def _take(parameters: tuple[Any, ...], *kinds: type) -> tuple[Any, ...]:
    """The parameters, if they are of ``kinds``; `Fault` else."""
    if len(parameters) != len(kinds):
        raise Fault(_WRONG_PARAMETERS, f"This method takes {len(kinds)} parameters; {len(parameters)} were given.")
    for position, (value, kind) in enumerate(zip(parameters, kinds, strict=True), 1):
        if type(value) is not kind:  # True is no number here
            raise Fault(_WRONG_PARAMETERS, f"Parameter {position} has to be of type {kind.__name__}.")
    return parameters


METHODS: Mapping[str, Method] = MappingProxyType(
    {
        "changelog": _changelog,
        "changelog_last_serial": _changelog_last_serial,
        "changelog_since_serial": _changelog_since_serial,
        "list_packages": _list_packages,
        "list_packages_with_serial": _list_packages_with_serial,
        "system.listMethods": _list_methods,
    }
)
"""Every method there is."""

_JSON = "Use /pypi/<name>/json or the simple API."
_ABSENT: Mapping[str, str] = MappingProxyType(
    {
        "package_releases": f"This index has no XML-RPC method package_releases. {_JSON}",
        "package_urls": f"This index has no XML-RPC method package_urls. {_JSON}",
        "package_data": f"This index has no XML-RPC method package_data. {_JSON}",
        "release_urls": f"This index has no XML-RPC method release_urls. {_JSON}",
        "release_data": f"This index has no XML-RPC method release_data. {_JSON}",
        "package_roles": "This index tells nobody's name. Who has a role is on the project's page for its owners.",
        "user_packages": "This index tells nobody's name. Who has a role is on the project's page for its owners.",
        "search": "Search with a browser at /search/.",
        "browse": "Search with a browser at /search/.",
        "top_packages": "This index has no list of what is downloaded most.",
        "system.multicall": "Several calls in one are not taken. Make one call after another.",
    }
)


def _line(request: Request) -> asyncio.Semaphore:
    state = request.app.state
    if not hasattr(state, "xmlrpc_line"):
        state.xmlrpc_line = asyncio.Semaphore(1)
    found: asyncio.Semaphore = state.xmlrpc_line
    return found
