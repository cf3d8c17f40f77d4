"""Project pages: one release's description, files and dependencies, the project's versions, and its history.

::

    /project/<name>/                        the latest release
    /project/<name>/<version>/              that release
    /project/<name>/[<version>/]files/      its files
    /project/<name>/[<version>/]dependencies/
    /project/<name>/versions/               every release
    /project/<name>/history/                what happened to it, from the journal

A part that is spelled otherwise (another case, ``1.0.0-RC1``) is redirected to where it is. No version is
spelled like one of the words above (PEP 440). What does not live here: what a state means (`core.life.meaning`).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from starlette.requests import Request
from starlette.responses import Response

from affineur.core.decision import Refused
from affineur.core.distributions import dependencies
from affineur.core.distributions.metadata import CoreMetadata
from affineur.core.life import meaning
from affineur.core.life.meaning import Fact
from affineur.core.life.standing import Standing, offers, permits, permits_release
from affineur.core.names import NormalizedName, parse_name
from affineur.core.versions import canonical, latest, order_key, parse_version
from affineur.core.views import presentation
from affineur.core.views.impact import WORDS
from affineur.shell.store import projects, reading
from affineur.shell.store.projects import ProjectRow
from affineur.shell.store.reading import FileRow, ReleaseRow, ReleaseText
from affineur.web.addresses import base_url, moved, root_path

from . import commands, timeline
from .descriptions import fitted
from .errors import not_found, project_not_found
from .rendering import index_of, page
from .statistics import downloads

TABS = ("description", "versions", "files", "dependencies", "history")
_OF_THE_PROJECT = ("versions", "history")


@dataclass(frozen=True, slots=True)
class Place:
    """A page of a project: ``version`` None means the latest release."""

    name: NormalizedName
    version: str | None
    tab: str

    @property
    def path(self) -> str:
        """Where the page is."""
        version = f"{self.version}/" if self.version and self.tab not in _OF_THE_PROJECT else ""
        return f"/project/{self.name}/{version}" + ("" if self.tab == "description" else f"{self.tab}/")


@dataclass(frozen=True, slots=True)
class View:
    """What every tab of a project page shows around itself. ``releases`` come newest first.

    ``facts`` are of the release shown, then of the project; ``offered``: how many of its files can be had.
    """

    project: ProjectRow
    facts: tuple[Fact, ...]
    releases: list[ReleaseRow]
    release: ReleaseRow
    latest: ReleaseRow
    text: ReleaseText
    offered: int
    people: list[tuple[str, str]]

    @property
    def is_prerelease(self) -> bool:
        """Whether installers pass the release over unless it is asked for."""
        return order_key(self.release.version).is_prerelease

    @property
    def is_kept_back(self) -> bool:
        """Whether a hold covers the whole release: then what it says of itself is not shown either."""
        return _is_kept_back(self.project.standing, self.release.version)

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
        if not permits(found.standing).offer:
            return _withheld(request, connection, found, place)
        view = _view(connection, found, place.version)
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


def _view(connection: sa.Connection, found: ProjectRow, version: str | None) -> View | str | None:
    """What is shown of a release; the version to go to where it is stored under another spelling; None: not here."""
    releases = sorted(
        reading.releases(connection, found.id), key=lambda release: order_key(release.version), reverse=True
    )
    by_version = {release.version: release for release in releases}
    passed_over = _passed_over(connection, found, releases)
    newest = latest((release.version, release.version in passed_over) for release in releases)
    if newest is None:
        return None
    if version is not None and version not in by_version:  # 1.0 and 1.0.0 are equal, not identical
        equal = (other for other in by_version if order_key(other) == order_key(version))
        return next(equal, None)
    shown = by_version[version or newest]
    yanked_at = reading.last_time(connection, found.name, "FileYanked", shown.version) if shown.yanked else None
    return View(
        found,
        (*_marks(found.standing, shown, yanked_at), *meaning.facts(found.standing)),
        releases,
        shown,
        by_version[newest],
        _text(connection, found, shown),
        _offered(connection, found.standing, shown),
        projects.people(connection, found.id),
    )


def _passed_over(connection: sa.Connection, found: ProjectRow, releases: list[ReleaseRow]) -> frozenset[str]:
    """The versions that nobody gets who names none: all their files are yanked or held."""
    every = frozenset(release.version for release in releases)
    if not _has_holds_below(found.standing):
        return frozenset(release.version for release in releases if release.yanked)
    left = (link for link in projects.file_links(connection, found.id) if not link.yanked)
    return every - {link.version for link in left if offers(found.standing, link.version, link.filename)}


def _has_holds_below(standing: Standing) -> bool:
    return any(hold.level != "project" for hold in standing.holds)


def _is_kept_back(standing: Standing, version: str) -> bool:
    return not permits_release(standing, version).offer


def _offered(connection: sa.Connection, standing: Standing, shown: ReleaseRow) -> int:
    if not _has_holds_below(standing):
        return shown.file_count
    files = reading.files(connection, shown.id)
    return sum(offers(standing, shown.version, file.filename) for file in files)


def _text(connection: sa.Connection, found: ProjectRow, shown: ReleaseRow) -> ReleaseText:
    if _is_kept_back(found.standing, shown.version):
        name, version = found.display_name, canonical(parse_version(shown.version))
        return ReleaseText(CoreMetadata("", name, found.name, version), None)
    return reading.release_text(connection, shown.id)


def _marks(standing: Standing, shown: ReleaseRow, yanked_at: datetime | None = None) -> tuple[Fact, ...]:
    """The facts about one release; ``yanked_at``: since when it is yanked, where that is known."""
    held = meaning.facts_of_release(standing, shown.version)
    if not (shown.yanked and shown.file_count):
        return held
    return (*held, meaning.yank("release", shown.yanked_reason, shown.yanked_code, yanked_at))


def _file(standing: Standing, version: str, file: FileRow) -> tuple[FileRow, tuple[Fact, ...], bool]:
    """A file, the facts about it, and whether it is off offer."""
    held = meaning.facts_of_file(standing, version, file.filename)
    yanks = (meaning.yank("file", file.yanked_reason, file.yanked_code),) if file.yanked else ()
    return file, (*held, *yanks), not offers(standing, version, file.filename)


def _withheld(request: Request, connection: sa.Connection, found: ProjectRow, place: Place) -> Response:
    """The pages of a project of which nothing is on offer: what is known, and its history."""
    about = f"{root_path(request)}/project/{found.name}/"
    values = {"project": found, "about": about, "facts": meaning.facts(found.standing), "tab": place.tab}
    if place.tab != "history":
        return page(request, "project_withheld.html", values)
    told = timeline.of_project(request, connection, found.name)
    return page(request, "project_withheld_history.html", values | told)


def _show(request: Request, connection: sa.Connection, place: Place, view: View) -> Response:
    settings = index_of(request).settings
    metadata = view.text.metadata
    pinned = None if view.release is view.latest else view.release.version
    shared = {
        "view": view,
        "project": view.project,
        "about": f"{root_path(request)}/project/{view.project.name}/",
        "release": view.release,
        "metadata": metadata,
        "tab": place.tab,
        "tabs": {tab: Place(place.name, place.version, tab).path for tab in TABS},
        "impact": _class_of(view) if settings.impact_public else None,
        "wish": meaning.WISHES.get(view.project.standing.wish),
        "install": commands.install(base_url(request), settings.index_name, view.project.name, pinned),
        "links": presentation.links(metadata),
        "licence": presentation.licence(metadata),
        "requires_python": dependencies.versions(metadata.requires_python),
        "authors": presentation.persons(metadata.author, metadata.author_email),
        "maintainers": presentation.persons(metadata.maintainer, metadata.maintainer_email),
        "keywords": presentation.keywords(metadata.keywords),
        "classifiers": presentation.classifier_groups(metadata.classifiers),
        **downloads(request, view.project.name),
    }
    return page(request, f"project_{place.tab}.html", shared | _tab(request, connection, view, place.tab))


def _class_of(view: View) -> str | None:
    """The class of impact in a word; None where there is none yet."""
    impact = view.project.standing.impact
    return WORDS[impact] if impact else None


def _tab(request: Request, connection: sa.Connection, view: View, tab: str) -> dict[str, object]:
    """What one tab needs beyond what all have."""
    standing, version = view.project.standing, view.release.version
    if tab == "description":
        stored, remote_images = view.text.description_html, index_of(request).settings.remote_images
        return {"description": fitted(stored, remote_images=remote_images) if stored else None}
    if tab == "versions":
        every = [release.version for release in view.releases]
        return {
            "prereleases": {version for version in every if order_key(version).is_prerelease},
            "marks": {release.version: _marks(standing, release) for release in view.releases},
            "held_files": {version: meaning.held_files(standing, version) for version in every},
        }
    if tab == "files":
        files = sorted(reading.files(connection, view.release.id), key=_file_order)
        return {"files": [_file(standing, version, file) for file in files]}
    if tab == "dependencies":
        metadata = view.text.metadata
        groups = dependencies.groups(metadata.requires_dist, metadata.provides_extra)
        wanted = {each.project for group in groups for each in group.dependencies if each.project}
        return {"groups": groups, "wanted": wanted, "here": reading.standings(connection, sorted(wanted))}
    return timeline.of_project(request, connection, view.project.name)


def _file_order(file: FileRow) -> tuple[bool, str]:
    return (file.kind != "sdist", file.filename)
