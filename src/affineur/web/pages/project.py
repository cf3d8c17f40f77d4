"""Project pages: one release's description, files and dependencies, and the project's versions.

::

    /project/<name>/                        the latest release
    /project/<name>/<version>/              that release
    /project/<name>/[<version>/]files/      its files
    /project/<name>/[<version>/]dependencies/
    /project/<name>/versions/               every release

A part that is spelled otherwise (another case, ``1.0.0-RC1``) is redirected to where it is. No version is
spelled like one of the words above (PEP 440).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import sqlalchemy as sa
from starlette.requests import Request
from starlette.responses import Response

from affineur.core import dependencies, lifecycle, presentation
from affineur.core.decision import Refused
from affineur.core.names import NormalizedName, parse_name
from affineur.core.standing import ProjectStatus, permits, project_status
from affineur.core.versions import canonical, latest, order_key, parse_version
from affineur.shell.store import projects, reading
from affineur.shell.store.projects import ProjectRow
from affineur.shell.store.reading import FileRow, ReleaseRow, ReleaseText
from affineur.web.addresses import base_url, moved

from . import commands
from .descriptions import fitted
from .errors import not_found, project_not_found
from .rendering import index_of, page

TABS = ("description", "versions", "files", "dependencies")


@dataclass(frozen=True, slots=True)
class Place:
    """A page of a project: ``version`` None means the latest release."""

    name: NormalizedName
    version: str | None
    tab: str

    @property
    def path(self) -> str:
        """Where the page is."""
        version = f"{self.version}/" if self.version and self.tab != "versions" else ""
        return f"/project/{self.name}/{version}" + ("" if self.tab == "description" else f"{self.tab}/")


@dataclass(frozen=True, slots=True)
class View:
    """What every tab of a project page shows around itself. ``releases`` come newest first."""

    project: ProjectRow
    status: ProjectStatus
    status_since: object
    releases: list[ReleaseRow]
    release: ReleaseRow
    latest: ReleaseRow
    text: ReleaseText
    people: list[tuple[str, str]]

    @property
    def is_prerelease(self) -> bool:
        """Whether installers pass the release over unless it is asked for."""
        return order_key(self.release.version).is_prerelease

    @property
    def latest_is_newer(self) -> bool:
        """Whether the latest release has a higher version than the one shown, which a yanked one may have."""
        return order_key(self.latest.version) > order_key(self.release.version)


async def project(request: Request) -> Response:
    """``/project/…``."""
    return await asyncio.to_thread(_project, request)


def _project(request: Request) -> Response:
    asked, *rest = request.path_params["rest"].strip("/").split("/")
    try:
        place = _place(asked, rest)
    except Refused:
        return project_not_found(request, asked)
    if place is None:
        return not_found(request)
    if request.path_params["rest"] != place.path.removeprefix("/project/"):
        return moved(request, place.path)
    with index_of(request).store.read() as connection:
        found = projects.find(connection, place.name)
        if found is None:
            return project_not_found(request, place.name)
        status = project_status(found.standing)
        if not permits(found.standing).offer:
            return _withheld(request, connection, found, status)
        view = _view(connection, found, status, place.version)
        if isinstance(view, str):
            return moved(request, Place(place.name, view, place.tab).path)
        if view is None:
            return project_not_found(request, place.name, place.version)
        return _show(request, connection, place, view)


def _place(asked: str, rest: list[str]) -> Place | None:
    """The page that a path names, in its canonical spelling; None where there is none. `Refused`: no valid name."""
    name = parse_name(asked)
    tab = rest.pop() if rest and rest[-1] in TABS else "description"
    if len(rest) > 1:
        return None
    try:
        return Place(name, canonical(parse_version(rest[0])) if rest else None, tab)
    except Refused:
        return None


def _view(
    connection: sa.Connection, found: ProjectRow, status: ProjectStatus, version: str | None
) -> View | str | None:
    """What is shown of a release; the version to go to where it is stored under another spelling; None: not here."""
    releases = sorted(
        reading.releases(connection, found.id), key=lambda release: order_key(release.version), reverse=True
    )
    by_version = {release.version: release for release in releases}
    newest = latest((release.version, release.yanked) for release in releases)
    if newest is None:
        return None
    if version is not None and version not in by_version:  # 1.0 and 1.0.0 are equal, not identical
        equal = (other for other in by_version if order_key(other) == order_key(version))
        return next(equal, None)
    shown = by_version[version or newest]
    return View(
        found,
        status,
        _status_since(connection, found.name, status),
        releases,
        shown,
        by_version[newest],
        reading.release_text(connection, shown.id),
        projects.people(connection, found.id),
    )


def _status_since(connection: sa.Connection, name: NormalizedName, status: ProjectStatus) -> object:
    for transition in lifecycle.TRANSITIONS.values():
        if transition.target == status.status and status.status != "active":
            return reading.last_time(connection, name, transition.event)
    return None


def _withheld(request: Request, connection: sa.Connection, found: ProjectRow, status: ProjectStatus) -> Response:
    values = {
        "project": found,
        "status": status,
        "status_since": _status_since(connection, found.name, status),
        "meaning": presentation.MEANING_FOR_INSTALLING[status.status],
    }
    return page(request, "project_withheld.html", values)


def _show(request: Request, connection: sa.Connection, place: Place, view: View) -> Response:
    settings = index_of(request).settings
    metadata = view.text.metadata
    pinned = None if view.release is view.latest else view.release.version
    shared = {
        "view": view,
        "project": view.project,
        "release": view.release,
        "metadata": metadata,
        "tab": place.tab,
        "tabs": {tab: Place(place.name, place.version, tab).path for tab in TABS},
        "meaning": presentation.MEANING_FOR_INSTALLING[view.status.status],
        "install": commands.install(base_url(request), settings.index_name, view.project.name, pinned),
        "links": presentation.links(metadata),
        "licence": presentation.licence(metadata),
        "requires_python": dependencies.versions(metadata.requires_python),
        "authors": presentation.persons(metadata.author, metadata.author_email),
        "maintainers": presentation.persons(metadata.maintainer, metadata.maintainer_email),
        "keywords": presentation.keywords(metadata.keywords),
        "classifiers": presentation.classifier_groups(metadata.classifiers),
    }
    values = shared | _tab(connection, view, place.tab, settings.remote_images)
    return page(request, f"project_{place.tab}.html", values)


def _tab(connection: sa.Connection, view: View, tab: str, remote_images: bool) -> dict[str, object]:
    """What one tab needs beyond what all have."""
    if tab == "description":
        stored = view.text.description_html
        return {"description": fitted(stored, remote_images=remote_images) if stored else None}
    if tab == "versions":
        every = (release.version for release in view.releases)
        return {"prereleases": {version for version in every if order_key(version).is_prerelease}}
    if tab == "files":
        return {"files": sorted(reading.files(connection, view.release.id), key=_file_order)}
    if tab == "dependencies":
        metadata = view.text.metadata
        groups = dependencies.groups(metadata.requires_dist, metadata.provides_extra)
        wanted = {each.project for group in groups for each in group.dependencies if each.project}
        return {"groups": groups, "wanted": wanted, "here": reading.standings(connection, sorted(wanted))}
    return {}


def _file_order(file: FileRow) -> tuple[bool, str]:
    return (file.kind != "sdist", file.filename)
