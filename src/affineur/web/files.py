"""What the hot path leaves of file serving: large files, ranges, predictable addresses, blobs kept elsewhere."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response, StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from affineur.core.decision import Refused
from affineur.core.distributions.filenames import parse_filename_leniently
from affineur.core.names import parse_name
from affineur.core.views.simple import file_path
from affineur.shell.blobs import CHUNK_BYTES, BlobMissing, S3Blobs
from affineur.shell.index import Index
from affineur.shell.tree import ELSEWHERE

from .addresses import moved
from .answers import text
from .clients import address_of
from .hot import file_headers, file_type, is_file_path, is_unchanged, validator
from .protocol import ClientGone
from .requestlog import RequestLog


class PublicFile(FileResponse):
    """A file of the public tree. Ranges are Starlette's; read in mebibytes, since each read is a thread's turn."""

    chunk_size = 1024 * 1024


async def public_file(request: Request) -> Response:
    """``/packages/<name>/<version>/<filename>``: whole or by range, wherever its blob is kept."""
    index: Index = request.app.state.index
    path = request.url.path if "%" not in request.url.path else request.scope["path"]
    parts = path.split("/")
    if not is_file_path(parts):
        return await predictable(request, parts)
    local = f"{index.tree.root}{path}"
    try:
        status = os.stat(local)
    except OSError:
        return await _from_elsewhere(request, index, local, parts)
    headers = {name.decode(): value.decode() for name, value in file_headers(private=index.settings.read == "token")}
    etag = validator(status)
    response = PublicFile(local, headers=headers, media_type=file_type(path).decode(), stat_result=status)
    response.headers["etag"] = etag.decode()
    unchanged = is_unchanged(
        _header(request, "if-none-match"),
        _header(request, "if-modified-since"),
        etag,
        response.headers["last-modified"].encode(),
    )
    if unchanged:
        kept = {k: v for k, v in response.headers.items() if k not in ("content-length", "content-type")}
        note(request, parts, 0, 304)
        return Response(status_code=304, headers=kept)
    response.background = None
    return Noted(response, request, parts)


class Noted(Response):
    """A file response that leaves its line in the request log, with the status and bytes really sent."""

    def __init__(self, inner: Response, request: Request, parts: list[str]) -> None:
        super().__init__(status_code=inner.status_code)
        self._inner, self._request, self._parts = inner, request, parts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send on, counting."""
        status, sent, promised = 200, 0, 0
        scope = _without_unknown_ranges(scope)

        async def counting(message: Message) -> None:
            nonlocal status, sent, promised
            if message["type"] == "http.response.start":
                status = message["status"]
                promised = next((int(value) for name, value in message["headers"] if name == b"content-length"), 0)
            else:
                sent += len(message.get("body", b""))
            await send(message)
            if message["type"] == "http.response.pathsend":
                sent += promised

        try:
            await self._inner(scope, receive, counting)
        except ClientGone as gone:
            sent += gone.sent_bytes
        finally:
            note(self._request, self._parts, sent, status)


def _without_unknown_ranges(scope: Scope) -> Scope:
    """RFC 9110 §14.2: a range in a unit that is not understood is ignored, not refused."""
    headers = [
        (name, value.lower() if name == b"range" else value)
        for name, value in scope["headers"]
        if name != b"range" or value.lower().startswith(b"bytes=")
    ]
    return {**scope, "headers": headers}


def note(request: Request, parts: list[str], size_bytes: int, status: int) -> None:
    """Leave a line in the request log about ``/packages/<name>/<version>/<filename>``."""
    log: RequestLog = request.app.state.log
    settings = request.app.state.index.settings
    country = request.headers.get(settings.country_header, "") if settings.country_header else ""
    client = address_of(
        request.scope["headers"], request.client.host if request.client else "", settings.trusted_proxies
    )
    log.write(
        parts[2],
        parts[3],
        parts[4],
        request.headers.get("user-agent", ""),
        client,
        country,
        size_bytes,
        status,
    )


async def predictable(request: Request, parts: list[str]) -> Response:
    """``/packages/<python>/<letter>/<name>/<filename>``: a redirect to the file, by name alone.

    The address packagers compute for themselves; ``<python>`` is ``source`` or a wheel's Python tag.
    """
    index: Index = request.app.state.index
    if len(parts) != 6:
        return _nothing("No such address.")
    _, _, python, letter, name, filename = parts
    metadata = ".metadata" if filename.endswith(".metadata") else ""
    try:
        project = parse_name(name)
        named = parse_filename_leniently(filename.removesuffix(".metadata"), project)
    except Refused as refused:
        return _nothing(refused.decision.reason)
    if letter != project[0] or named.name != project or python != named.python_version:
        return _nothing("The parts of this address contradict each other.")
    target = file_path(project, named.version, named.filename) + metadata
    if not os.path.lexists(f"{index.tree.root}/{target}"):
        return _nothing(f"There is no file {filename} on offer.")
    return moved(
        request,
        f"/{target}",
        302,
        headers={"cache-control": "max-age=604800, public", "access-control-allow-origin": "*"},
    )


async def _from_elsewhere(request: Request, index: Index, local: str, parts: list[str]) -> Response:
    try:
        digest = os.readlink(local)
    except OSError:
        return _nothing("There is no such file on offer.")
    if not digest.startswith(ELSEWHERE) or not isinstance(index.blobs, S3Blobs):
        return _nothing("There is no such file on offer.")
    digest = digest.removeprefix(ELSEWHERE)
    if index.settings.s3_delivery == "redirect" and not parts[4].endswith(".metadata"):
        note(request, parts, 0, 302)
        return RedirectResponse(
            await asyncio.to_thread(index.blobs.presigned, digest), 302, headers={"cache-control": "no-store"}
        )
    return await _stream(request, index.blobs, digest, parts)


async def _stream(request: Request, blobs: S3Blobs, digest: str, parts: list[str]) -> Response:
    """The object, whole or one range of it. (Several ranges in one request are answered with the whole.)"""
    try:
        size = await asyncio.to_thread(blobs.size, digest)
    except BlobMissing:  # damage that `fsck` names
        return _nothing("The contents of this file are missing.")
    private = request.app.state.index.settings.read == "token"
    headers = {name.decode(): value.decode() for name, value in file_headers(private=private)}
    headers["etag"] = f'"{digest[:32]}"'
    if is_unchanged(_header(request, "if-none-match"), None, headers["etag"].encode(), b""):
        note(request, parts, 0, 304)
        return Response(status_code=304, headers=headers)
    wanted = one_range(request.headers.get("range"), size)
    if wanted == "unsatisfiable":
        note(request, parts, 0, 416)
        return Response(status_code=416, headers={**headers, "content-range": f"bytes */{size}"})
    start, end = wanted if isinstance(wanted, tuple) else (0, size)
    status = 200 if wanted is None else 206
    if status == 206:
        headers["content-range"] = f"bytes {start}-{end - 1}/{size}"
    headers["content-length"] = str(end - start)
    headers["content-type"] = file_type(parts[4]).decode()

    async def chunks() -> AsyncIterator[bytes]:
        if request.method == "HEAD":
            return
        for position in range(start, end, CHUNK_BYTES):
            yield await asyncio.to_thread(blobs.read, digest, position, min(position + CHUNK_BYTES, end))

    return Noted(StreamingResponse(chunks(), status, headers), request, parts)


def one_range(header: str | None, size: int) -> tuple[int, int] | str | None:
    """The single byte range of a ``Range`` header as ``(start, end)``, end exclusive (RFC 9110 §14.1.2).

    None where there is none, or several; ``"unsatisfiable"`` where it lies outside.
    """
    if header is None or not header.startswith("bytes=") or "," in header:
        return None
    first, dash, last = header.removeprefix("bytes=").strip().partition("-")
    if not dash or not (first or last) or not (first + last).isdigit():
        return None
    if not first:
        start, end = max(size - int(last), 0), size
        return (start, end) if int(last) else "unsatisfiable"
    start, end = int(first), min(int(last) + 1, size) if last else size
    return (start, end) if start < end else "unsatisfiable"


def _header(request: Request, name: str) -> bytes | None:
    value = request.headers.get(name)
    return None if value is None else value.encode("latin-1")


def _nothing(reason: str) -> Response:
    return text(
        "404 Not Found",
        404,
        reason=reason.encode("ascii", "replace").decode(),
        access_control_allow_origin="*",
    )
