"""Who depends on a project::

    /project/<name>/dependents/     who requires it, directly or through others
    /project/<name>/why/?from=a,b   all shortest chains to it from what somebody installs, and what to replace first
    /project/<name>/notice/         who would notice if a release were yanked

They are there for every name, also for one that others require and that is no project here, and for projects that
are off offer: who depends on them is asked then most of all. What does not live here: the answers
(`shell.dependents.telling`), which programs are told as well.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

import sqlalchemy as sa
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from affineur.core.decision import Refused
from affineur.core.dependents.answers import SOURCES, Source
from affineur.core.life import meaning
from affineur.core.life.standing import permits
from affineur.core.names import NormalizedName, parse_name
from affineur.core.versions import order_key
from affineur.core.views import dependents as views
from affineur.core.views.dependents import DependentTold, ReachedTold
from affineur.shell.dependents import telling
from affineur.shell.dependents.telling import Part
from affineur.shell.index import Index
from affineur.shell.store import projects, reading
from affineur.shell.store.projects import ProjectRow
from affineur.web.addresses import moved, root_path
from affineur.web.answers import status_of

from .errors import project_not_found
from .rendering import index_of, page

DEPENDENTS = "/project/{name}/dependents/"
NOTICE = "/project/{name}/notice/"
PAGE_SIZE = 50
WORDS = {kind.word: word for kind, word in views.WORDS.items()}
Values = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Asked:
    """Which part of the list is asked for; what is "" narrows nothing. ``number`` is that of the page, from 1."""

    where: str
    indirect: bool = False
    kind: str = ""
    used: bool = False
    source: str = ""
    owner: str = ""
    number: int = 1

    @property
    def is_narrowed(self) -> bool:
        """Whether anything but the page was chosen."""
        return bool(self.kind or self.used or self.source or self.owner)

    def address(self, **changed: object) -> str:
        """Where the same question stands with something ``changed``; from another list on its first page."""
        then = replace(self, number=1, **changed) if "number" not in changed else replace(self, **changed)  # type: ignore[arg-type]
        pairs = {
            "through": "others" if then.indirect else "",
            "kind": then.kind,
            "currency": "used" if then.used and not then.indirect else "",
            "source": then.source,
            "owner": then.owner,
            "page": str(then.number) if then.number > 1 else "",
        }
        query = urlencode({name: value for name, value in pairs.items() if value})
        return f"{self.where}?{query}" if query else self.where


async def dependents(request: Request) -> Response:
    """``/project/<name>/dependents/``."""
    answer: Response = await request.app.state.questions.take(about, request, DEPENDENTS, _dependents)
    return answer


async def notice(request: Request) -> Response:
    """``/project/<name>/notice/?version=…``."""
    answer: Response = await request.app.state.questions.take(about, request, NOTICE, _notice)
    return answer


def about(
    request: Request, path: str, answer: Callable[[Request, NormalizedName, ProjectRow | None], Response]
) -> Response:
    """The ``answer`` about the name of the address, in its usual spelling, whether it is a project here or not."""
    asked = request.path_params["name"]
    try:
        name = parse_name(asked)
    except Refused:
        return project_not_found(request, asked)
    place = path.format(name=name)
    if request.url.path.removeprefix(request.scope.get("root_path", "")) != place and request.method != "POST":
        return moved(request, place)
    with index_of(request).store.read() as connection:
        found = projects.find(connection, name)
    return answer(request, name, found)


def frame(
    request: Request, name: NormalizedName, found: ProjectRow | None, tab: str, heading: str, named: Collection[str]
) -> Values:
    """What each of these pages shows around its answer; ``named``: the projects that the answer names."""
    return {
        "project": found,
        "name": name,
        "about": f"{root_path(request)}/project/{name}/",
        "facts": meaning.facts(found.standing) if found else (),
        "tab": tab,
        "heading": heading,
        "words": WORDS,
        "here": known_here(index_of(request), named),
        "percent": views.percent,
        "refused": None,
    }


def known_here(index: Index, names: Collection[str]) -> dict[str, tuple[meaning.Fact, ...]]:
    """Of ``names`` the projects that are on offer here, with the facts that people should know of each."""
    with index.store.read() as connection:
        standings = reading.standings(connection, sorted(set(names)))
    return {name: meaning.facts(standing) for name, standing in standings.items() if permits(standing).offer}


def _dependents(request: Request, name: NormalizedName, found: ProjectRow | None) -> Response:
    index, asked = index_of(request), _asked(request, name)
    told = telling.counts_told(index, name, Part())
    listed = _listed(index, name, asked)
    shown = listed[:PAGE_SIZE]
    called = found.display_name if found else name
    values = {
        **frame(request, name, found, "dependents", f"Who depends on {called}", [each.name for each in shown]),
        "asked": asked,
        "told": told,
        "dependents": shown,
        "has_more": len(listed) > PAGE_SIZE,
    }
    return page(request, "dependents.html", values)


def _listed(index: Index, name: NormalizedName, asked: Asked) -> Sequence[DependentTold] | Sequence[ReachedTold]:
    """One more than a page shows, where there are more."""
    source: list[Source] = [each for each in SOURCES if each == asked.source]
    part = Part([asked.kind] if asked.kind else [], source, asked.owner or None, asked.used)
    some = telling.indirect_told if asked.indirect else telling.direct_told
    return some(index, name, part, PAGE_SIZE + 1, (asked.number - 1) * PAGE_SIZE)


def _asked(request: Request, name: NormalizedName) -> Asked:
    """What the query asks for; what makes no sense asks for nothing."""
    given = request.query_params
    kind, source, number = given.get("kind", ""), given.get("source", ""), given.get("page", "")
    return Asked(
        f"{root_path(request)}{DEPENDENTS.format(name=name)}",
        given.get("through") == "others",
        kind if kind in WORDS else "",
        given.get("currency") == "used",
        source if source in SOURCES else "",
        given.get("owner", "").replace("\0", "").strip()[:100],
        int(number) if number.isascii() and number.isdecimal() and len(number) < 6 and int(number) else 1,
    )


def _notice(request: Request, name: NormalizedName, found: ProjectRow | None) -> Response:
    if found is None:
        return project_not_found(request, name)
    index = index_of(request)
    with index.store.read() as connection:
        versions = _versions(connection, found)
    asked = request.query_params.get("version", "").strip()
    values: dict[str, object] = {"versions": versions, "version": asked or next(iter(versions), None), "notice": None}
    status = 200
    if versions:
        try:
            told = telling.noticing_told(index, name, asked or versions[0])
            values |= {"notice": told, "version": told.version}
        except Refused as refused:
            values["refused"] = refused.decision
            status = status_of(refused.decision)
    shared = frame(request, name, found, "notice", f"Who would notice a yank of {found.display_name}", ())
    return page(request, "dependents_notice.html", {**shared, **values}, status=status)


def _versions(connection: sa.Connection, found: ProjectRow) -> list[str]:
    return sorted(projects.versions(connection, found.id), key=order_key, reverse=True)


ROUTES = [
    Route("/project/{name}/dependents", dependents),
    Route(DEPENDENTS, dependents),
    Route("/project/{name}/notice", notice),
    Route(NOTICE, notice),
]
