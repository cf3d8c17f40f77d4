"""``/pypi/<name>/json`` and ``/pypi/<name>/<version>/json``: the legacy JSON API.

What does not live here: the shape of the documents (`core.views.json_api`).
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

import orjson
from starlette.requests import Request
from starlette.responses import Response

from affineur.core.decision import Refused
from affineur.core.life.extension import public
from affineur.core.life.standing import permits_release
from affineur.core.names import is_normalized, parse_name
from affineur.core.views.json_api import chosen_version, project_document, release_document
from affineur.shell.index import Index
from affineur.shell.store import documents

from . import cors
from .addresses import base_url, moved
from .documents import document
from .statistics.recently import recent_downloads


async def project(request: Request) -> Response:
    """The project's document; its newest release is the one described."""
    name: str = request.path_params["name"]
    if not is_normalized(name):
        return _to_normalized(request, name, "json")
    return await _answer(request, name, None)


async def release(request: Request) -> Response:
    """The document of one release, however its version is spelled."""
    name, version = request.path_params["name"], request.path_params["version"]
    if not is_normalized(name):
        return _to_normalized(request, name, f"{version}/json")
    return await _answer(request, name, version)


async def elsewhere(request: Request) -> Response:
    """Below ``/pypi/``, where nothing is; scripts may ask all the same."""
    return await cors.preflight(request) if request.method == "OPTIONS" else _not_found()


async def _answer(request: Request, name: str, version: str | None) -> Response:
    try:
        found = await asyncio.to_thread(_document, request, name, version)
    except Refused:  # what is asked for is no version
        found = None
    if found is None:
        return _not_found()
    serial, body = found
    return document(request, body, "application/json", serial)


def _document(request: Request, name: str, version: str | None) -> tuple[int, bytes] | None:
    """The project's serial and the document, both of one moment; None where there is no such thing."""
    index: Index = request.app.state.index
    with index.store.read() as connection:
        if version is None:
            record = documents.project_record(connection, name)
            chosen = chosen_version(record) if record is not None else None
        else:
            record, chosen = documents.release_record(connection, name, version) or (None, None)
        if record is None or chosen is None:
            return None
        metadata = documents.release_metadata(connection, name, chosen)
    if not permits_release(record.standing, chosen).offer:  # neither files nor what was said of them
        metadata = replace(metadata, description=None)
    build = project_document if version is None else release_document
    standing = public(record.standing, impact=index.settings.impact_public)
    record = replace(record, standing=standing, origin=index.origin, downloads=recent_downloads(request, name))
    return record.serial, build(record, chosen, metadata, base_url(request))


def _to_normalized(request: Request, name: str, rest: str) -> Response:
    try:
        return moved(request, f"/pypi/{parse_name(name)}/{rest}", headers=cors.HEADERS)
    except Refused:
        return _not_found()


def _not_found() -> Response:
    return Response(orjson.dumps({"message": "Not Found"}), 404, {**cors.HEADERS, "content-type": "application/json"})
