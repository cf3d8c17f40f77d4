"""Looking into the files of a project, on offer or held: what lies in one, the text of a member, what changed.

Texts of strangers are shown as words of our own page, under its policy: nothing of them is run, or served as what it
is. What does not live here: how files are read and compared (`actions.examine`), and the queue (its own module).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from affineur.actions.examine import compare_files, examine, read_member
from affineur.core.decision import Refused
from affineur.core.moderation.comparison_text import decoded, lines_of, shown
from affineur.core.names import parse_name
from affineur.core.security import asks_for_proof
from affineur.core.versions import order_key
from affineur.core.views import presentation
from affineur.core.views.simple import FileLink
from affineur.web.pages.account.frame import confirmed
from affineur.web.pages.rendering import index_of
from affineur.web.session import Session, signed_in

from .frame import admin_page

FILE = "/admin/projects/{name}/files/{file}"
COMPARE = "/admin/projects/{name}/compare"
MEMBERS = 2_000
"""Members of a listing that a page shows."""
LINES = 20_000
"""Lines of a text that a page shows."""
TEXTS = 3 * 1024 * 1024
"""Characters of a text that a page shows."""


@signed_in
@confirmed(FILE)
async def file(request: Request, session: Session) -> Response:
    """One file: its listing, or with ``?member=`` the text of a member."""
    return await asyncio.to_thread(_answered, request, session, _member if _asked(request, "member") else _file)


@signed_in
@confirmed(COMPARE)
async def comparison(request: Request, session: Session) -> Response:
    """A release against another one: ``?from=1.0&to=1.1&file=…``."""
    return await asyncio.to_thread(_answered, request, session, _comparison)


def _answered(request: Request, session: Session, page: Callable[[Request, Session], Response]) -> Response:
    """The page, or why there is none. A refusal for want of a proof is left to `confirmed`."""
    try:
        return page(request, session)
    except Refused as refused:
        if asks_for_proof(refused.decision):
            raise
        return admin_page(request, session, "refused.html", _PLACE, refused=refused.decision)


_PLACE = {"section": "/admin/projects/"}


def _file(request: Request, session: Session) -> Response:
    name = parse_name(request.path_params["name"])
    found = examine(index_of(request), session.caller(request), name, None, request.path_params["file"])
    values: dict[str, Any] = {
        "found": found,
        "members": list(islice(found.contents.entries, MEMBERS)),
        "left_out": max(0, len(found.contents.entries) - MEMBERS),
        "siblings": _siblings(found.files, found.file),
        "earlier": any(order_key(each.version) < order_key(found.file.version) for each in found.files),
        "links": presentation.links(found.metadata) if found.metadata else (),
        "licence": presentation.licence(found.metadata) if found.metadata else None,
    }
    return _page(request, session, "examine_file.html", values)


def _member(request: Request, session: Session) -> Response:
    name, filename = parse_name(request.path_params["name"]), request.path_params["file"]
    found = read_member(index_of(request), session.caller(request), name, filename, _asked(request, "member") or "")
    text = "" if found.entry.kind == "binary" else decoded(found.data)
    lines = lines_of(text[:TEXTS])
    values = {
        "found": found,
        "lines": [shown(line) for line in lines[:LINES]],
        "is_cut": len(found.data) < found.entry.size_bytes or len(lines) > LINES or len(text) > TEXTS,
        "first_bytes": _dump(found.data[:1024]) if found.entry.kind == "binary" else (),
    }
    return _page(request, session, "examine_member.html", values)


def _comparison(request: Request, session: Session) -> Response:
    name = parse_name(request.path_params["name"])
    version, against, filename = (_asked(request, word) for word in ("to", "from", "file"))
    found = compare_files(index_of(request), session.caller(request), name, version, against, filename)
    members = found.comparison.members
    versions = sorted({each.version for each in found.files}, key=order_key, reverse=True)
    values = {
        "found": found,
        "members": members[:MEMBERS],
        "left_out": max(0, len(members) - MEMBERS),
        "siblings": _siblings(found.files, found.pair.new),
        "versions": versions,
        "faults": [each for each in (found.comparison.old, found.comparison.new) if each and each.fault],
    }
    return _page(request, session, "examine_compare.html", values)


def _page(request: Request, session: Session, template: str, values: dict[str, Any]) -> Response:
    helps = {"shown": shown, "file_page": _file_page, **_PLACE}
    return admin_page(request, session, template, helps | values)


def _file_page(name: str, filename: str, member: str = "") -> str:
    """The path of the page of a file, or of a member of it."""
    asked = f"?member={quote(member.encode('utf-8', 'surrogateescape'), safe='')}" if member else ""
    return f"/admin/projects/{quote(name, safe='')}/files/{quote(filename, safe='+!')}{asked}"


def _siblings(files: Sequence[FileLink], chosen: FileLink) -> list[FileLink]:
    """The other files of the same release."""
    same = [each for each in files if each.version == chosen.version and each.filename != chosen.filename]
    return sorted(same, key=lambda each: (each.filename.endswith(".whl"), each.filename))


def _asked(request: Request, name: str) -> str | None:
    """A parameter of the query; None where it is missing or empty."""
    return request.query_params.get(name, "").replace("\0", "")[:1024] or None


def _dump(data: bytes) -> tuple[str, ...]:
    """Bytes in lines of sixteen: their place, their values, and the letters among them."""
    return tuple(
        f"{at:08x}  {data[at : at + 16].hex(' '):<47}  "
        + "".join(chr(each) if 0x20 <= each < 0x7F else "." for each in data[at : at + 16])
        for at in range(0, len(data), 16)
    )


ROUTES = [Route(FILE, file), Route(COMPARE, comparison)]
