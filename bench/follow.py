"""``python -m bench follow``: seconds from a stop order at the origin to its effect at a mirror.

An origin and a mirror, each served by its own processes. A file is asked for at the mirror, over and over, while the
project is put on hold at the origin; what counts is the time from before the act, and from its return, to the first
404. Then the same back: from the clearing to the first 200.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.actions.shelf import founded, publish

from affineur.actions.hold import hold
from affineur.core.life.lifecycle import Said
from affineur.core.names import NormalizedName
from affineur.core.security import console
from affineur.settings import Settings
from affineur.shell.index import Index
from bench.contestants.affineur import PROGRAM
from bench.processes import Running, free_port
from bench.report import RESULTS

ACTS = 50
PROJECTS = 200
TARGET_P99_SECONDS = 1.0
_GIVE_UP_SECONDS = 30.0
_WHEEL = "/packages/{0}/1.0/{1}-1.0-py3-none-any.whl"


def run(*, quick: bool = False) -> int:
    """Fill, follow, measure, write ``results/follow.json``; 0 when the target is met."""
    acts = ACTS // 5 if quick else ACTS
    folder = Path(tempfile.mkdtemp(prefix="bench-follow-"))
    found: dict[str, Any] = {"acts": acts, "projects": PROJECTS, "load_average": os.getloadavg()[0]}
    origin = founded(Settings(data=folder / "origin"))
    running: list[Running] = []
    try:
        for number in range(PROJECTS):
            publish(origin, f"cheese-{number}")
        origin_port = _serve(folder / "origin", running)
        founded(Settings(data=folder / "mirror")).close()
        (folder / "mirror" / "affineur.toml").write_text(f'follows = "http://127.0.0.1:{origin_port}/"\n')
        began = time.perf_counter()
        port = _serve(folder / "mirror", running)
        for number in range(PROJECTS):
            _until(port, f"cheese-{number}", 200)
        found["first_copy_seconds"] = round(time.perf_counter() - began, 3)
        found |= _orders(origin, port, acts)
    finally:
        for each in running:
            each.stop()
        origin.close()
        shutil.rmtree(folder, ignore_errors=True)
    found["target_p99_seconds"] = TARGET_P99_SECONDS
    print(json.dumps(found, indent=1))
    if not quick:
        (RESULTS / "follow.json").write_text(json.dumps(found, indent=1) + "\n")
    return 0 if found["hidden_after_return_seconds"]["p99"] <= TARGET_P99_SECONDS else 1


def _orders(origin: Index, port: int, acts: int) -> dict[str, Any]:
    whole, after, back = [], [], []
    for number in range(acts):
        name = f"cheese-{number % PROJECTS}"
        began = time.perf_counter()
        _act(origin, "quarantine", name)
        returned = time.perf_counter()
        hidden = _until(port, name, 404)
        whole.append(hidden - began)
        after.append(max(0.0, hidden - returned))
        _act(origin, "clear", name)
        cleared = time.perf_counter()
        back.append(max(0.0, _until(port, name, 200) - cleared))
    return {
        "hidden_seconds": _spread(whole),
        "hidden_after_return_seconds": _spread(after),
        "back_after_return_seconds": _spread(back),
    }


def _act(origin: Index, act: Any, name: str) -> None:
    hold(origin, console(datetime.now(UTC)), act, NormalizedName(name), said=Said(reason="measured"))


def _serve(data: Path, running: list[Running]) -> int:
    port = free_port()
    arguments = [str(PROGRAM), "serve", "--data", str(data), "--port", str(port), "--edge", "off", "--workers", "1"]
    running.append(Running(arguments, data.parent / f"{data.name}.log"))
    running[-1].wait_for(port, "/health/ready")
    return port


def _until(port: int, name: str, status: int) -> float:
    """When the project's file first answered with ``status``."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    give_up_at = time.perf_counter() + _GIVE_UP_SECONDS
    path = _WHEEL.format(name, name.replace("-", "_"))
    try:
        while time.perf_counter() < give_up_at:
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
            if answer.status == status:
                return time.perf_counter()
            time.sleep(0.002)
    finally:
        connection.close()
    raise TimeoutError(f"{path} did not answer with {status} within {_GIVE_UP_SECONDS:g} s")


def _spread(seconds: list[float]) -> dict[str, float]:
    ordered = sorted(seconds)
    place = min(len(ordered) - 1, round(len(ordered) * 0.99))
    return {
        "p50": round(statistics.median(ordered), 4),
        "p99": round(ordered[place], 4),
        "worst": round(ordered[-1], 4),
    }
