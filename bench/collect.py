"""``python -m bench collect``: how fast the request log is counted, and that each line counts once under 100 kills.

The log is made as serving writes it: 2,000 user agents of pip's length, 200,000 projects and as many networks by
Zipf's law. The rate is that of one process over processor time, so that waiting for a busy machine does not count;
wall time stands beside it.
"""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import orjson
from tests.indexes import new_index
from tests.walks import collector_scene
from tests.walks.collector_scene import DAYS

from bench.environments import CACHE
from bench.report import RESULTS

LINES, KILLED_LINES, KILLS = 1_000_000, 5_000_000, 100
_TARGETS = {"lines_per_second": 100_000, "kills": KILLS, "exact": True}
_FOLDER = CACHE / "running" / "collect"
_BATCH_BYTES = 4 * 1024 * 1024
_COLLECT = """
import resource, sys
from pathlib import Path
from affineur.settings import Settings
from affineur.shell.index import open_index
from affineur.shell.lake import collecting, gathering
from affineur.shell.lake.opening import open_lake
import duckdb, numpy
index = open_index(Settings(data=Path(sys.argv[1])))
lake = open_lake(index.settings, index.store)
before = resource.getrusage(resource.RUSAGE_SELF)
found = collecting.collect(index.settings, index.store, lambda: lake)
after = resource.getrusage(resource.RUSAGE_SELF)
print(found.lines, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, after.ru_maxrss)
"""


def run(*, quick: bool = False) -> int:
    """Measure, write ``results/collect.json``; 0 when every target is met."""
    share = 20 if quick else 1
    found: dict[str, Any] = {"load_average": os.getloadavg()[0]}
    shutil.rmtree(_FOLDER, ignore_errors=True)
    try:
        found |= _rate(_FOLDER / "rate", LINES // share)
        found |= _killed(_FOLDER / "killed", KILLED_LINES // share, KILLS // share)
    finally:
        shutil.rmtree(_FOLDER, ignore_errors=True)
    print(json.dumps({**found, "targets": _TARGETS}, indent=1))
    if not quick:
        (RESULTS / "collect.json").write_text(json.dumps({**found, "targets": _TARGETS}, indent=1) + "\n")
    return 0 if found["exact"] and found["lines_per_second"] >= _TARGETS["lines_per_second"] else 1


def _rate(folder: Path, lines: int) -> dict[str, object]:
    index = new_index(folder)
    index.close()
    path = index.settings.logs / f"requests-{DAYS[0]}.jsonl"
    with path.open("wb") as stream:
        stream.writelines(_realistic(DAYS[0], lines))
    began = time.monotonic()
    said = subprocess.run([sys.executable, "-c", _COLLECT, str(folder)], capture_output=True, text=True, check=True)
    wall_seconds = time.monotonic() - began
    read, processor_seconds, peak_kib = said.stdout.split()[-3:]
    return {
        "lines": int(read),
        "log_mib": round(path.stat().st_size / 2**20),
        "lines_per_second": round(int(read) / float(processor_seconds)),
        "processor_seconds": round(float(processor_seconds), 2),
        "wall_seconds": round(wall_seconds, 2),
        "peak_mib": round(int(peak_kib) / 1024),
        "events_mib": round(sum(each.stat().st_size for each in folder.rglob("lake/events/*/*.parquet")) / 2**20, 1),
    }


def _killed(folder: Path, lines: int, kills: int) -> dict[str, object]:
    index = new_index(folder)
    log = collector_scene.Log(index.settings.logs, projects=2_000)
    moments = random.Random(11)
    killed = started = 0
    began = time.monotonic()
    with collector_scene.dying_collector(folder, _BATCH_BYTES) as collector:
        while killed < kills or log.lines < lines:
            if log.lines < lines:
                log.write(DAYS[min(log.lines * len(DAYS) // lines, len(DAYS) - 1)], lines // kills)
            elif not killed:
                break
            started += 1
            killed += collector_scene.collect(collector, moments.uniform(0.02, 1.5)) == -9
            if log.lines >= lines and killed < kills and started > 3 * kills:
                break
        finished = collector_scene.collect(collector, None)
    counted = collector_scene.totals(index.store)
    exact = collector_scene.counted(index) == log.expected and counted.lines == log.lines
    index.close()
    return {
        "killed_lines": log.lines,
        "kills": killed,
        "exact": bool(exact and finished == 0 and counted.unreadable == log.unreadable),
        "downloads": counted.events,
        "killed_seconds": round(time.monotonic() - began),
        "peak_children_mib": round(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024),
    }


def _realistic(day: date, lines: int) -> Iterator[bytes]:
    chosen = random.Random(5)
    weights = [0.0]
    for rank in range(1, 200_001):
        weights.append(weights[-1] + 1 / rank)
    agents = [_user_agent(number) for number in range(2_000)]
    networks = [f"{chosen.randrange(1, 224)}.{number % 256}.{number // 256 % 256}.0" for number in range(200_000)]
    some = 10_000
    for start in range(0, lines, some):
        projects = chosen.choices(range(200_000), cum_weights=weights[1:], k=some)
        clients = chosen.choices(networks, cum_weights=weights[1:], k=some)
        for number, (project, client) in enumerate(zip(projects, clients, strict=True)):
            second = (start + number) * 86_400 // lines
            version = f"{project % 7}.{number % 3}"
            yield orjson.dumps(
                {"time": f"{day}T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}+00:00",
                 "project": f"project-{project}", "version": version,
                 "file": f"project_{project}-{version}-py3-none-any.whl", "user_agent": chosen.choice(agents),
                 "address": client,
                 "country": ("DE", "FR", "US", "JP")[number % 4], "bytes": 1000 + project, "status": 200},
                option=orjson.OPT_APPEND_NEWLINE,
            )  # fmt: skip


def _user_agent(number: int) -> str:
    said = {
        "ci": True if number % 3 else None,
        "cpu": "x86_64",
        "distro": {"id": "jammy", "libc": {"lib": "glibc", "version": "2.35"}, "name": "Ubuntu", "version": "22.04"},
        "implementation": {"name": "CPython", "version": f"3.{8 + number % 6}.{number % 12}"},
        "installer": {"name": "pip", "version": f"24.{number % 4}"},
        "openssl_version": "OpenSSL 3.0.2 15 Mar 2022",
        "python": f"3.{8 + number % 6}.{number % 12}",
        "setuptools_version": "59.6.0",
        "system": {"name": "Linux", "release": f"6.5.0-{number}-azure"},
    }
    return f"pip/24.{number % 4} {orjson.dumps(said).decode()}"
