"""New classes for old events: a table of classes that changed is replayed over what user agents said.

Days whose networks are known are rolled up anew afterwards; of sealed days what the cap left moves in proportion.
What does not live here: the table (`core.downloads.classes`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from affineur.core.downloads.agents import parse
from affineur.core.downloads.classes import TABLE_VERSION, Class, classify
from affineur.core.downloads.tables import Kind
from affineur.shell.store import lake

from . import duck_making as making
from .duck_counting import counted
from .duck_engine import reading
from .port import Progress
from .rolling import Roller, again, by_day, is_sealed, period_of, roll_up


def reclass(roller: Roller, progress: Progress) -> int:
    """Class every event that is kept by the newest table; the number of events.

    What is due is rolled up before and after. Days that are done are not done again where this is called after a crash.
    """
    roll_up(roller, progress)
    events = again(lambda: _reclass(roller, progress))
    roll_up(roller, progress)
    return events


def _reclass(roller: Roller, progress: Progress) -> int:
    with roller.store.read() as connection:
        events = lake.files(connection, "events")
    due = by_day([file for file in events if file.table_version != TABLE_VERSION])
    months: dict[str, list[date]] = {}
    for day in sorted(due):
        months.setdefault(period_of(day, roller.now_day), []).append(day)
    known: dict[str, Class] = {}
    for done, (period, days) in enumerate(months.items()):
        progress("class", done, len(months))
        _class_agents(roller, [file for day in days for file in due[day]], known)
        _exchange_open(roller, [day for day in days if not is_sealed(due[day])], due)
        _exchange_sealed(roller, period, [day for day in days if is_sealed(due[day])], due)
    progress("class", len(months), len(months))
    return sum(file.rows for files in due.values() for file in files)


def _class_agents(roller: Roller, files: Sequence[lake.File], known: dict[str, Class]) -> None:
    """Table `agent_class` of the connection: what each user agent of these events is."""
    source = reading(roller.paths(files), "events")
    found = roller.duck.execute(f"SELECT DISTINCT _user_agent FROM {source} WHERE _user_agent IS NOT NULL").fetchall()  # noqa: S608
    for (agent,) in found:
        if agent not in known:
            known[agent] = classify(parse(agent), agent)
    roller.duck.execute("CREATE OR REPLACE TEMP TABLE agent_class (user_agent VARCHAR, class VARCHAR)")
    agents = [agent for (agent,) in found]
    roller.duck.execute(
        "INSERT INTO agent_class SELECT unnest($agents::VARCHAR[]), unnest($classes::VARCHAR[])",
        {"agents": agents, "classes": [known[agent] for agent in agents]},
    )


def _exchange_open(roller: Roller, days: Sequence[date], due: dict[date, list[lake.File]]) -> None:
    """Days that can be made anew of their events: they will be."""
    for day in days:
        new = [one for file in due[day] for one in _classed(roller, file)]
        roller.exchange(due[day], new, due=day)


def _exchange_sealed(roller: Roller, period: str, days: Sequence[date], due: dict[date, list[lake.File]]) -> None:
    """Sealed days of a month, whose roll-ups are made here."""
    if not days:
        return
    with roller.store.read() as connection:
        listed = lake.listed(connection)
    old: dict[Kind, list[lake.File]] = {
        kind: [f for f in listed.files if f.kind == kind and period_of(f.last_day, roller.now_day) == period]
        for kind in ("daily", "totals")
    }
    files = [file for day in days for file in due[day]]
    before = roller.paths(files)
    new = [one for file in files for one in _classed(roller, file)]
    after = roller.paths(new)

    def daily(path: Path) -> int:
        kept = roller.paths(old["daily"])
        with counted(roller.duck, after, kept):
            return making.make_daily(roller.duck, path, kept, days, added_to=False)

    def totals(path: Path) -> int:
        return making.make_moved_totals(roller.duck, path, before, roller.paths(old["totals"]), days)

    new += roller.put("daily", period, 0, daily)
    new += roller.put("totals", period, 0, totals)
    roller.exchange([*files, *old["daily"], *old["totals"]], new)


def _classed(roller: Roller, file: lake.File) -> list[lake.File]:
    """The same events, by table `agent_class`, under a name that tells the same of them."""
    path = roller.paths([file])
    prefix = file.name.rpartition("/")[2].rpartition("-")[0]
    return roller.put(
        "events",
        file.first_day.isoformat(),
        TABLE_VERSION,
        lambda target: making.make_events(roller.duck, target, path, classed=True),
        f"{prefix}-" if prefix else "",
    )
