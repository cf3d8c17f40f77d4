"""The questions about dependents as they are asked by people and programs, answered as both are told.

Pages, the API and the command line ask here, so that all say the same. What does not live here: finding the answers
(`questions`), and the members and sentences they are told in (`core.views.dependents`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from affineur.core.decision import refuse
from affineur.core.dependents.answers import FOLLOWED, KINDS, SOURCES, Source
from affineur.core.dependents.edges import Kind
from affineur.core.dependents.starts import Starts, read_starts, require_starts
from affineur.core.names import NormalizedName, parse_name
from affineur.core.versions import canonical, parse_version
from affineur.core.views import dependents as views
from affineur.core.views.dependents import CountsTold, CutsTold, DependentTold, NoticingTold, ReachedTold, WhyTold
from affineur.shell.index import Index
from affineur.shell.store import accounts, grants, projects

from . import questions


@dataclass(frozen=True, slots=True)
class Part:
    """Which dependents are meant; what is empty narrows nothing.

    ``kind`` has words (always, marker, extra); ``owner`` is an account with a role on them; ``older``: also those that
    only an older release, which many still install, makes one.
    """

    kind: Sequence[str] = ()
    source: Sequence[Source] = ()
    owner: str | None = None
    older: bool = False

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds that count."""
        return tuple(views.BY_WORD[word] for word in self.kind) or KINDS

    @property
    def sources(self) -> tuple[Source, ...]:
        """The sources that count."""
        return tuple(self.source) or SOURCES


def counts_told(index: Index, name: NormalizedName, part: Part) -> CountsTold:
    """How many depend on ``name``."""
    found = questions.counts(index, name, sources=part.sources, kinds=part.kinds)
    return views.counts_told(name, found)


def direct_told(index: Index, name: NormalizedName, part: Part, limit: int, offset: int) -> list[DependentTold]:
    """Some of those that require ``name`` themselves."""
    found = questions.direct(
        index, name, sources=part.sources, kinds=part.kinds, newest_only=not part.older, owner=part.owner,
        limit=limit, offset=offset,
    )  # fmt: skip
    return [views.dependent_told(name, each) for each in found]


def indirect_told(index: Index, name: NormalizedName, part: Part, limit: int, offset: int) -> list[ReachedTold]:
    """Some of those that require ``name`` through others."""
    found = questions.indirect(
        index, name, sources=part.sources, kinds=part.kinds, owner=part.owner, limit=limit, offset=offset
    )
    return [views.reached_told(each) for each in found]


def starts_of(index: Index, names: Iterable[str], text: str = "", owner: str | None = None) -> Starts:
    """Where a question starts: at ``names``, at what the ``text`` of a requirements file names, and at the projects of
    the account ``owner``. `Refused` (``name.format``) for names that are none.
    """
    written = read_starts(text)
    found = (*(parse_name(each) for each in names), *written.names, *(_owned_by(index, owner) if owner else ()))
    return Starts(tuple(dict.fromkeys(found)), written.passed_over)


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


def _owned_by(index: Index, account: str) -> tuple[NormalizedName, ...]:
    """The projects on which ``account`` has a role, by name; none where there is no such account."""
    with index.store.read() as connection:
        key = accounts.account_id(connection, account)
        return tuple(each.project for each in grants.held_by(connection, key)) if key is not None else ()
