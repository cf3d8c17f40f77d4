"""Exports: the daily numbers of a project or of the whole index, so that others can verify what is claimed here.

They are the rows of table ``daily``, every class of downloads in them, as CSV, JSON or Parquet. What does not live
here: the columns (`core.downloads.tables`).
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from typing import IO

import orjson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from affineur.core.decision import Refused, refuse
from affineur.core.downloads.figures import MONTH_DAYS, Window
from affineur.core.names import NormalizedName
from affineur.core.views.statistics import LONGEST_EXPORT_DAYS, asked
from affineur.shell.index import Index
from affineur.shell.lake.port import ExportForm, LakeAway
from affineur.web import cors
from affineur.web.answers import refusal

from .answering import allowing, away, cache_control
from .seen import seen

_FORMS: dict[str, tuple[ExportForm, str]] = {
    "csv": ("csv", "text/csv; charset=utf-8"),
    "json": ("jsonl", "application/json"),
    "jsonl": ("jsonl", "application/x-ndjson"),
    "parquet": ("parquet", "application/vnd.apache.parquet"),
}
_PROJECT_DAYS = 10_000
_CHUNK_BYTES = 256 * 1024


async def of_project(request: Request) -> Response:
    """The numbers of a project, of all days unless some are named."""
    return await _answer(request, _of_project)


async def of_index(request: Request) -> Response:
    """The numbers of the whole index, of the last thirty days unless others are named."""
    return await _answer(request, _of_index)


async def _answer(request: Request, make: Callable[[Request], Response]) -> Response:
    try:
        response: Response = await request.app.state.exports.take(make, request)
    except Refused as refused:
        return allowing(refusal(request, refused.decision))
    except LakeAway:
        return allowing(refusal(request, away()))
    return allowing(response)


def _of_project(request: Request) -> Response:
    index: Index = request.app.state.index
    found = seen(index, request.path_params["name"])
    if found is None or request.path_params["form"] not in _FORMS:
        return _not_found()
    question = asked(request.query_params, found.state, _PROJECT_DAYS)
    return _exported(request, question.window if question else None, found.name)


def _of_index(request: Request) -> Response:
    if request.path_params["form"] not in _FORMS:
        return _not_found()
    index: Index = request.app.state.index
    question = asked(request.query_params, index.lake.state(), MONTH_DAYS)
    window = question.window if question else None
    if window and window.days > LONGEST_EXPORT_DAYS:
        refuse(
            "statistics.export",
            f"{window.days} days of the whole index are more than {LONGEST_EXPORT_DAYS}.",
            "Ask for a month, then for the next.",
        )
    return _exported(request, window, None)


def _exported(request: Request, window: Window | None, project: NormalizedName | None) -> Response:
    """The rows of ``window``; None: there are none. Their file has no name any more when the first byte is sent.

    So nothing is left of it, whatever becomes of the answer.
    """
    index: Index = request.app.state.index
    word = request.path_params["form"]
    form, content_type = _FORMS[word]
    if window is None:
        return Response("There are no statistics yet.\n", 404, media_type="text/plain")
    path = index.settings.spool / f"export-{secrets.token_hex(8)}.{form}"
    try:
        index.lake.export(path, window, form, (project,) if project else ())
        stream = path.open("rb")
    finally:
        path.unlink(missing_ok=True)
    name = f"{project or 'index'}-{window.first}-{window.last}.{word}"
    headers = {
        "cache-control": cache_control(request),
        "content-disposition": f'attachment; filename="{name}"',
        "x-content-type-options": "nosniff",
    }
    if word == "json":
        return StreamingResponse(_as_json(stream, window, project), 200, headers, content_type)
    headers["content-length"] = str(os.fstat(stream.fileno()).st_size)
    return StreamingResponse(_whole(stream), 200, headers, content_type)


def _whole(stream: IO[bytes]) -> Iterator[bytes]:
    with stream:
        while chunk := stream.read(_CHUNK_BYTES):
            yield chunk


def _as_json(stream: IO[bytes], window: Window, project: NormalizedName | None) -> Iterator[bytes]:
    """One JSON document around the lines of ``stream``, many at a time: each step is one of a thread."""
    about = {"project": project, "first_day": str(window.first), "last_day": str(window.last),
             "filter": "all downloads: see the column class"}  # fmt: skip
    yield orjson.dumps(about)[:-1] + b',"rows":['
    with stream:
        between = b"\n"
        while lines := stream.readlines(_CHUNK_BYTES):
            yield between + b",\n".join(line.rstrip(b"\n") for line in lines)
            between = b",\n"
    yield b"\n]}\n"


def _not_found() -> Response:
    return Response("404 Not Found\n", 404, cors.HEADERS, media_type="text/plain")
