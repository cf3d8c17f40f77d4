"""Who depends on a project, through whom, what would end that, and who would notice a yank.

Anybody may ask, as anybody may read the pages. Nothing is known to depend on a name that nobody knows, which is no
error. What does not live here: the answers (`shell.dependents.telling`), which pages and the command line show as well.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Literal

import msgspec

from affineur.core.dependents.answers import Source
from affineur.core.dependents.starts import Starts
from affineur.core.names import MAXIMUM_LENGTH, NormalizedName, parse_name
from affineur.core.views.dependents import (
    CountsTold,
    CutsTold,
    DependentTold,
    NoticingTold,
    ReachedTold,
    WhyTold,
)
from affineur.shell.dependents import telling
from affineur.shell.dependents.telling import Part
from affineur.shell.index import Index

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
    return telling.counts_told(call.index, _project(call), _part(call.query))


def list_direct(call: Call) -> Listing:
    """Those that require the project themselves, most installed first."""
    return _page(call, telling.direct_told)


def list_indirect(call: Call) -> Listing:
    """Those that require the project through others, nearest first."""
    return _page(call, telling.indirect_told)


def get_why(call: Call) -> WhyTold:
    """All shortest chains from where the question starts to the project of the path."""
    asked: From = call.body or call.query
    return telling.why_told(call.index, _project(call), _starts(call.index, asked), extras=asked.extras)


def get_cut(call: Call) -> CutsTold:
    """Which single requirement to replace; without a start, for everybody who depends on the project."""
    asked: From = call.body or call.query
    starts = _starts(call.index, asked) if asked.names_a_start else None
    return telling.cuts_told(call.index, _project(call), starts, extras=asked.extras)


def get_notice(call: Call) -> NoticingTold:
    """Who would notice if the release were yanked."""
    return telling.noticing_told(call.index, _project(call), call.query.version)


def _page(call: Call, some: Callable[[Index, NormalizedName, Part, int, int], Sequence[object]]) -> Listing:
    offset, limit = call.page.after_number or 0, call.page.limit
    found = some(call.index, _project(call), _part(call.query), limit + 1, offset)
    return Listing(found[:limit], str(offset + limit) if len(found) > limit else None)


def _project(call: Call) -> NormalizedName:
    return parse_name(call.path["project"])


def _part(asked: Which) -> Part:
    owner = asked.owner if isinstance(asked, WhichOwned) else None
    return Part(asked.kind, asked.source, owner, isinstance(asked, WhichDirect) and asked.older)


def _starts(index: Index, asked: From) -> Starts:
    text = asked.requirements if isinstance(asked, FromText) else ""
    return telling.starts_of(index, asked.start, text, asked.owner)


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
        asks_much=True,
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
        asks_much=True,
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
        asks_much=True,
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
            asks_much=True,
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
        asks_much=True,
    ),
)
