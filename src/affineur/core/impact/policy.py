"""Policy: from what was measured of a project to its class of impact, C0 to C4.

A class says how much would go wrong if the project went wrong or went away. It is judged by installs (each network
counted so many times a day at most, everything but installers left out; of the days of the window the median, so that
what is made in a burst does not count) and by *outside dependents* (`core.dependents`), never by what its owners do.
Up it goes at once, unless the installs leapt; down only after a time, but down it goes.
What does not live here: how the numbers are told (`explain`), what a class changes (`protections`), and where the
facts come from (`shell.impact`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

from ..life.standing import Impact
from . import basis as bases

CLASSES: tuple[Impact, ...] = ("C0", "C1", "C2", "C3", "C4")
"""From unused to critical."""

Waits = Literal["jump", "decay", "by-hand"]
"""Why a class is not what was measured: its installs leapt and somebody has to look; it is lower for a short time
only; an operator said it by hand."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """What decides beside the facts. Recorded with each run, so that it can be repeated when they have changed.

    The first four are settings; the others are rules of this index, and their texts name them.
    """

    percent: float = 1.0
    """Share of the projects with installs, in percent, that are critical by them."""
    window_days: int = 180
    floor: int = 10_000
    """Installs in the window below which nothing is critical by them."""
    network_cap: int = 100
    unused_below: int = 100
    """Installs ever; fewer, and no outside dependents: C0."""
    low_below: int = 1_000
    """Installs in 30 days; fewer, and no outside dependents: C1."""
    high_percent: float = 10.0
    """Share of the projects with installs that are C3 by them: those above the 90th percentile."""
    high_dependents: int = 10
    """Outside dependents; more: C3."""
    reach_percent: float = 0.5
    """Share of the projects that anything depends on that are critical by how much does."""
    reach_dependents: int = 50
    """Outside dependents that it takes besides: reach alone could be made by one project in between."""
    stays: int = 2
    """A critical project stays so within this many times the share, and above the floor divided by it."""
    leaves_after_days: int = 180
    """How long a critical project is measured as less until it is less."""
    falls_after_days: int = 28
    """…and any other: two monthly runs, however short the month."""
    jump: int = 5
    """Growth from one window to the next that somebody looks at before a project is C3 or C4 by it."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a project. Installs as in `core.downloads.figures.Usage`, dependents as `core.dependents` has
    them. ``impact``, ``basis``: its class before; ``below_since``: the day of the first run that measured less than
    its class, and was followed by none that did not.
    """

    project: str
    installs_ever: int = 0
    installs_month: int = 0
    steady: int = 0
    last_window: int = 0
    window_before: int = 0
    outside_dependents: int = 0
    transitive_dependents: int = 0
    impact: Impact | None = None
    basis: str | None = None
    below_since: date | None = None


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Measured over all projects: the least number that belongs to the share. None: too few for anybody to.

    ``installed``: projects with steady installs, the whole that percentiles are of; ``required``: those with
    transitive dependents. ``judges_jumps``: whether downloads were counted before the window already.
    """

    installed: int = 0
    required: int = 0
    critical: int | None = None
    critical_stays: int | None = None
    high: int | None = None
    reach: int | None = None
    reach_stays: int | None = None
    judges_jumps: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """The class that a project has from this run on, what it was measured as, and, where they differ, why."""

    impact: Impact
    basis: str | None
    measured: Impact
    measured_by: str
    waits: Waits | None = None
    below_since: date | None = None


def least_of_share(values: Sequence[int], percent: float) -> int | None:
    """The least number that puts a project into the top ``percent`` of ``values``; None where that is nobody.

    Never more than the share, rounded down: among fewer than 100 projects nobody is the top 1 %. Equals are treated
    alike: where the border would run between them, they are all out. Cost: sorts them.
    """
    most = int(len(values) * percent / 100)
    if most < 1:
        return None
    ranked = sorted(values, reverse=True)
    least = ranked[most - 1]
    return least + 1 if most < len(ranked) and ranked[most] == least else least


def thresholds(installs: Sequence[int], reach: Sequence[int], numbers: Numbers, *, judges_jumps: bool) -> Thresholds:
    """The thresholds that follow from every project's steady installs and transitive dependents; zeros are left out."""
    installed = [each for each in installs if each > 0]
    required = [each for each in reach if each > 0]
    return Thresholds(
        len(installed),
        len(required),
        critical=least_of_share(installed, numbers.percent),
        critical_stays=least_of_share(installed, min(100.0, numbers.percent * numbers.stays)),
        high=least_of_share(installed, numbers.high_percent),
        reach=least_of_share(required, numbers.reach_percent),
        reach_stays=least_of_share(required, min(100.0, numbers.reach_percent * numbers.stays)),
        judges_jumps=judges_jumps,
    )


def measure(facts: Facts, limits: Thresholds, numbers: Numbers) -> tuple[Impact, str]:
    """The class that the facts alone come to, and by what: without regard to what it was before."""
    window = bases.downloads(numbers.window_days)
    outside = facts.outside_dependents
    if limits.critical is not None and facts.steady >= max(limits.critical, numbers.floor):
        return "C4", window
    if limits.reach is not None and facts.transitive_dependents >= limits.reach and outside >= numbers.reach_dependents:
        return "C4", bases.DEPENDENTS
    if facts.installs_ever < numbers.unused_below and outside == 0:
        return "C0", bases.EVER
    if facts.installs_month < numbers.low_below and outside == 0:
        return "C1", bases.MONTH
    if outside > numbers.high_dependents:
        return "C3", bases.DEPENDENTS
    if limits.high is not None and facts.steady >= limits.high:
        return "C3", window
    return "C2", bases.DEPENDENTS if facts.installs_month < numbers.low_below else bases.MONTH


def stays_critical(facts: Facts, limits: Thresholds, numbers: Numbers) -> bool:
    """Whether a critical project is near enough to what made it critical to stay so."""
    by_installs = limits.critical_stays is not None and facts.steady >= max(
        limits.critical_stays, numbers.floor // numbers.stays
    )
    by_reach = (
        limits.reach_stays is not None
        and facts.transitive_dependents >= limits.reach_stays
        and facts.outside_dependents >= numbers.reach_dependents // numbers.stays
    )
    return by_installs or by_reach


def is_jump(facts: Facts, limits: Thresholds, numbers: Numbers) -> bool:
    """Whether the installs leapt from one window to the next, as far as that can be known."""
    return limits.judges_jumps and facts.last_window > numbers.jump * facts.window_before


def judge(facts: Facts, limits: Thresholds, numbers: Numbers, day: date) -> Verdict:
    """The class of a project from the run of ``day`` (UTC) on."""
    measured, by = measure(facts, limits, numbers)
    verdict = Verdict(measured, by, measured, by)
    now = facts.impact
    if now is not None and not bases.is_measured(facts.basis):
        return replace(verdict, impact=now, basis=facts.basis, waits="by-hand" if now != measured else None)
    if now is None or _rank(measured) > _rank(now):
        return _risen(verdict, facts, limits, numbers)
    if measured == now or (now == "C4" and stays_critical(facts, limits, numbers)):
        return replace(verdict, impact=now, basis=_kept(facts.basis, by))
    return _fallen(verdict, facts, now, numbers, day)


def _risen(verdict: Verdict, facts: Facts, limits: Thresholds, numbers: Numbers) -> Verdict:
    """At once; but what is C3 or C4 by installs that leapt is C2 at most until somebody has looked."""
    without = measure(replace(facts, steady=0), limits, numbers)[0]
    if _rank(verdict.measured) < _rank("C3") or without == verdict.measured or not is_jump(facts, limits, numbers):
        return verdict
    present = facts.impact or "C0"
    held = max(present, _lower("C2", verdict.measured), without, key=_rank)
    if held == facts.impact:
        return replace(verdict, impact=held, basis=facts.basis, waits="jump")
    by = bases.DEPENDENTS if held == without and _rank(without) > _rank("C2") else bases.MONTH
    return replace(verdict, impact=held, basis=by, waits="jump")


def _fallen(verdict: Verdict, facts: Facts, now: Impact, numbers: Numbers, day: date) -> Verdict:
    since = facts.below_since or day
    needed = numbers.leaves_after_days if now == "C4" else numbers.falls_after_days
    if (day - since).days >= needed:
        return verdict
    return replace(verdict, impact=now, basis=_kept(facts.basis, verdict.measured_by), waits="decay", below_since=since)


def _kept(basis: str | None, by: str) -> str | None:
    """A class that stays keeps what it was given by: else many would change every month, and nothing with them."""
    return by if basis == bases.TO_MEASURE else basis


def _rank(impact: Impact) -> int:
    return CLASSES.index(impact)


def _lower(one: Impact, other: Impact) -> Impact:
    return min(one, other, key=_rank)


def counts(verdicts: Iterable[Verdict]) -> dict[str, int]:
    """How many have which class, every class named."""
    found: dict[str, int] = dict.fromkeys(CLASSES, 0)
    for each in verdicts:
        found[each.impact] += 1
    return found
