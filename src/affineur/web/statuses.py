"""``/statuses.jsonl`` and ``/statuses.parquet``: what state every project is in, as one file.

The application sends them with nginx in front, too: they are asked for some times a day, and validators here come from
the serial, which two files of the same second and size do not share. What does not live here: what is in them
(`core.views.bulk_statuses`), and writing them (`projections.statuses`).
"""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from affineur.shell.index import Index
from affineur.shell.status_files import LINES, PARQUET, StatusFiles

from . import cors
from .answers import text
from .files import PublicFile
from .hot import accepts_gzip, matches, page_cache_control

LINES_TYPE = "application/x-ndjson"
PARQUET_TYPE = "application/vnd.apache.parquet"
RETRY_SECONDS = 60
"""When to come again for files that are not written yet."""
_CHUNK_BYTES = 256 * 1024
_EXPOSED = "Content-Length, Content-Range, Accept-Ranges, ETag, X-PyPI-Last-Serial"


async def as_lines(request: Request) -> Response:
    """``/statuses.jsonl``: a line of JSON for each project; compressed for whoever accepts that, as most do."""
    packed = accepts_gzip(request.headers.get("accept-encoding", "").encode("latin-1"))
    more = {"vary": "Accept-Encoding", **({"content-encoding": "gzip"} if packed else {"accept-ranges": "none"})}
    return await _answer(request, LINES, LINES_TYPE, more, plain=not packed)


async def as_packed_lines(request: Request) -> Response:
    """``/statuses.jsonl.gz``: the same as a file that is compressed, for whoever keeps it so."""
    return await _answer(request, LINES, "application/gzip", {})


async def as_parquet(request: Request) -> Response:
    """``/statuses.parquet``: the same as columns; by range, too, so that a query can read what it needs only."""
    return await _answer(request, PARQUET, PARQUET_TYPE, {})


ROUTES = [
    Route("/statuses.jsonl", as_lines),
    Route("/statuses.jsonl.gz", as_packed_lines),
    Route("/statuses.parquet", as_parquet),
    Route("/statuses{rest:path}", cors.preflight, methods=["OPTIONS"]),
]


async def _answer(
    request: Request, name: str, content_type: str, more: dict[str, str], *, plain: bool = False
) -> Response:
    """The present file of that name, or 304 where the client has it; ``plain``: its contents, not compressed."""
    index: Index = request.app.state.index
    files = StatusFiles(index.settings.public)
    serial = files.serial
    path = files.path(serial or 0, name)
    if serial is None or not path.exists():
        return _not_yet()
    status = path.stat()
    response = PublicFile(path, headers=_headers(index, serial) | more, media_type=content_type, stat_result=status)
    form = {"gzip": "-gzip"}.get(more.get("content-encoding", ""), "-plain" if plain else "")
    etag = response.headers["etag"] = f'"{serial}-{status.st_size:x}{form}"'
    none_match = request.headers.get("if-none-match")
    known = None if none_match is None else none_match.encode("latin-1")
    # Two moments can be of the same second: only the ETag tells them apart.
    if known is not None and matches(known, etag.encode()):
        kept = {key: value for key, value in response.headers.items() if key not in ("content-length", "content-type")}
        return Response(status_code=304, headers=kept)
    if not plain:
        return response
    headers = {key: value for key, value in response.headers.items() if key != "content-length"}
    return StreamingResponse(_unpacked(path, request.method), headers=headers, media_type=content_type)


def _headers(index: Index, serial: int) -> dict[str, str]:
    settings = index.settings
    return {
        **cors.HEADERS,
        "access-control-expose-headers": _EXPOSED,
        "cache-control": page_cache_control(settings.page_max_age_seconds, private=settings.read == "token"),
        "x-content-type-options": "nosniff",
        "x-pypi-last-serial": str(serial),
    }


async def _unpacked(path: Path, method: str) -> AsyncIterator[bytes]:
    if method == "HEAD":
        return
    with gzip.open(path, "rb") as stream:
        while piece := await asyncio.to_thread(stream.read, _CHUNK_BYTES):
            yield piece


def _not_yet() -> Response:
    return text(
        "503 Service Unavailable: this file is not written yet. Try again in a minute.",
        503,
        retry_after=str(RETRY_SECONDS),
        access_control_allow_origin="*",
    )
