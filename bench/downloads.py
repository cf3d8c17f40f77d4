"""``python -m bench downloads``: rolling up, asking and adding to download statistics, in both engines.

50 million generated events of 180 days (kept for the next run), rolled up; then the questions of impact and of
statistics pages, and another day's events. The same is done in ClickHouse's engine, through the same port; and some of
the questions are asked of it over the files of the embedded one (``chdb``). What is taken as processor time is that of
all threads: on a machine that does nothing else, the wall shows half of it at best.
What does not live here: the events (`download_events`).
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from affineur.core.downloads.figures import EVERYTHING, INSTALLS, Window
from affineur.settings import Settings
from affineur.shell.lake.duck import DuckLake
from affineur.shell.lake.port import Lake
from affineur.shell.store import connect, lake
from bench.download_events import FIRST_DAY, generate
from bench.downloads_in_clickhouse import new_lake
from bench.environments import CACHE
from bench.report import RESULTS

EVENTS, DAYS, PROJECTS = 50_000_000, 180, 200_000
_MOST = {
    "roll-up, s": 30.0,
    "roll-up, MiB": 1536.0,
    "whole index, s": 0.5,
    "top 1 %, s": 0.5,
    "series, ms": 20.0,
    "series by version, ms": 20.0,
    "a day folded in, s": 5.0,
}
_WINDOW = Window(FIRST_DAY, FIRST_DAY + timedelta(days=DAYS - 1))
_PROJECTS = [f"project-{number}" for number in (1, 7, 300, 5_000, 20_000, 80_000)]


class _Enough(Exception):
    """The days are rolled up; files of events are put together in another run."""


def run(*, quick: bool = False) -> int:
    """Generate, measure, write ``results/downloads.json``; 0 when every target is met."""
    events = EVENTS // 100 if quick else EVENTS
    found: dict[str, Any] = {"events": events, "load_average": os.getloadavg()[0]}
    files = generate(CACHE / "downloads" / str(events), events, DAYS, PROJECTS, print)
    folder = CACHE / "running" / "downloads"
    shutil.rmtree(folder, ignore_errors=True)
    store = connect(f"sqlite:///{folder / 'store.db'}")
    store.create()
    duck = DuckLake(Settings(data=folder), store)
    try:
        for path in files[:-1]:
            duck.append(path.name, path)
        found["rolled_up"] = _rolled_up(duck)
        duck.append(files[-1].name, files[-1])
        found["folded_in"] = _roll_up(duck)  # the last day, while it goes on
        found["asked"] = _asked(duck)
        found["chdb"] = _asked_of_chdb(duck)
        found["clickhouse"] = _of_clickhouse(files, duck)
    finally:
        duck.close()
        store.close()
        shutil.rmtree(folder, ignore_errors=True)
    found["load_average_after"] = os.getloadavg()[0]
    verdicts = _verdicts(found)
    print(json.dumps(found, indent=1))
    for name, (value, most) in verdicts.items():
        print(f"{'met' if value <= most else 'missed'}: {name}: {value:g}, at most {most:g}")
    if not quick:
        (RESULTS / "downloads.json").write_text(json.dumps(found, indent=1) + "\n")
    return 0 if all(value <= most for value, most in verdicts.values()) else 1


@contextmanager
def _timed(into: dict[str, Any]) -> Iterator[None]:
    began, worked = time.perf_counter(), time.process_time()
    yield
    into["seconds"] = round(time.perf_counter() - began, 2)
    into["processor_seconds"] = round(time.process_time() - worked, 2)
    into["peak_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _roll_up(duck: DuckLake) -> dict[str, Any]:
    def only_roll_up(step: str, done: int, total: int) -> None:
        if step != "roll up":
            raise _Enough

    found: dict[str, Any] = {}
    with _timed(found), suppress(_Enough):
        duck.roll_up(_WINDOW.last, only_roll_up)
    return found


def _rolled_up(duck: DuckLake) -> dict[str, Any]:
    found = _roll_up(duck)
    with duck.store.ask() as connection:
        for kind in ("daily", "totals"):
            files = lake.files(connection, kind)
            found[kind] = {
                "rows": sum(file.rows for file in files),
                "mib": round(sum(file.size_bytes for file in files) / 2**20, 1),
                "files": len(files),
            }
    return found


def _of_clickhouse(files: Sequence[Path], duck: DuckLake) -> dict[str, Any]:
    asked = new_lake(duck.settings.data / "beside", duck.store)
    found: dict[str, Any] = {"load_average": os.getloadavg()[0], "taken_in": {}, "rolled_up": {}, "folded_in": {}}
    with _timed(found["taken_in"]):
        for path in files[:-1]:
            asked.append(path.name, path)
    with _timed(found["rolled_up"]):  # and the networks of all but a week forgotten
        asked.roll_up(_WINDOW.last)
    asked.append(files[-1].name, files[-1])
    with _timed(found["folded_in"]):
        asked.roll_up(_WINDOW.last)
    found["same numbers"] = asked.series("", _WINDOW, INSTALLS) == duck.series("", _WINDOW, INSTALLS)
    return found | _asked(asked)


def _asked(engine: Lake) -> dict[str, Any]:
    return {
        "whole index": _spread(lambda: engine.series("", _WINDOW, INSTALLS), 7),
        "top 1 %": _spread(lambda: engine.top(_WINDOW, INSTALLS, PROJECTS // 100), 7),
        "rank": _spread(lambda: engine.rank("project-77", _WINDOW, INSTALLS), 7),
        "series": _spread_over(lambda project: engine.series(project, _WINDOW, INSTALLS)),
        "series by version": _spread_over(lambda project: engine.series(project, _WINDOW, EVERYTHING, "version")),
        "recent": _spread_over(lambda project: engine.recent(project, _WINDOW.last, EVERYTHING)),
        "usage of all": _spread(lambda: sum(1 for _ in engine.usage(_WINDOW, Window.until(_WINDOW.last, 30))), 1),
    }


def _asked_of_chdb(duck: DuckLake) -> dict[str, Any]:
    from chdb import session

    root = duck.settings.lake
    asking: Any = session.Session()  # type: ignore[no-untyped-call]
    installs = f"FROM file('{root}/totals/*/*.parquet', Parquet) WHERE class = 'installer'"
    days = f"FROM file('{root}/daily/*/*.parquet', Parquet) WHERE project = "
    try:
        return {
            "whole index": _spread(lambda: asking.query(f"SELECT day, sum(downloads) {installs} GROUP BY day"), 7),
            "top 1 %": _spread(
                lambda: asking.query(
                    f"SELECT project, sum(downloads) AS n {installs} GROUP BY project ORDER BY n DESC, project "
                    f"LIMIT {PROJECTS // 100}"
                ),
                7,
            ),
            "series": _spread_over(
                lambda project: asking.query(
                    f"SELECT day, sum(downloads) {installs} AND project = '{project}' GROUP BY day ORDER BY day"
                )
            ),
            "series by version": _spread_over(
                lambda project: asking.query(
                    f"SELECT day, version, sum(downloads) {days} '{project}' GROUP BY day, version ORDER BY day"
                )
            ),
        }
    finally:
        asking.close()


def _spread_over(ask: Callable[[str], object]) -> dict[str, float]:
    taken = [_once(lambda project=project: ask(project)) for _ in range(8) for project in _PROJECTS]  # type: ignore[misc]
    return _figures(taken[len(_PROJECTS) :])


def _spread(ask: Callable[[], object], times: int) -> dict[str, float]:
    return _figures([_once(ask) for _ in range(times)])


def _once(ask: Callable[[], object]) -> float:
    began = time.perf_counter()
    ask()
    return (time.perf_counter() - began) * 1000


def _figures(taken: list[float]) -> dict[str, float]:
    return {
        "median_ms": round(statistics.median(taken), 1),
        "best_ms": round(min(taken), 1),
        "worst_ms": round(max(taken), 1),
    }


def _verdicts(found: dict[str, Any]) -> dict[str, tuple[float, float]]:
    asked = found["asked"]
    values = {
        "roll-up, s": found["rolled_up"]["seconds"],
        "roll-up, MiB": found["rolled_up"]["peak_mib"],
        "whole index, s": asked["whole index"]["median_ms"] / 1000,
        "top 1 %, s": asked["top 1 %"]["median_ms"] / 1000,
        "series, ms": asked["series"]["median_ms"],
        "series by version, ms": asked["series by version"]["median_ms"],
        "a day folded in, s": found["folded_in"]["seconds"],
    }
    return {name: (values[name], most) for name, most in _MOST.items()}
