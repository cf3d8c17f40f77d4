"""``python -m bench life``: what an act costs on a project with 500 files, from the call until everybody sees it.

The index is the embedded default: SQLite, local files. An act has returned when the public tree says what the rows
say, so what counts is the call itself; that it is visible then is checked each time, at a server that runs beside. Of a
busy machine, "processor" says what the acts themselves took. Whole-project holds are the dearest: a thousand links go,
or come back, 500 files and as many metadata files.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import shutil
import statistics
import tempfile
import time
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.actions.shelf import founded, publish

from affineur.actions.hold import hold
from affineur.actions.status import set_status
from affineur.actions.yank import Selection, set_yanked
from affineur.core.access import SYSTEM
from affineur.core.life.lifecycle import WHOLE, Place, Said
from affineur.core.names import NormalizedName
from affineur.core.security import console
from affineur.settings import Settings
from affineur.shell.index import Index
from affineur.shell.store import projects
from bench.contestants.affineur import PROGRAM
from bench.processes import Running, free_port
from bench.report import RESULTS

RELEASES, FILES_EACH = 100, 5
ACTS = 200
TARGET_P99_MS = 50.0
_NAME = NormalizedName("cheese")
_CYCLE = (
    *("archive", "unarchive", "deprecate", "undeprecate", "yank", "unyank"),
    *("quarantine", "clear", "quarantine-release", "clear-release"),
)
_ACCEPT = "application/vnd.pypi.simple.v1+json"


def run(*, quick: bool = False) -> int:
    """Fill, act, measure, write ``results/life.json``; 0 when the target is met."""
    releases, acts = (RELEASES // 10, ACTS // 10) if quick else (RELEASES, ACTS)
    folder = Path(tempfile.mkdtemp(prefix="bench-life-"))
    index = founded(Settings(data=folder / "data"))
    running: Running | None = None
    try:
        for number in range(releases):
            for minor in range(FILES_EACH):
                publish(index, _NAME, f"{number}.0", tags=f"py3{minor}-none-any")
        port = free_port()
        command = [str(PROGRAM), "serve", "--data", str(index.settings.data), "--port", str(port), "--edge", "off",
                   "--workers", "1"]  # fmt: skip
        running = Running(command, folder / "server.log")
        running.wait_for(port, "/health/ready")
        found = {"files": releases * FILES_EACH, "acts": acts, "load_average": os.getloadavg()[0]}
        found |= _measured(index, port, acts)
    finally:
        if running is not None:
            running.stop()
        index.close()
        shutil.rmtree(folder, ignore_errors=True)
    found["target_p99_ms"] = TARGET_P99_MS
    print(json.dumps(found, indent=1))
    if not quick:
        (RESULTS / "life.json").write_text(json.dumps(found, indent=1) + "\n")
    return 0 if found["all"]["p99"] <= TARGET_P99_MS else 1


def _measured(index: Index, port: int, acts: int) -> dict[str, Any]:
    taken: dict[str, list[float]] = defaultdict(list)
    busy: list[float] = []
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    chosen = random.Random(4)
    for number in range(acts):
        act = _CYCLE[number % len(_CYCLE)]
        version = f"{chosen.randrange(10)}.0" if act == "yank" else "1.0"
        began, worked = time.perf_counter(), time.process_time()
        _do(index, act, version)
        busy.append((time.process_time() - worked) * 1000)
        taken[act].append((time.perf_counter() - began) * 1000)
        _must_be_seen(index, connection)
    connection.close()
    everything = [each for some in taken.values() for each in some]
    return {
        "all": _spread(everything),
        "processor": _spread(busy),
        "by_act": {act: _spread(some) for act, some in taken.items()},
    }


def _do(index: Index, act: str, version: str) -> None:
    now = datetime.now(UTC)
    verb: Any = act.removesuffix("-release")
    said = Said(reason="measured")
    if verb in ("quarantine", "clear"):
        hold(index, console(now), verb, _NAME, Place(version) if act != verb else WHOLE, said)
    elif verb in ("yank", "unyank"):
        set_yanked(index, SYSTEM, Selection(_NAME, version if verb == "yank" else None), verb == "yank", now)
    else:
        set_status(index, SYSTEM, verb, _NAME, now, said)


def _must_be_seen(index: Index, connection: http.client.HTTPConnection) -> None:
    """The page that the server sends is that of the newest entry."""
    connection.request("GET", f"/simple/{_NAME}/", headers={"Accept": _ACCEPT})
    page = json.loads(connection.getresponse().read())
    with index.store.read() as reading:
        row = projects.find(reading, _NAME)
    assert row is not None and page["meta"]["_last-serial"] == row.serial, "the act returned before it could be seen"


def _spread(taken: list[float]) -> dict[str, float]:
    ordered = sorted(taken)
    place = min(len(ordered) - 1, round(len(ordered) * 0.99))
    return {
        "p50": round(statistics.median(ordered), 1),
        "p99": round(ordered[place], 1),
        "worst": round(ordered[-1], 1),
    }
