"""What the hot path leaves of the simple API: redirects, ``?format=``, 406, private indexes, what is not there."""

from __future__ import annotations

import os
from email.utils import formatdate

from starlette.requests import Request
from starlette.responses import Response

from affineur.core.decision import Refused
from affineur.core.names import is_normalized, parse_name
from affineur.core.negotiation import CONTENT_TYPES, NOT_ACCEPTABLE, Form, choose
from affineur.shell.index import Index
from affineur.shell.tree import ROOT

from . import cors
from .addresses import moved
from .answers import text
from .hot import PAGE_HEADERS, accepts_gzip, matches, page_cache_control, validator


async def project_page(request: Request) -> Response:
    """``/simple/<name>/``, or the redirect to where it is."""
    name: str = request.path_params["name"]
    if not is_normalized(name) or not request.url.path.endswith("/"):
        try:
            name = parse_name(name)
        except Refused:
            return _not_found()
        return moved(request, f"/simple/{name}/", headers=cors.HEADERS)
    return _page(request, name)


async def root_list(request: Request) -> Response:
    """``/simple/``; without the slash a redirect, since mirrors ask like that."""
    if not request.url.path.endswith("/"):
        return moved(request, "/simple/", headers=cors.HEADERS)
    return _page(request, ROOT)


async def elsewhere(request: Request) -> Response:
    """Below ``/simple/``, where nothing is; scripts may ask all the same."""
    return await cors.preflight(request) if request.method == "OPTIONS" else _not_found()


def _page(request: Request, name: str) -> Response:
    index: Index = request.app.state.index
    form = choose(_joined(request, "accept"), request.query_params.get("format"))
    if form is None:
        return text(NOT_ACCEPTABLE, 406, vary="Accept", **{"access-control-allow-origin": "*"})
    gzip = accepts_gzip(request.headers.get("accept-encoding", "").encode("latin-1"))
    link = index.tree.link(name)
    for _ in range(20):  # a swap between readlink and open leaves nothing to open: look again
        try:
            folder = os.path.join(os.path.dirname(link), os.readlink(link))
        except OSError:
            return _not_found()
        for file in (f"{form}.gz", form) if gzip else (form,):
            try:
                with open(f"{folder}/{file}", "rb") as stream:
                    return _respond(
                        request, form, file.endswith(".gz"), folder, stream.read(), os.fstat(stream.fileno())
                    )
            except FileNotFoundError:
                continue
    return _not_found()


def _respond(request: Request, form: Form, packed: bool, folder: str, body: bytes, status: os.stat_result) -> Response:
    settings = request.app.state.index.settings
    etag = validator(status)
    headers = {name.decode(): value.decode() for name, value in PAGE_HEADERS}
    headers |= {
        "cache-control": page_cache_control(settings.page_max_age_seconds, private=settings.read == "token"),
        "etag": etag.decode(),
        "last-modified": formatdate(int(status.st_mtime), usegmt=True),
        "x-pypi-last-serial": folder.rpartition(".")[2],
    }
    none_match = request.headers.get("if-none-match")
    if none_match is not None and matches(none_match.encode("latin-1"), etag):
        return Response(status_code=304, headers=headers)
    if packed:
        headers["content-encoding"] = "gzip"
    headers["content-type"] = CONTENT_TYPES[form]
    return Response(body, headers=headers)


def _joined(request: Request, name: str) -> str | None:
    values = request.headers.getlist(name)
    return ",".join(values) if values else None


def _not_found() -> Response:
    return text("404 Not Found", 404, **{"access-control-allow-origin": "*"})
