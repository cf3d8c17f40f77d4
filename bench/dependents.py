"""``python -m bench dependents``: the graph of dependencies of an index as large as the public one.

886,000 projects and 5 million requirements are made up and written straight into the tables: who is required is spread
as unevenly as it is on a real index, and mostly leads from the less known to the better known, with some circles. Each
question is put in a process of its own, so that its memory is its own too. An upload is a real one.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from tests.indexes import publish

from affineur.projections import dependents
from affineur.settings import load
from affineur.shell.dependents import questions, snapshot
from affineur.shell.index import Index, open_index
from affineur.shell.store import dependents as rows
from bench.contestants.affineur import Affineur
from bench.environments import CACHE
from bench.report import RESULTS

PROJECTS, EDGES = 886_000, 5_000_000
TARGETS = {
    "direct_p99_ms": 50.0,
    "why_p99_ms": 50.0,
    "indirect_most_used_ms": 1000.0,
    "fold_p99_ms": 20.0,
    "peak_mib": 1024.0,
}
_PHASES = ("write", "ask", "fold", "all")
_SEED = 789


def run(*, quick: bool = False) -> int:
    """Fill, measure, write ``results/dependents.json``; 0 when every target is met."""
    projects, edges = (PROJECTS // 20, EDGES // 20) if quick else (PROJECTS, EDGES)
    server = Affineur(CACHE / "running" / "dependents")
    server.clear()
    server.create()
    found: dict[str, Any] = {"projects": projects, "edges": edges, "load_average": os.getloadavg()[0]}
    try:
        began = time.perf_counter()
        fill(server.folder, projects, edges)
        found["fill_seconds"] = round(time.perf_counter() - began, 1)
        for phase in _PHASES:
            found |= _measured(phase, server.folder)
    finally:
        shutil.rmtree(server.folder, ignore_errors=True)
    found["peak_mib"] = max(found[f"{phase}_peak_mib"] for phase in _PHASES)
    print(json.dumps({**found, "targets": TARGETS}, indent=1))
    if not quick:
        (RESULTS / "dependents.json").write_text(json.dumps({**found, "targets": TARGETS}, indent=1) + "\n")
    return 0 if all(found[name] <= target for name, target in TARGETS.items()) else 1


def fill(folder: Path, projects: int, edges: int) -> None:
    """Write nodes and edges. Project 0 is the most required; names are their numbers."""
    database = sqlite3.connect(folder / "affineur.db")
    database.execute("PRAGMA synchronous = OFF")
    now = int(datetime.now(UTC).timestamp() * 1e6)
    database.executemany(
        "INSERT INTO node (id, name, source, version, requirements, dynamic, serial, looked_at)"
        " VALUES (?, ?, 'ours', '1.0', 6, ?, 0, ?)",
        ((number + 1, f"p{number}", number % 17 == 0, now) for number in range(projects)),
    )
    database.executemany(
        "INSERT INTO edge (target_id, dependent_id, version, kind, newest, specifier, condition)"
        " VALUES (?, ?, '1.0', ?, ?, '>=1.0', '')",
        _edges(projects, edges),
    )
    head = database.execute("SELECT serial FROM journal_head").fetchone()[0]
    database.executemany(
        "INSERT OR REPLACE INTO follower (name, serial, at) VALUES (?, ?, ?)",
        [(rows.JOURNAL, head, now), (rows.EDGES, 1, now)],
    )
    database.commit()
    database.close()


def _edges(projects: int, edges: int) -> Iterator[tuple[int, int, int, bool]]:
    """``(target id, dependent id, kind, newest)``, by target. The better known half of any list (by the logarithm of
    the rank) is required as often as the rest; one in twenty leads to any project, the others to better known ones."""
    dice = np.random.default_rng(_SEED)
    # Little known projects require more than those everybody builds on.
    weight = 0.5 + np.minimum(np.arange(projects) / 50_000, 1.0)
    degree = dice.poisson(edges * 1.09 * weight / weight.sum())
    tails = np.repeat(np.arange(projects), degree)
    below = np.where(dice.random(len(tails)) < 0.05, projects, np.maximum(tails, 2))
    targets = np.exp(dice.random(len(tails)) * np.log(below)).astype(np.int64) - 1
    pairs = np.unique(targets * projects + tails)
    pairs = pairs[pairs // projects != pairs % projects]
    if len(pairs) > edges:
        pairs = np.sort(dice.choice(pairs, edges, replace=False))
    kinds = dice.choice(3, len(pairs), p=[0.65, 0.1, 0.25])
    newest = dice.random(len(pairs)) < 0.95
    for start in range(0, len(pairs), 100_000):
        part = slice(start, start + 100_000)
        yield from zip(
            (pairs[part] // projects + 1).tolist(), (pairs[part] % projects + 1).tolist(),
            kinds[part].tolist(), newest[part].tolist(), strict=True,
        )  # fmt: skip


def _measured(phase: str, folder: Path) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "bench.dependents", phase, str(folder)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{phase}: {done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    print(f"{phase}: {found}", file=sys.stderr, flush=True)
    return found


def write(index: Index) -> dict[str, float]:
    """The arrays, written anew."""
    began = time.perf_counter()
    snapshot.write(index)
    size = sum(path.stat().st_size for path in (index.settings.data / "graph").rglob("*.npy"))
    return {"write_seconds": round(time.perf_counter() - began, 2), "arrays_mib": round(size / 2**20, 1)}


def ask(index: Index) -> dict[str, float]:
    """Questions a person asks: of projects drawn evenly, of those that are required (as often as they are), of the
    most used."""
    dice = np.random.default_rng(1)
    graph = snapshot.current(index)
    names = [f"p{number}" for number in dice.integers(0, graph.size, 200)]
    ends = graph.arrays["forward_ends"]
    required = [f"p{ends[place]}" for place in dice.integers(0, len(ends), 200)]
    questions.counts(index, "p0")
    found: dict[str, float] = {}
    for title, some in (("direct", names), ("direct_of_required", required)):
        found |= _times(title, [lambda name=name: questions.direct(index, name) for name in some])
    found |= _times("counts_of_required", [lambda name=name: questions.counts(index, name) for name in required])
    pairs = list(zip(required, names, strict=True))
    asked: list[Callable[[], object]] = [lambda pair=pair: questions.why(index, pair[0], [pair[1]]) for pair in pairs]
    found |= _times("why", asked)
    many = [f"p{number}" for number in dice.integers(0, graph.size, 100)]
    found |= _times("why_100_roots", [lambda: questions.why(index, "p50", many)] * 3)
    found |= _times("direct_most_used", [lambda: questions.direct(index, "p0")] * 5)
    found |= _times("counts_most_used", [lambda: questions.counts(index, "p0")] * 5)
    found["indirect_most_used_ms"] = _times("-", [lambda: questions.indirect(index, "p0")] * 5)["-_p99_ms"]
    found["most_used_direct"] = sum(questions.counts(index, "p0").direct.values())
    found["most_used_indirect"] = questions.counts(index, "p0").indirect
    found |= _times("noticing_most_used", [lambda: questions.noticing(index, "p0", "1.0")])
    found |= _times("cut_p3000", [lambda: questions.cut(index, "p3000")])
    found |= _times("cut_100_roots", [lambda: questions.cut(index, "p50", many)])
    return found


def fold(index: Index) -> dict[str, float]:
    """Real uploads of wheels with twelve requirements, each folded in: what that takes, not the upload."""
    dice = np.random.default_rng(2)
    dependents.catch_up(index)
    seconds, busy = [], []
    for number in range(60):
        requires = [f"p{int(np.exp(dice.random() * np.log(PROJECTS // 20)))}>={number}" for _ in range(12)]
        publish(index, f"new-{number % 40}", f"1.{number}", minutes=number + 1, requires=requires)
        began, busy_before = time.perf_counter(), time.process_time()
        assert dependents.catch_up(index) == 1
        seconds.append(time.perf_counter() - began)
        busy.append(time.process_time() - busy_before)
    return _percentiles("fold", seconds) | _percentiles("fold_busy", busy)


def whole(index: Index) -> dict[str, float]:
    """Reach of all projects at once."""
    began = time.perf_counter()
    found = questions.reach_of_all(index)
    return {
        "all_seconds": round(time.perf_counter() - began, 1),
        "all_exact_share": round(float(found.exact.mean()), 3),
        "all_most": int(found.dependents.max()),
    }


def _times(title: str, asked: list[Callable[[], object]]) -> dict[str, float]:
    seconds, busy = [], []
    for one in asked:
        began, busy_before = time.perf_counter(), time.process_time()
        one()
        seconds.append(time.perf_counter() - began)
        busy.append(time.process_time() - busy_before)
    return _percentiles(title, seconds) | _percentiles(f"{title}_busy", busy)


def _percentiles(title: str, seconds: list[float]) -> dict[str, float]:
    seconds = sorted(seconds)
    return {
        f"{title}_p50_ms": round(1000 * seconds[len(seconds) // 2], 2),
        f"{title}_p99_ms": round(1000 * seconds[min(len(seconds) - 1, int(len(seconds) * 0.99))], 2),
    }


def _peak_mib() -> float:
    """The most memory this process ever had; of `getrusage` it would be that of the process it was forked from, too."""
    status = Path("/proc/self/status").read_text()
    return round(int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))) / 1024, 1)


def _main() -> int:
    phase, folder = sys.argv[1], Path(sys.argv[2])
    index = open_index(load({"data": folder}).settings)
    found = {"write": write, "ask": ask, "fold": fold, "all": whole}[phase](index)
    index.close()
    found[f"{phase}_peak_mib"] = _peak_mib()
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(_main())
