"""Random downloads for tests of the lake, written as batches of events, and what they add up to, counted in Python."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from affineur.core.downloads.figures import OTHERS, Dimension, Filter, Point, Rank, Recent, Share, Usage, Window
from affineur.shell.lake.duck_engine import columns, working

PROJECTS = (
    "alpha", "beta", "gamma", "rare", "o'brien", 'quoted"name', "back\\slash", "tab\tname", "nul\0name", "\\N", "ünï-☃",
    "percent%20{x:String}", "; drop table events", "[1]",
)  # fmt: skip
VERSIONS = ("1.0", "1.1", "2.0", "2.0.post1", "'", "\\")
PYTHONS = ("3.12.1", "3.12.4", "3.9.0", "2.7.18", "3", "pypy", None)
AGENTS = (
    ("installer", "pip/24.0"), ("installer", "uv/0.5.1"), ("mirror", "bandersnatch/6.5.0"),
    ("browser", "Mozilla/5.0 (X11; Linux x86_64) Firefox/130.0"), ("automation", "curl/8.5.0"), ("unknown", None),
)  # fmt: skip
_DAY = 86_400_000_000


@dataclass(frozen=True)
class Download:
    """One download, in the values that are counted."""

    at: datetime
    project: str
    version: str | None
    kind: str
    agent: str | None
    installer: str | None
    python: str | None
    system: str | None
    country: str | None
    ci: bool | None
    network: int | None

    @property
    def day(self) -> date:
        return self.at.date()

    def value(self, by: Dimension) -> str | None:
        """Its value in a dimension, as it is told."""
        minor = None if self.python in (None, "pypy") else ".".join(self.python.split(".")[:2])
        return {
            "version": self.version, "installer": self.installer, "python_minor": minor,
            "python_major": minor and minor.split(".")[0], "system": self.system, "country": self.country,
            "class": self.kind, "ci": None if self.ci is None else str(self.ci).lower(),
        }[by]  # fmt: skip


def downloads(
    seed: int, count: int, window: Window, projects: Sequence[str] = PROJECTS, every: int = 1
) -> list[Download]:
    """``count`` downloads of the days of ``window``, the first projects more often; the same for the same seed.

    Before the last week only one of ``every`` days has any.
    """
    drawn = random.Random(seed)
    midnight = datetime(window.first.year, window.first.month, window.first.day, tzinfo=UTC)
    days = [day for day in range(window.days) if day % every == 0 or window.days - day < 8]
    weights = [1 / (number + 1) for number in range(len(projects))]
    made = []
    for number in range(count):
        kind, agent = drawn.choice(AGENTS)
        within = drawn.choice(days) * _DAY + drawn.randrange(_DAY)
        if number < 2:  # the first and the last microsecond of the window
            within = (0, window.days * _DAY - 1)[number]
        made.append(
            Download(
                midnight + timedelta(microseconds=within),
                drawn.choices(projects, weights)[0],
                drawn.choice((*VERSIONS, None)),
                kind,
                agent,
                drawn.choice(("pip", "uv", "poetry", None)),
                drawn.choice(PYTHONS),
                drawn.choice(("Linux", "Darwin", "Windows", None)),
                drawn.choice(("CH", "FR", "NZ", "BR", None)),
                drawn.choice((True, False, None)),
                drawn.choice((None, 1, 2, 2**64 - 1)),
            )
        )
    return made


def written(made: Iterable[Download], target: Path) -> Path:
    """The downloads as a Parquet file of table ``events``."""
    lines = target.with_suffix(".jsonl")
    with lines.open("w") as file:
        for one in made:
            file.write(json.dumps(_row(one)) + "\n")
    with working(target.parent) as duck:
        duck.execute(f"CREATE TABLE events ({columns('events')})")
        if lines.stat().st_size:
            described = duck.execute("DESCRIBE events").fetchall()
            types = ", ".join(f"'{name}': '{kind}'" for name, kind, *_ in described)
            duck.execute(f"INSERT INTO events SELECT * FROM read_json('{lines}', columns = {{{types}}}, format = 'nd')")
        duck.execute(f"COPY events TO '{target}' (FORMAT parquet)")
    return target


def _row(one: Download) -> Mapping[str, object]:
    return {
        "timestamp": one.at.isoformat(),
        "country_code": one.country,
        "url": f"/packages/{one.project}",
        "project": one.project,
        "file": {"filename": f"{one.project}.whl", "project": one.project, "version": one.version, "type": "sdist"},
        "details": {
            "installer": one.installer and {"name": one.installer, "version": "1"},
            "python": one.python,
            "system": one.system and {"name": one.system, "release": "1"},
            "ci": one.ci,
        },
        "_class": one.kind,
        "_user_agent": one.agent,
        "_network": one.network,
    }


@dataclass(frozen=True)
class Oracle:
    """What is true of some downloads, found by looking at each of them."""

    made: Sequence[Download]
    cap: int

    def counting(self, project: str, window: Window | None, where: Filter) -> list[Download]:
        return [
            one for one in self.made
            if (not project or one.project == project)
            and (window is None or window.first <= one.day <= window.last)
            and one.kind in where.classes
            and (where.version is None or one.version == where.version)
        ]  # fmt: skip

    def total(self, project: str, window: Window | None, where: Filter) -> int:
        return len(self.counting(project, window, where))

    def recent(self, project: str, last: date, where: Filter) -> Recent:
        return Recent(*(self.total(project, Window.until(last, days), where) for days in (1, 7, 30)))

    def series(self, project: str, window: Window, where: Filter, by: Dimension | None, values: int) -> list[Point]:
        found = self.counting(project, window, where)
        if by is None:
            return [Point(day, None, count) for day, count in sorted(Counter(one.day for one in found).items())]
        frequent = self._frequent(found, by)[:values]
        counted: Counter[tuple[date, str | None]] = Counter()
        for one in found:
            value = one.value(by)
            counted[one.day, value if value in frequent else OTHERS] += 1
        ordered = sorted(counted.items(), key=lambda item: (item[0][0], item[0][1] is None, item[0][1] or ""))
        return [Point(day, value, count) for (day, value), count in ordered]

    def shares(self, project: str, window: Window, where: Filter, by: Dimension, values: int) -> list[Share]:
        found = self.counting(project, window, where)
        frequent = self._frequent(found, by)
        counted = Counter(one.value(by) for one in found)
        shown = [Share(value, counted[value]) for value in frequent[:values]]
        rest = sum(counted[value] for value in frequent[values:])
        return [*shown, Share(OTHERS, rest)] if rest else shown

    def _frequent(self, found: Sequence[Download], by: Dimension) -> list[str | None]:
        counted = Counter(one.value(by) for one in found)
        return sorted(counted, key=lambda value: (-counted[value], value is None, value or ""))

    def version_shares(self, window: Window, where: Filter, least: float) -> list[tuple[str, str]]:
        found = self.counting("", window, where)
        whole = Counter(one.project for one in found)
        each = Counter((one.project, one.version) for one in found)
        return sorted(
            (project, version) for (project, version), count in each.items()
            if version is not None and count >= least * whole[project]
        )  # fmt: skip

    def top(self, window: Window, where: Filter) -> list[tuple[str, int, int]]:
        counted = Counter(one.project for one in self.counting("", window, where))
        ordered = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
        return [(name, count, 1 + sum(other > count for other in counted.values())) for name, count in ordered]

    def rank(self, project: str, window: Window, where: Filter) -> Rank:
        counted = Counter(one.project for one in self.counting("", window, where))
        own = counted[project]
        among = sum(count > 0 for count in counted.values())
        if not own:
            return Rank(0, None, among, None)
        fewer = sum(0 < count < own for count in counted.values())
        return Rank(own, 1 + sum(count > own for count in counted.values()), among, 100 * fewer / among)

    def capped(self, project: str, day: date) -> int:
        """Installs of a day where each network counts at most ``cap`` times."""
        networks = Counter(
            one.network for one in self.made if (one.project, one.day, one.kind) == (project, day, "installer")
        )
        return sum(min(count, self.cap) for count in networks.values())

    def usage(self, window: Window, last_month: Window) -> list[Usage]:
        days = sorted({one.day for one in self.made})
        before = Window(window.first - timedelta(days=window.days), window.first - timedelta(days=1))
        found = []
        for project in sorted({one.project for one in self.made}):
            each = {day: self.capped(project, day) for day in days}
            sums = [
                sum(count for day, count in each.items() if within.first <= day <= within.last)
                for within in (last_month, window, before)
            ]
            ordered = sorted(each.get(window.first + timedelta(days=number), 0) for number in range(window.days))
            if any(each.values()):
                steady = ordered[(window.days - 1) // 2] * window.days
                found.append(Usage(project, sum(each.values()), *sums, steady))
        return found

    def daily(self, window: Window) -> Counter[tuple[object, ...]]:
        """The rows of table ``daily``, each with its downloads."""
        return Counter(
            (one.day.isoformat(), one.project, one.version, one.installer, one.value("python_minor"), one.system,
             one.country, one.kind, one.ci)
            for one in self.made if window.first <= one.day <= window.last
        )  # fmt: skip

    def with_kind(self, kinds: Mapping[str | None, str]) -> Oracle:
        """The same downloads, those of some user agents in another class."""
        return Oracle([replace(one, kind=kinds.get(one.agent, one.kind)) for one in self.made], self.cap)
