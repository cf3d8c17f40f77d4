"""The files that pages load: style sheet, script, icon. Their address has a digest, so they are kept for ever.

What does not live here: anything that comes from users.
"""

from __future__ import annotations

import gzip
import hashlib
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from affineur.web.hot import accepts_gzip

FOLDER = Path(__file__).parents[1] / "static"
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
_FOR_EVER = "max-age=31536000, immutable, public"


class _Files(NamedTuple):
    digest: str
    bodies: dict[str, bytes]
    packed: dict[str, bytes]


@lru_cache(maxsize=1)
def _files() -> _Files:
    bodies = {path.name: path.read_bytes() for path in sorted(FOLDER.iterdir()) if path.suffix in _TYPES}
    whole = hashlib.sha256(b"".join(name.encode() + b"\0" + body for name, body in bodies.items()))
    packed = {name: gzip.compress(body, 9, mtime=0) for name, body in bodies.items()}
    return _Files(whole.hexdigest()[:16], bodies, packed)


def address() -> str:
    """Where the files are: ``/static/<digest of all of them>``."""
    return f"/static/{_files().digest}"


async def file(request: Request) -> Response:
    """A file. Under the digest of another version of the program it is given too, but not to be kept."""
    files = _files()
    current = request.path_params["digest"] == files.digest
    return _answer(request, request.path_params["file"], _FOR_EVER if current else "no-cache")


async def favicon(request: Request) -> Response:
    """The icon, for those who ask where it was in 1999."""
    return _answer(request, "favicon.svg", "max-age=86400, public")


def _answer(request: Request, name: str, cache_control: str) -> Response:
    body = _files().bodies.get(name)
    if body is None:
        return Response("404 Not Found\n", 404, media_type="text/plain")
    headers = {
        "content-type": _TYPES[Path(name).suffix],
        "cache-control": cache_control,
        # For the icon, opened by itself: it has a style of its own, and nothing else.
        "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
        "vary": "Accept-Encoding",
        "x-content-type-options": "nosniff",
    }
    if accepts_gzip(request.headers.get("accept-encoding", "").encode("latin-1")):
        return Response(_files().packed[name], headers=headers | {"content-encoding": "gzip"})
    return Response(body, headers=headers)
