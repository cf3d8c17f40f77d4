"""Answering with a document that was computed for the request: validator and CORS.

What does not live here: what is in the documents (`web.json_api`, `web.feeds`).
"""

from __future__ import annotations

import hashlib

from starlette.requests import Request
from starlette.responses import Response

from affineur.settings import Settings

from . import cors
from .hot import matches, page_cache_control


def document(request: Request, body: bytes, content_type: str, serial: int | None = None) -> Response:
    """200 with ``body``, or 304 where the client has it already.

    The validator is a digest of the body: it holds for whatever the document is made of, and is the same in every
    process. ``serial`` is the project's, which mirrors compare.
    """
    settings: Settings = request.app.state.index.settings
    etag = f'"{hashlib.blake2b(body, digest_size=16).hexdigest()}"'
    headers = {
        **cors.HEADERS,
        "cache-control": page_cache_control(settings.page_max_age_seconds, private=settings.read == "token"),
        "etag": etag,
        "x-content-type-options": "nosniff",
    }
    if serial is not None:
        headers["x-pypi-last-serial"] = str(serial)
    none_match = request.headers.get("if-none-match")
    if none_match is not None and matches(none_match.encode("latin-1"), etag.encode()):
        return Response(status_code=304, headers=headers)
    return Response(body, headers={**headers, "content-type": content_type})
