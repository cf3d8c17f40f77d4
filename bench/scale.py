"""``python -m bench scale``: what 886,000 projects cost, against 5,000.

Asks of both serving modes: how soon a new name is in the list of all projects, what an upload costs beside
the same upload into a small index (interleaved), how long searches take through HTTP, and how long the list
of all projects takes to rebuild in every form.
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import json
import os
import statistics
import sys
import time
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from affineur.projections import pages
from affineur.settings import load
from affineur.shell.index import open_index
from bench import dataset, generated
from bench.contestants.affineur import Affineur, AffineurEdge
from bench.environments import CACHE
from bench.publishing import publish_all
from bench.report import RESULTS
from bench.rows import JSON_TYPE
from bench.search import queries

_SMALL = 5_000
_UPLOADS = 60
_ROUNDS = 3
_TARGETS = {
    "new_name_seconds": 15.0,
    "upload_ratio": 1.5,
    "search_p99_ms": 50.0,
    "root_rebuild_seconds": 10.0,
}


def run(arguments: argparse.Namespace) -> int:
    """Fill, measure, write ``results/scale.json``; 0 when every target is met."""
    names = Path(arguments.names) if arguments.names else None
    small, large = Affineur(CACHE / "running" / "scale-small"), Affineur(CACHE / "running" / "scale-large")
    _fill(small, _SMALL, names, keep=arguments.keep)
    _fill(large, arguments.projects, names, keep=arguments.keep)
    found: dict[str, Any] = {"projects": arguments.projects, "load_average": os.getloadavg()[0]}
    found["root_rebuild_seconds"] = round(_rebuild_root(large.folder), 2)
    _rebuild_search(large)
    sample = [known.name for known in generated.known_projects(20_000, names)]
    for kind in (Affineur, AffineurEdge):
        servers = kind(small.folder), kind(large.folder)
        found[kind.name] = _measure(*servers, sample)
    verdicts = list(_verdicts(found))
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "scale.json").write_text(json.dumps({**found, "targets": _TARGETS}, indent=1) + "\n")
    print(json.dumps(found, indent=1))
    for sentence, met in verdicts:
        print(f"{'met   ' if met else 'MISSED'} {sentence}")
    if not arguments.keep:
        large.clear()
        small.clear()
    return 0 if all(met for _, met in verdicts) else 1


def _fill(server: Affineur, projects: int, names: Path | None, *, keep: bool) -> None:
    done = server.folder.with_suffix(f".{projects}")
    if keep and done.exists():
        return
    server.clear()
    server.create()
    started = time.perf_counter()

    def advance(count: int) -> None:
        if count % 50_000 == 0:
            _say(f"{count:,} of {projects:,} projects, {time.perf_counter() - started:.0f} s")

    count = generated.fill(server.folder, generated.known_projects(projects, names), advance)
    _say(f"{count:,} projects generated in {time.perf_counter() - started:.0f} s")
    done.touch()


def _rebuild_root(data: Path) -> float:
    index = open_index(load({"data": data}).settings)
    try:
        taken = []
        for _ in range(_ROUNDS):
            started = time.perf_counter()
            pages.project_root(index)
            taken.append(time.perf_counter() - started)
            _say(f"root list: {taken[-1]:.1f} s")
    finally:
        index.close()
    return statistics.median(taken)


def _rebuild_search(server: Affineur) -> None:
    from affineur.projections import search

    index = open_index(load({"data": server.folder}).settings)
    started = time.perf_counter()
    try:
        search.rebuild(index, search.open_search(index))
    finally:
        index.close()
    _say(f"search index rebuilt in {time.perf_counter() - started:.0f} s")


def _measure(small: Affineur, large: Affineur, sample: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    try:
        for server in (small, large):
            server.start(120, ready="/health/ready")
        found["start_seconds"] = round(time.perf_counter() - large.running.started, 2) if large.running else None
        found.update(_compare_uploads(small, large))
        found["new_name_seconds"] = [round(_until_listed(large, number), 2) for number in range(_ROUNDS)]
        found.update(_searches(large, sample))
        assert large.running is not None
        found["memory_mib"] = round(large.running.pss_bytes() / 2**20)
    finally:
        small.stop()
        large.stop()
    return found


def _compare_uploads(small: Affineur, large: Affineur) -> dict[str, Any]:
    milliseconds: dict[str, list[float]] = {"small": [], "large": []}
    cpu: dict[str, list[float]] = {"small": [], "large": []}
    for number in range(_ROUNDS):
        pair = [("small", small), ("large", large)]
        for label, server in pair if number % 2 == 0 else pair[::-1]:
            assert server.running is not None
            wheels = dataset.upload_wheels(_UPLOADS, f"{os.getpid()}-{server.name}-{number}-{label}")
            before = server.running.cpu_seconds()
            milliseconds[label] += [seconds * 1e3 for seconds in publish_all(server.target(), wheels)]
            cpu[label].append((server.running.cpu_seconds() - before) / _UPLOADS * 1e3)
    medians = {label: statistics.median(values) for label, values in milliseconds.items()}
    means = {label: statistics.fmean(values) for label, values in milliseconds.items()}
    return {
        "upload_ms_median": {label: round(value, 2) for label, value in medians.items()},
        "upload_ms_mean": {label: round(value, 2) for label, value in means.items()},
        "upload_cpu_ms": {label: round(statistics.median(values), 2) for label, values in cpu.items()},
        "upload_ratio": round(medians["large"] / medians["small"], 2),
    }


def _until_listed(server: Affineur, number: int) -> float:
    """Seconds from the answer to an upload until the list of all projects names its project."""
    wheel = dataset.make_wheel(f"fresh-{os.getpid()}-{number}-{time.time_ns()}", "1.0", 4_000)
    publish_all(server.target(), [wheel])
    answered = time.perf_counter()
    etag = ""
    while time.perf_counter() - answered < 120:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        connection.request("GET", "/simple/", headers={"Accept": JSON_TYPE, "If-None-Match": etag})
        answer = connection.getresponse()
        body = answer.read()
        seconds = time.perf_counter() - answered
        connection.close()
        if answer.status == 200 and f'"{wheel.project}"'.encode() in body:
            return seconds
        etag = answer.getheader("ETag", "")
        time.sleep(0.1)
    raise TimeoutError(f"{wheel.project} is not in the list of all projects after two minutes")


def _searches(server: Affineur, sample: list[str]) -> dict[str, Any]:
    """Each query once over one connection; times include the page that shows the hits."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    by_kind: dict[str, list[float]] = {}
    refused = 0
    for kind, texts in queries(sample).items():
        for text in texts:
            query = urllib.parse.quote_from_bytes(text.encode("utf-8", "surrogatepass"))
            started = time.perf_counter()
            connection.request("GET", f"/search/?q={query}", headers={"Accept": "text/html"})
            answer = connection.getresponse()
            body = answer.read()
            by_kind.setdefault(kind, []).append((time.perf_counter() - started) * 1e3)
            refused += answer.status != 200
            if kind == "names" and answer.status == 200 and text.encode() not in body:
                raise LookupError(f"a search for {text!r} does not find it")
    everything = sorted(itertools.chain.from_iterable(by_kind.values()))
    return {
        "searches": len(everything),
        "searches_not_200": refused,
        "search_p50_ms": round(everything[len(everything) // 2], 1),
        "search_p99_ms": round(everything[int(len(everything) * 0.99)], 1),
        "search_max_ms": round(everything[-1], 1),
        "search_p99_by_kind_ms": {kind: round(sorted(v)[int(len(v) * 0.99)], 1) for kind, v in by_kind.items()},
    }


def _verdicts(found: dict[str, Any]) -> Iterator[tuple[str, bool]]:
    seconds = found["root_rebuild_seconds"]
    yield f"root list rebuilt in every form: {seconds} s, at most 10 s", seconds <= 10
    for kind in (Affineur.name, AffineurEdge.name):
        got = found[kind]
        yield (
            f"{kind}: new name listed after {max(got['new_name_seconds'])} s, at most 15 s",
            (max(got["new_name_seconds"]) <= 15),
        )
        yield (
            f"{kind}: upload {got['upload_ratio']} × of 5,000 projects, at most 1.5 ×",
            got["upload_ratio"] <= 1.5,
        )
        answered = f"{got['searches'] - got['searches_not_200']} of {got['searches']} answered with 200"
        yield (
            f"{kind}: search p99 {got['search_p99_ms']} ms, at most 50 ms; {answered}",
            (got["search_p99_ms"] <= 50 and not got["searches_not_200"]),
        )


def _say(text: str) -> None:
    print(f"[{time.strftime('%H:%M:%S')}] {text}", file=sys.stderr, flush=True)
