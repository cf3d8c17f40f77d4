"""``POST /legacy/``: the upload API that twine, uv, Poetry, PDM, Hatch and Flit speak.

From request to `actions.upload`, and from its outcome to an answer that upload clients understand.
Source: the legacy upload API of the PyPA specifications.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from affineur.actions.upload import Spooled, Terms, upload
from affineur.core.access import Actor
from affineur.core.decision import Decision, Refused, refuse
from affineur.core.distributions.acceptance import Rules
from affineur.core.distributions.upload_form import UploadForm, read_form
from affineur.core.life.policy import file_too_large
from affineur.core.names import parse_name
from affineur.settings import Settings
from affineur.shell.index import Index
from affineur.shell.store import projects

from .addresses import moved, root_path
from .answers import refusal, text
from .identity import caller_of, identify
from .multipart import Arrived, receive_form
from .protocol import REASON_HEADER, reason_phrase
from .refused import acts, note_refusal

_DRAIN_BYTES = 64 * 1024 * 1024


async def receive_upload(request: Request) -> Response:
    """Take a file in. 200 when it is on offer; else the refusal, in reason phrase and body."""
    index: Index = request.app.state.index
    actor = await asyncio.to_thread(identify, index, request.headers.get("authorization"), datetime.now(UTC))
    if isinstance(actor, Decision):
        await note_refusal(request, actor)
        await _drain(request.stream())
        return refusal(request, actor)
    try:
        arrived = await receive_form(
            request.stream(),
            request.headers.get("content-type", ""),
            index.settings.spool,
            "content",
            lambda fields: _file_limit(index, fields),
        )
    except Refused as refused:
        await _drain(request.stream())
        return refusal(request, refused.decision)
    except ClientDisconnect:
        return text("", 400)
    try:
        caller = caller_of(request, actor, datetime.now(UTC))
        acts(request, actor)
        return await _act(request, index, caller.actor, arrived)
    except Refused as refused:
        await note_refusal(request, refused.decision)
        return refusal(request, refused.decision)
    finally:
        arrived.discard()


async def redirect_without_slash(request: Request) -> Response:
    """``/legacy`` is not where uploads go; clients that follow redirects keep method and body (308)."""
    return moved(
        request,
        "/legacy/",
        308,
        headers={
            REASON_HEADER.decode(): (
                "An upload was attempted to /legacy but the expected upload URL is /legacy/ (with a trailing slash)"
            )
        },
    )


async def not_here(request: Request) -> Response:
    """Uploads go to ``/legacy/``: what clients are told who send one to where pages are."""
    await _drain(request.stream())
    return _wrong_method(f"Uploads go to {root_path(request)}/legacy/, not here.", "GET, HEAD, OPTIONS")


async def only_uploads(request: Request) -> Response:
    """Pages are at ``/simple/``: what those are told who look for them where uploads go."""
    return _wrong_method(f"Uploads go here; to install, use {root_path(request)}/simple/.", "POST")


def terms(settings: Settings) -> Terms:
    """The terms of an ordinary upload to this index."""
    window = timedelta(days=settings.release_window_days) if settings.release_window_days else None
    return Terms(Rules(allow_local_versions=settings.allow_local_versions, record=settings.record), window)


def _wrong_method(sentence: str, allowed: str) -> Response:
    headers = {"allow": allowed, REASON_HEADER.decode(): reason_phrase(sentence).decode("latin-1")}
    return text(f"405 Method Not Allowed\n\n{sentence}\n", 405, **headers)


async def _act(request: Request, index: Index, actor: Actor, arrived: Arrived) -> Response:
    fields = arrived.fields
    if ":action" not in dict(fields) and ":action" in request.query_params:
        fields = [*fields, (":action", request.query_params[":action"])]
    form = read_form(fields)
    spooled = _require_file(arrived)
    published = await asyncio.to_thread(_upload, index, actor, form, spooled)
    warnings = [finding.sentence for finding in published]
    if form.attestations is not None:
        warnings.append("Attestations were not kept: this index does not check them yet.")
    return text("\n".join(warnings))


def _upload(index: Index, actor: Actor, form: UploadForm, spooled: Spooled) -> tuple[Decision, ...]:
    return upload(index, actor, form, spooled, datetime.now(UTC), terms(index.settings)).findings


def _file_limit(index: Index, fields: list[tuple[str, str]]) -> tuple[int, Decision]:
    """How large the file may be. Clients send the name first; where one does not, the index's own limit holds."""
    limit = index.settings.maximum_file_bytes
    name = next((value for key, value in fields if key == "name"), "")
    try:
        project = parse_name(name)
    except Refused:  # said in full once the form is read
        return limit, file_too_large("this index", limit)
    with index.store.read() as connection:
        found = projects.find(connection, project)
    limit = (found and found.file_limit_bytes) or limit
    return limit, file_too_large(project, limit)


def _require_file(arrived: Arrived) -> Spooled:
    if arrived.path is None or not arrived.filename:
        refuse(
            "form.file",
            "Upload payload does not have a file.",
            "Send the distribution as the part `content`.",
        )
    if (arrived.content_type or "").startswith("image/"):  # uv and Flit send no type at all
        refuse(
            "form.content-type",
            "Invalid distribution file.",
            "Send the part `content` as application/octet-stream.",
        )
    return Spooled(arrived.path, arrived.filename, arrived.size_bytes, arrived.sha256, arrived.blake2b_256, arrived.md5)


async def _drain(stream: AsyncIterator[bytes]) -> None:
    """Read on for a while: a client that is still sending does not look at an answer."""
    left = _DRAIN_BYTES
    try:
        async for chunk in stream:
            left -= len(chunk)
            if left < 0:
                return
    except (ClientDisconnect, RuntimeError):  # gone, or read already
        return
