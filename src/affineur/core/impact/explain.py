"""Explaining a class: every number it was judged by, with what counts, over which days, from where, and the limit.

The numbers are those of a recorded run, so that an explanation of last spring says today what it said then.
What does not live here: judging (`policy`), and reading what a run recorded (`shell.impact`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from ..downloads.figures import INSTALLS, MONTH_DAYS
from ..life.standing import Impact
from .policy import Facts, Numbers, Thresholds, Verdict, is_jump, judge, stays_critical

OUTSIDE = (
    "projects with none of its owners, thirty days old, installed themselves, that require it always, and do not "
    "require more than 500 projects"
)
REACH = "projects that come to require it, directly or through others"


@dataclass(frozen=True, slots=True)
class Measured:
    """One number: ``value`` against ``limit`` (None: nothing to hold it against), and whether it was ``met``.

    ``rule``: the rule that asks for it; ``counts``, ``window`` and ``source``: what is counted, when, and from where.
    ``rank``: its place among ``among`` projects, counted from 1; None where that was not asked, or it has none.
    """

    rule: str
    what: str
    value: int
    limit: int | None
    met: bool
    counts: str
    window: str
    source: str
    rank: int | None = None
    among: int | None = None

    @property
    def sentence(self) -> str:
        """The number in one line."""
        against = "no limit: too few projects" if self.limit is None else f"limit {self.limit:,}"
        place = f", rank {self.rank:,} of {self.among:,}" if self.rank is not None and self.among else ""
        return f"{self.what}: {self.value:,} ({against}{place})"


@dataclass(frozen=True, slots=True)
class Waiting:
    """Why a class is not what was measured: by which rule, and in one sentence."""

    rule: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a project has its class since the run ``run`` of ``day``, and every number that was looked at."""

    project: str
    run: int
    day: date
    verdict: Verdict
    before: Impact | None
    numbers: tuple[Measured, ...]
    waits: Waiting | None

    @property
    def impact(self) -> Impact:
        """The class."""
        return self.verdict.impact

    @property
    def decisive(self) -> Measured | None:
        """The number that made it what it was measured as: the first of the rule that it meets."""
        return next((each for each in self.numbers if each.met), None)


@dataclass(frozen=True, slots=True)
class Ranks:
    """A project's place among all, by steady installs and by reach; None: it has none."""

    installs: int | None = None
    reach: int | None = None


def explain(run: int, day: date, facts: Facts, limits: Thresholds, numbers: Numbers, ranks: Ranks) -> Explanation:
    """The class that the run of ``day`` (the newest day it counted) gave, and why."""
    verdict = judge(facts, limits, numbers, day)
    shown = tuple(_measured(facts, limits, numbers, day, ranks))
    return Explanation(facts.project, run, day, verdict, facts.impact, shown, _waits(verdict, facts, limits, numbers))


def _measured(facts: Facts, limits: Thresholds, numbers: Numbers, day: date, ranks: Ranks) -> Iterator[Measured]:
    """Every number against its limit, the gravest rule first."""
    installs = f"{INSTALLS.sentence}; each network at most {numbers.network_cap} times a day"
    steady = f"{installs}; the median of the days, times the days"
    window = f"{day - timedelta(days=numbers.window_days - 1)} to {day}"
    month = f"{day - timedelta(days=MONTH_DAYS - 1)} to {day}"
    lake, graph = "download statistics, totals by day", "the graph of dependencies"
    outside, reach = facts.outside_dependents, facts.transitive_dependents
    critical = None if limits.critical is None else max(limits.critical, numbers.floor)
    yield Measured(
        "impact.critical-downloads", "Steady installs", facts.steady, critical, _at_least(facts.steady, critical),
        steady, window, lake, ranks.installs, limits.installed,
    )  # fmt: skip
    by_reach = _at_least(reach, limits.reach) and outside >= numbers.reach_dependents
    yield Measured(
        "impact.critical-dependents", "Projects that depend on it", reach, limits.reach, by_reach,
        f"{REACH}; and {numbers.reach_dependents} outside dependents", f"as of {day}", graph, ranks.reach,
        limits.required,
    )  # fmt: skip
    yield Measured(
        "impact.high", "Outside dependents", outside, numbers.high_dependents + 1, outside > numbers.high_dependents,
        OUTSIDE, f"as of {day}", graph,
    )  # fmt: skip
    in_use = facts.installs_month >= numbers.low_below
    by_installs = _at_least(facts.steady, limits.high) and (in_use or outside > 0)
    yield Measured(
        "impact.high", "Steady installs", facts.steady, limits.high, by_installs,
        f"{steady}; of a project that is at least C2", window, lake, ranks.installs, limits.installed,
    )  # fmt: skip
    yield Measured(
        "impact.notable",
        f"Installs of {MONTH_DAYS} days",
        facts.installs_month,
        numbers.low_below,
        in_use,
        installs,
        month,
        lake,
    )
    yield Measured("impact.notable", "Outside dependents", outside, 1, outside > 0, OUTSIDE, f"as of {day}", graph)
    used = facts.installs_ever >= numbers.unused_below
    yield Measured(
        "impact.low", "Installs ever", facts.installs_ever, numbers.unused_below, used, installs, f"until {day}", lake
    )


def _at_least(value: int, limit: int | None) -> bool:
    return limit is not None and value >= limit


def _waits(verdict: Verdict, facts: Facts, limits: Thresholds, numbers: Numbers) -> Waiting | None:
    if verdict.waits == "by-hand":
        said = f"An operator gave the class by hand; measured, it would be {verdict.measured}."
        return Waiting("impact.by-hand", said)
    if verdict.waits == "jump" and is_jump(facts, limits, numbers):
        return Waiting(
            "impact.jump",
            f"Measured as {verdict.measured}, but its installs grew from {facts.window_before:,} to "
            f"{facts.last_window:,} from one window to the next, more than {numbers.jump} times: an operator looks "
            "first, or it lasts.",
        )
    if verdict.waits == "decay":
        days = numbers.leaves_after_days if facts.impact == "C4" else numbers.falls_after_days
        return Waiting(
            "impact.decay",
            f"Measured as {verdict.measured} since {verdict.below_since}; the class follows when that has lasted "
            f"{days} days.",
        )
    if verdict.impact == "C4" and verdict.measured != "C4" and stays_critical(facts, limits, numbers):
        said = f"Measured as {verdict.measured}, but still within {numbers.stays} times the share: it stays."
        return Waiting("impact.decay", said)
    return None
