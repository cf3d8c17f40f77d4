"""Who depends on a project, through whom, what would end that, and who would notice a yank.

Anybody may ask, as anybody may read the pages. Nothing is known to depend on a name that nobody knows, which is no
error. What does not live here: how answers are found (`shell.dependents.questions`), what they say (`core.views`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal

import msgspec

from affineur.core.decision import refuse
from affineur.core.dependents.answers import FOLLOWED, KINDS, SOURCES, Source
from affineur.core.dependents.edges import Kind
from affineur.core.dependents.starts import Starts, read_starts, require_starts
from affineur.core.names import MAXIMUM_LENGTH, NormalizedName, parse_name
from affineur.core.versions import canonical, parse_version
from affineur.core.views import dependents as views
from affineur.core.views.dependents import (
    CountsTold,
    CutsTold,
    DependentTold,
    NoticingTold,
    ReachedTold,
    WhyTold,
)
from affineur.shell.dependents import questions
from affineur.shell.index import Index
from affineur.shell.store import accounts, grants, projects

from .operation import Call, Input, Listing, Operation

KindWord = Literal["always", "marker", "extra"]
_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=MAXIMUM_LENGTH)]
_Account = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]


class Which(Input):
    """Which dependents count: of these kinds, from these sources; all where none is given."""

    kind: list[KindWord] = msgspec.field(default_factory=list)
    source: list[Source] = msgspec.field(default_factory=list)


class WhichOwned(Which):
    """As for counts, and only those on which this account has a role."""

    owner: _Account | None = None


class WhichDirect(WhichOwned):
    """As above. ``older``: those too that only an older release, which many still install, makes a dependent."""

    older: bool = False


class From(Input):
    """Where chains start: at projects, and at every project on which an account has a role.

    ``extras``: what is required for an extra is followed, too.
    """

    start: list[_Name] = msgspec.field(default_factory=list)
    owner: _Account | None = None
    extras: bool = False

    @property
    def names_a_start(self) -> bool:
        """Whether there is any, be it one that comes to no project."""
        return bool(self.start or self.owner)


class FromText(From):
    """As in an address, and at the projects that the text of a requirements file names."""

    requirements: str = ""

    @property
    def names_a_start(self) -> bool:
        """As above."""
        return bool(self.start or self.owner or self.requirements.strip())


class AVersion(Input):
    """A release."""

    version: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


def get_counts(call: Call) -> CountsTold:
    """How many depend on the project of the path."""
    return counts_told(call.index, _project(call), call.query)


def list_direct(call: Call) -> Listing:
    """Those that require the project themselves, most installed first."""
    return _page(call, direct_told)


def list_indirect(call: Call) -> Listing:
    """Those that require the project through others, nearest first."""
    return _page(call, indirect_told)


def get_why(call: Call) -> WhyTold:
    """All shortest chains from where the question starts to the project of the path."""
    asked: From = call.body or call.query
    return why_told(call.index, _project(call), starts_of(call.index, asked), extras=asked.extras)


def get_cut(call: Call) -> CutsTold:
    """Which single requirement to replace; without a start, for everybody who depends on the project."""
    asked: From = call.body or call.query
    starts = starts_of(call.index, asked) if asked.names_a_start else None
    return cuts_told(call.index, _project(call), starts, extras=asked.extras)


def get_notice(call: Call) -> NoticingTold:
    """Who would notice if the release were yanked."""
    return noticing_told(call.index, _project(call), call.query.version)


def counts_told(index: Index, name: NormalizedName, asked: Which) -> CountsTold:
    """How many depend on ``name``."""
    found = questions.counts(index, name, sources=_sources(asked), kinds=_kinds(asked))
    return views.counts_told(name, found)


def direct_told(index: Index, name: NormalizedName, asked: WhichDirect, limit: int, offset: int) -> list[DependentTold]:
    """Some of those that require ``name`` themselves."""
    found = questions.direct(
        index, name, sources=_sources(asked), kinds=_kinds(asked), newest_only=not asked.older, owner=asked.owner,
        limit=limit, offset=offset,
    )  # fmt: skip
    return [views.dependent_told(name, each) for each in found]


def indirect_told(index: Index, name: NormalizedName, asked: WhichOwned, limit: int, offset: int) -> list[ReachedTold]:
    """Some of those that require ``name`` through others."""
    found = questions.indirect(
        index, name, sources=_sources(asked), kinds=_kinds(asked), owner=asked.owner, limit=limit, offset=offset
    )
    return [views.reached_told(each) for each in found]


def starts_of(index: Index, asked: From) -> Starts:
    """The projects that a question starts from. `Refused` for names that are none."""
    written = read_starts(asked.requirements) if isinstance(asked, FromText) else Starts(())
    owned = owned_by(index, asked.owner) if asked.owner else ()
    names = (*(parse_name(each) for each in asked.start), *written.names, *owned)
    return Starts(tuple(dict.fromkeys(names)), written.passed_over)


def owned_by(index: Index, account: str) -> tuple[NormalizedName, ...]:
    """The projects on which ``account`` has a role, by name; none where there is no such account."""
    with index.store.read() as connection:
        key = accounts.account_id(connection, account)
        return tuple(each.project for each in grants.held_by(connection, key)) if key is not None else ()


def why_told(index: Index, name: NormalizedName, starts: Starts, *, extras: bool) -> WhyTold:
    """The chains from ``starts`` to ``name``. `Refused` (``dependents.starts``) for no start, or too many."""
    roots = require_starts(starts.names)
    found = questions.why(index, name, roots, kinds=KINDS if extras else FOLLOWED)
    return views.why_told(found, starts.passed_over)


def cuts_told(index: Index, name: NormalizedName, starts: Starts | None, *, extras: bool) -> CutsTold:
    """The cut report for ``name``; None: for all who depend on it. `Refused` (``dependents.starts``) as `why_told`."""
    roots = None if starts is None else require_starts(starts.names)
    found = questions.cut(index, name, roots, kinds=KINDS if extras else FOLLOWED)
    return views.cuts_told(found, starts.passed_over if starts else ())


def noticing_told(index: Index, name: NormalizedName, version: str) -> NoticingTold:
    """Who would notice a yank. `Refused` (``project.exists``, ``project.place``) for a release that is not here."""
    release = canonical(parse_version(version))
    with index.store.read() as connection:
        found = projects.find(connection, name)
        if found is None:
            refuse("project.exists", f"There is no project '{name}'.", "Check the name.")
        projects.require_place(connection, found, release, None)
    return views.noticing_told(questions.noticing(index, name, release))


def _page(call: Call, some: Callable[[Index, NormalizedName, Any, int, int], Sequence[object]]) -> Listing:
    offset, limit = call.page.after_number or 0, call.page.limit
    found = some(call.index, _project(call), call.query, limit + 1, offset)
    return Listing(found[:limit], str(offset + limit) if len(found) > limit else None)


def _project(call: Call) -> NormalizedName:
    return parse_name(call.path["project"])


def _sources(asked: Which) -> tuple[Source, ...]:
    return tuple(asked.source) or SOURCES


def _kinds(asked: Which) -> tuple[Kind, ...]:
    return tuple(views.BY_WORD[word] for word in asked.kind) or KINDS


OPERATIONS = (
    Operation(
        method="GET",
        path="/projects/{project}/dependents",
        name="getDependents",
        summary="How many projects depend on one, directly and indirectly, as of when, and what is not seen.",
        tag="dependents",
        handler=get_counts,
        query=Which,
        answer=CountsTold,
        public=True,
    ),
    Operation(
        method="GET",
        path="/projects/{project}/dependents/direct",
        name="listDirectDependents",
        summary="The projects that require one themselves, most installed first.",
        tag="dependents",
        handler=list_direct,
        query=WhichDirect,
        answer=DependentTold,
        paged=True,
        public=True,
    ),
    Operation(
        method="GET",
        path="/projects/{project}/dependents/indirect",
        name="listIndirectDependents",
        summary="The projects that require one through others, nearest first.",
        tag="dependents",
        handler=list_indirect,
        query=WhichOwned,
        answer=ReachedTold,
        paged=True,
        public=True,
    ),
    *(
        Operation(
            method=method,
            path=f"/projects/{{project}}/{path}",
            name=name if method == "GET" else f"{name}OfRequirements",
            summary=f"{summary}{'.' if method == 'GET' else '; from a requirements file.'}",
            tag="dependents",
            handler=handler,
            query=From if method == "GET" else None,
            body=None if method == "GET" else FromText,
            answer=answer,
            public=True,
            idempotent=True,  # a question, however long it is
        )
        for path, name, summary, handler, answer in (
            ("why", "getWhy", "Why a project is pulled in: all shortest chains from each start", get_why, WhyTold),
            ("cut", "getCut", "Which single requirement, if replaced, removes most", get_cut, CutsTold),
        )
        for method in ("GET", "POST")
    ),
    Operation(
        method="GET",
        path="/projects/{project}/notice",
        name="getNotice",
        summary="Who would notice if a release were yanked, by what they require.",
        tag="dependents",
        handler=get_notice,
        query=AVersion,
        answer=NoticingTold,
        public=True,
    ),
)
