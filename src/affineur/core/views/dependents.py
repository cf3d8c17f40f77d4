"""Answers about dependents as they are told: with the same members on the API and the command line, and the sentences
that pages and terminals show beside them.

What does not live here: the answers themselves (`core.dependents.answers`) and how they are found
(`shell.dependents.questions`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

import msgspec

from ..dependents.answers import Basis, Counts, Cut, Cuts, Dependent, Noticing, Reached, Step, Why
from ..dependents.edges import Kind

WORDS: Mapping[Kind, str] = MappingProxyType(
    {Kind.ALWAYS: "always", Kind.MARKER: "under a condition", Kind.EXTRA: "for an extra"}
)
"""How people are told in which way something is required."""
BY_WORD: Mapping[str, Kind] = MappingProxyType({kind.word: kind for kind in Kind})


class Told(msgspec.Struct):
    """What every answer says of itself: the moment and the journal's serial that it is true of, and its limits."""

    project: str
    as_of: datetime
    serial: int
    limits: str


class CountsTold(Told):
    """How many depend on a project. ``direct`` by kind (always, marker, extra), of newest releases; ``older``: those
    that only an older release that many still install makes one; ``unknown``: projects of the whole index that do not
    say what they require. ``installs`` of all direct dependents together, in 30 days; null: not known."""

    direct: dict[str, int]
    older: int
    indirect: int
    unknown: int
    installs: int | None
    sentence: str


class DependentTold(msgspec.Struct):
    """A direct dependent. ``requirements`` as its metadata has them; ``source``: a project of this index (ours) or of
    its upstream; ``newest``: whether its newest release requires it; ``installs`` of 30 days; null: not known."""

    name: str
    version: str
    kind: str
    requirements: list[str]
    source: str
    newest: bool
    installs: int | None


class ReachedTold(msgspec.Struct):
    """An indirect dependent. ``distance``: the steps of a shortest chain, two at least."""

    name: str
    distance: int
    source: str
    installs: int | None


class StepTold(msgspec.Struct):
    """A step of a chain: ``dependent`` in ``version`` requires ``target``, by ``requirement``."""

    dependent: str
    version: str
    target: str
    kind: str
    requirement: str


class WhyTold(Told):
    """Why a project is pulled in. ``chains``: all shortest ones from each start; ``more``: how many are not told.

    Starts without a chain are ``unconnected``, ``unknown`` (nothing is known of them here) or ``dynamic`` (they say
    what they require only when they are built). ``passed_over``: lines of a requirements file that name no project.
    """

    chains: list[list[StepTold]]
    more: int
    unconnected: list[str]
    unknown: list[str]
    dynamic: list[str]
    passed_over: list[str]


class CutTold(msgspec.Struct):
    """What it does if ``dependent`` no longer requires ``target``: so many projects fewer, as a share (0 to 1) of all
    that need the project, and which of the starts are among them."""

    dependent: str
    target: str
    removes: int
    share: float
    roots_removed: list[str]
    sentence: str


class CutsTold(Told):
    """Which single requirement, if replaced, removes most, best first. ``reach``: how many need the project, of those
    that were asked about; ``roots``: how many of the starts do (0 also where every dependent was asked about)."""

    reach: int
    roots: int
    cuts: list[CutTold]
    passed_over: list[str]


class MovingTold(msgspec.Struct):
    """A dependent that would get another release, ``instead``."""

    dependent: DependentTold
    instead: str


class NoticingTold(Told):
    """Who would notice if ``version`` were yanked: ``breaking`` have no other release that fits, ``moving`` get
    another one; ``unaffected``: how many direct dependents do not get this release today."""

    version: str
    breaking: list[DependentTold]
    moving: list[MovingTold]
    unaffected: int
    sentence: str


def counts_told(name: str, counts: Counts) -> CountsTold:
    """How many, in numbers and as a sentence."""
    return CountsTold(
        *_basis(name, counts.basis),
        direct={kind.word: counts.direct.get(kind, 0) for kind in Kind},
        older=counts.older,
        indirect=counts.indirect,
        unknown=counts.unknown,
        installs=counts.installs,
        sentence=counts_sentence(name, counts),
    )


def dependent_told(name: str, each: Dependent) -> DependentTold:
    """A direct dependent of ``name``."""
    return DependentTold(
        each.name, each.version, each.kind.word, requirements(name, each), each.source, each.newest, each.installs
    )


def reached_told(each: Reached) -> ReachedTold:
    """An indirect dependent."""
    return ReachedTold(each.name, each.distance, each.source, each.installs)


def why_told(why: Why, passed_over: Sequence[str] = ()) -> WhyTold:
    """The chains, and what became of each start."""
    return WhyTold(
        *_basis(why.target, why.basis),
        chains=[[_step(step) for step in chain.steps] for chain in why.chains],
        more=why.more,
        unconnected=list(why.unconnected),
        unknown=list(why.unknown),
        dynamic=list(why.dynamic),
        passed_over=list(passed_over),
    )


def cuts_told(cuts: Cuts, passed_over: Sequence[str] = ()) -> CutsTold:
    """The report, each cut with its sentence."""
    told = [
        CutTold(
            each.dependent, each.target, each.removes, each.share, list(each.roots_removed), cut_sentence(cuts, each)
        )
        for each in cuts.cuts
    ]
    return CutsTold(
        *_basis(cuts.target, cuts.basis), reach=cuts.reach, roots=cuts.roots, cuts=told, passed_over=list(passed_over)
    )


def noticing_told(noticing: Noticing) -> NoticingTold:
    """Who would notice, in two lists and as a sentence."""
    name = noticing.name
    return NoticingTold(
        *_basis(name, noticing.basis),
        version=noticing.version,
        breaking=[dependent_told(name, each) for each in noticing.breaking],
        moving=[MovingTold(dependent_told(name, each), instead) for each, instead in noticing.moving],
        unaffected=noticing.unaffected,
        sentence=noticing_sentence(noticing),
    )


def requirements(name: str, each: Dependent) -> list[str]:
    """The requirements of ``name`` as metadata has them: several where the environment decides which one holds."""
    pairs = zip(each.specifier.split("\n"), each.condition.split("\n"), strict=True)
    return [f"{name}{specifier}" + (f"; {condition}" if condition else "") for specifier, condition in pairs]


def counts_sentence(name: str, counts: Counts) -> str:
    """Who depends on ``name``, as one sentence."""
    direct = sum(counts.direct.values())
    if not direct and not counts.indirect:
        return f"No project that is known here requires {name} in its newest release."
    kinds = [f"{counts.direct[kind]:,} {WORDS[kind]}" for kind in Kind if counts.direct.get(kind)]
    ways = f" ({', '.join(kinds)})" if len(kinds) > 1 else f", {WORDS[_only(counts)]}" if kinds else ""
    others = f"; {counts.indirect:,} more get it through others" if counts.indirect else ""
    return f"{_projects(direct)} {'requires' if direct == 1 else 'require'} {name} directly{ways}{others}."


def cut_sentence(cuts: Cuts, cut: Cut) -> str:
    """What one replacement comes to: ``Replace lockfile in python-daemon: −100 % of …``."""
    fewer = f"Replace {cut.target} in {cut.dependent}: −{percent(cut.share)} of the reach of {cuts.target}"
    fewer += f", {_projects(cut.removes)} fewer"
    if not cuts.roots:
        return f"{fewer}."
    freed = len(cut.roots_removed)
    if cuts.roots == 1:
        return f"{fewer}; the start that needs it {'is free of it then' if freed else 'needs it still'}."
    return f"{fewer}; of {cuts.roots} starts that need it, {freed} {'is' if freed == 1 else 'are'} free of it then."


def noticing_sentence(noticing: Noticing) -> str:
    """Who would notice a yank, as one sentence."""
    breaking = len(noticing.breaking) + noticing.more_breaking
    moving = len(noticing.moving) + noticing.more_moving
    if not breaking and not moving:
        return f"No known dependent gets {noticing.version} today: nobody would notice a yank by what they require."
    parts = []
    if breaking:
        parts.append(f"{_projects(breaking)} {'has' if breaking == 1 else 'have'} no other release that fits")
    if moving:
        parts.append(f"{_projects(moving)} would get another release")
    if noticing.unaffected:
        parts.append(f"{_projects(noticing.unaffected)} would notice nothing")
    return f"If {noticing.name} {noticing.version} is yanked, {'; '.join(parts)}."


def _basis(name: str, basis: Basis) -> tuple[str, datetime, int, str]:
    return name, basis.as_of, basis.serial, basis.limits


def _step(step: Step) -> StepTold:
    return StepTold(step.dependent, step.version, step.target, step.kind.word, step.requirement)


def _only(counts: Counts) -> Kind:
    return next(kind for kind in Kind if counts.direct.get(kind))


def _projects(many: int) -> str:
    return "1 project" if many == 1 else f"{many:,} projects"


def percent(share: float) -> str:
    """A share (0 to 1) for people: never 100 % where something is left, and never 0 % of something."""
    if share < 0.1:
        return f"{max(share * 100, 0.1):.1f} %"
    return f"{min(round(share * 100), 99 if share < 1 else 100)} %"
