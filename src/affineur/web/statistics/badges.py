"""``/badges/<name>/<what>.svg``: downloads, version or status of a project, to be put into its description.

A badge is always a picture: where there is nothing to tell it says so, since a broken picture tells less.
What does not live here: the drawing (`core.views.badge`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from affineur.core.downloads.figures import MONTH_DAYS, WEEK_DAYS, WITHOUT_MIRRORS, Window
from affineur.core.life.standing import Status, project_status
from affineur.core.versions import latest
from affineur.core.views.badge import Tone, badge
from affineur.core.views.plot import short
from affineur.shell.index import Index
from affineur.shell.lake.port import LakeAway
from affineur.shell.store import reading

from .answering import figures
from .seen import project_of, seen


class Words(NamedTuple):
    """What stands in a badge."""

    label: str
    value: str
    tone: Tone = "figure"


NO_DATA = "no data"
_TYPE = "image/svg+xml"
_TONES: dict[Status, Tone] = {
    "active": "good",
    "deprecated": "warning",
    "archived": "quiet",
    "quarantined": "grave",
}


async def one(request: Request) -> Response:
    """A badge."""
    response = await figures(request, _draw)
    # Opened by itself it is a document of this site: it may load and run nothing.
    response.headers["content-security-policy"] = "default-src 'none'; sandbox"
    return response


def _draw(request: Request) -> tuple[bytes, str] | Response:
    what, index = request.path_params["what"], request.app.state.index
    if what not in BADGES:
        return Response(f"404 Not Found\n\nThere are the badges {', '.join(BADGES)}.\n", 404, media_type="text/plain")
    try:
        words = BADGES[what](index, request.path_params["name"])
    except LakeAway:
        picture = badge(_label(what), "not known just now", "quiet")
        return Response(picture, headers={"cache-control": "no-store"}, media_type=_TYPE)
    return badge(*(words or Words(_label(what), NO_DATA, "quiet"))), _TYPE


def _label(what: str) -> str:
    return what if what in ("rank", "version", "status") else "downloads"


def _day(index: Index, name: str) -> Words | None:
    return _recent(index, name, 1, "day")


def _week(index: Index, name: str) -> Words | None:
    return _recent(index, name, WEEK_DAYS, "week")


def _month(index: Index, name: str) -> Words | None:
    return _recent(index, name, MONTH_DAYS, "month")


def _recent(index: Index, name: str, days: int, unit: str) -> Words | None:
    found = seen(index, name)
    if found is None or not found.ever or found.state.last_day is None:
        return None
    count = index.lake.total(found.name, Window.until(found.state.last_day, days), WITHOUT_MIRRORS)
    return Words("downloads", f"{short(count)}/{unit}")


def _total(index: Index, name: str) -> Words | None:
    found = seen(index, name)
    if found is None or not found.ever:
        return None
    return Words("downloads", short(index.lake.total(found.name, None, WITHOUT_MIRRORS)))


def _rank(index: Index, name: str) -> Words | None:
    found = seen(index, name)
    if found is None or not found.ever or found.state.last_day is None:
        return None
    rank = index.lake.rank(found.name, Window.until(found.state.last_day, MONTH_DAYS), WITHOUT_MIRRORS)
    return Words("rank", f"{rank.rank:,} of {rank.among:,}") if rank.rank else None


def _version(index: Index, name: str) -> Words | None:
    project = project_of(index, name)
    if project is None:
        return None
    with index.store.read() as connection:
        releases = reading.releases(connection, project.id)
    newest = latest((release.version, release.yanked) for release in releases)
    return Words("version", newest) if newest else None


def _status(index: Index, name: str) -> Words | None:
    project = project_of(index, name)
    if project is None:
        return Words("status", "not here any more", "grave") if seen(index, name) else None
    status = project_status(project.standing).status
    return Words("status", status, _TONES[status])


BADGES: dict[str, Callable[[Index, str], Words | None]] = {
    "day": _day,
    "week": _week,
    "month": _month,
    "total": _total,
    "rank": _rank,
    "version": _version,
    "status": _status,
}
"""What makes each: of an index, and a name as somebody wrote it."""
