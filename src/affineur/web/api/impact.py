"""The impact of a project, with all evidence: for those who look after it, and for the offices of the index.

What everybody may know of it is in the member ``_index`` of the simple API. What does not live here: how a class
comes about (`core.impact`), and the evidence as recorded (`shell.impact.evidence`).
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

import msgspec

from affineur.actions import permission
from affineur.core.decision import Refused
from affineur.core.impact import basis as bases
from affineur.core.impact import letter
from affineur.core.impact.explain import Measured
from affineur.core.life.standing import Impact
from affineur.core.names import NormalizedName, parse_name
from affineur.shell.impact.evidence import Beside, Past, beside, explained
from affineur.shell.index import Index
from affineur.shell.lake.port import LakeAway
from affineur.shell.store import impact
from affineur.shell.store.projects import ProjectRow

from .operation import Call, Operation, Output


class NumberTold(Output):
    """One number: what was counted, from where, against which limit (null: too few projects for one), and its rank."""

    rule: str
    what: str
    value: int
    limit: int | None
    met: bool
    counts: str
    window: str
    source: str
    rank: int | None
    among: int | None


class InstallerTold(Output):
    """A program that installs it, and how often; null: not known."""

    name: str | None
    installs: int


class Evidence(Output):
    """What the newest run knew. ``measured``: the class by the numbers alone; ``waits``: why it is another.

    ``downloads``: all of the run's window, ``installs``: those by installers, neither capped by network; null where
    statistics cannot be asked now. ``chains``: through what others come to depend on it.
    """

    run: int
    at: datetime
    last_day: date
    impact: Impact = msgspec.field(name="class")
    measured: Impact
    before: Impact | None
    waits: str | None
    numbers: list[NumberTold]
    downloads: int | None
    installs: int | None
    installers: list[InstallerTold]
    chains: list[list[str]]


class ChangeTold(Output):
    """One thing that the class changes, and from when. ``kind``: it protects the project, or delays its owners."""

    rule: str
    kind: Literal["protects", "delays"]
    text: str
    applies_from: datetime


class ImpactTold(Output):
    """The class of a project and all that is known of it. ``evidence`` null: not measured yet.

    ``beside``: what its owners said of it, in a sentence. ``unchanged``: what no class changes; ``exits``: what owners
    can do who cannot take it on.
    """

    project: str
    impact: Impact | None = msgspec.field(name="class")
    since: datetime | None
    basis: str | None
    basis_words: str
    beside: str | None
    changes: list[ChangeTold]
    unchanged: list[str]
    exits: list[str]
    evidence: Evidence | None


def impact_told(index: Index, found: ProjectRow, now: datetime, *, evidence: bool) -> ImpactTold:
    """What is told of a project's class; with ``evidence`` or without. Whether that may be is the caller's to ask.

    Cost: with evidence a look into the run's file, and some questions to statistics and to the graph.
    """
    standing = found.standing
    return ImpactTold(
        project=found.name,
        impact=standing.impact,
        since=standing.impact_since,
        basis=standing.impact_basis,
        basis_words=bases.words(standing.impact_basis) if standing.impact else "not measured yet",
        beside=letter.beside(standing),
        changes=_changes(index, found, now),
        unchanged=letter.unchanged(),
        exits=letter.exits(standing),
        evidence=_evidence(index, found.name) if evidence else None,
    )


def get_impact(call: Call) -> ImpactTold:
    """Of the project of the path."""
    with call.index.store.read() as connection:
        found = permission.require(connection, call.actor, "see-impact", parse_name(call.path["project"]), call.now)
    return impact_told(call.index, found, call.now, evidence=True)


def _changes(index: Index, found: ProjectRow, now: datetime) -> list[ChangeTold]:
    standing = found.standing
    if standing.impact is None:
        return []
    since = standing.impact_since or now
    with index.store.read() as connection:
        widely = impact.widely_used_since(connection, found.name) or since
    return [
        ChangeTold(rule=each.rule, kind=each.protection.kind, text=each.text, applies_from=each.applies_from)
        for each in letter.changes(standing.impact, standing.impact_basis, since, widely)
    ]


def _evidence(index: Index, name: NormalizedName) -> Evidence | None:
    try:
        past = explained(index, name)
    except Refused:
        return None
    shown = _beside(index, name, past)
    told = past.explanation
    return Evidence(
        run=told.run,
        at=past.run.at,
        last_day=told.day,
        impact=told.impact,
        measured=told.verdict.measured,
        before=told.before,
        waits=told.waits.sentence if told.waits else None,
        numbers=[_number(each) for each in told.numbers],
        downloads=shown.downloads if shown else None,
        installs=shown.installs if shown else None,
        installers=[InstallerTold(each.value, each.downloads) for each in shown.installers] if shown else [],
        chains=[list(chain) for chain in shown.chains] if shown else [],
    )


def _beside(index: Index, name: NormalizedName, past: Past) -> Beside | None:
    """None where statistics are away: what was recorded is told all the same."""
    try:
        return beside(index, name, past.run)
    except LakeAway:
        return None


def _number(each: Measured) -> NumberTold:
    return NumberTold(
        rule=each.rule,
        what=each.what,
        value=each.value,
        limit=each.limit,
        met=each.met,
        counts=each.counts,
        window=each.window,
        source=each.source,
        rank=each.rank,
        among=each.among,
    )


OPERATIONS = (
    Operation(
        method="GET",
        path="/projects/{project}/impact",
        name="getProjectImpact",
        summary="The impact of a project with every number it was judged by: for its people and the offices.",
        tag="life",
        handler=get_impact,
        answer=ImpactTold,
        needs="see-impact",
    ),
)
