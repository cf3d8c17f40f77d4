"""One run: fill every server, then ask each the same in turn, round after round.

Rounds are interleaved (A B C A B C …, and the next one C B A …), so that a machine that grows busy is
unfair to nobody. What does not live here: targets, medians and the table (`report`).
"""

from __future__ import annotations

import os
import shutil
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import dataset
from bench.contestants.affineur import Affineur
from bench.contestants.base import Contestant
from bench.contestants.nginx import Nginx
from bench.environments import CACHE
from bench.load import NotBelieved, put_load
from bench.publishing import Publisher, UploadFailed, upload_form
from bench.rows import ROWS, NotOffered, Row, WrongAnswer, checked, fetch

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured. ``projects`` is the number of projects around the measured ones."""

    rounds: int = 3
    seconds: int = 3
    projects: int = 5_000
    uploads: int = 300
    starts: int = 3


@dataclass(slots=True)
class Findings:
    """Every single figure, by row and server; ``notes`` say what a figure does not."""

    samples: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    cpu_us: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    notes: dict[str, dict[str, str]] = field(default_factory=dict)
    load_average: list[float] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)

    def add(self, row: str, server: str, value: float, cpu_us: float | None = None) -> None:
        """Keep one figure, and the processor time behind each operation."""
        self.samples.setdefault(row, {}).setdefault(server, []).append(value)
        if cpu_us is not None:
            self.cpu_us.setdefault(row, {}).setdefault(server, []).append(cpu_us)

    def note(self, row: str, server: str, text: str) -> None:
        """Keep a remark."""
        self.notes.setdefault(row, {})[server] = text

    def as_dict(self) -> dict[str, Any]:
        """Everything, for JSON."""
        return {name: getattr(self, name) for name in self.__slots__}


def fill_all(contestants: list[Contestant], plan: Plan, say: Say) -> list[Contestant]:
    """Give every server its own fresh copy of the data; the servers that could be filled.

    What the other servers made of the data is kept under ``.cache/bench/filled``: devpi takes minutes.
    """
    filled = []
    for contestant in contestants:
        contestant.clear()
        projects = min(plan.projects, contestant.most_fillers)
        wheels = dataset.write_folder(CACHE / f"wheels-{projects}", projects)
        kept = CACHE / "filled" / f"{contestant.name}-{contestant.version}-{projects}"
        started = time.perf_counter()
        try:
            if contestant.version == "?" or not kept.exists():
                contestant.fill(wheels)
                _keep(contestant, kept)
            else:
                shutil.copytree(kept, contestant.folder, symlinks=True)
        except Exception as error:
            contestant.stop()
            say(f"{contestant.name}: left out, could not be filled: {error}")
            continue
        say(f"{contestant.name}: filled in {time.perf_counter() - started:.1f} s")
        filled.append(contestant)
    return filled


def _keep(contestant: Contestant, kept: Path) -> None:
    if contestant.version == "?" or not contestant.folder.exists():
        return
    partial = kept.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.copytree(contestant.folder, partial, symlinks=True)
    partial.rename(kept)


def start_all(contestants: list[Contestant], plan: Plan, findings: Findings, say: Say) -> list[Contestant]:
    """Start each ``plan.starts`` times, the last time for good; the servers that run."""
    up = []
    for contestant in contestants:
        try:
            for attempt in range(plan.starts):
                if attempt:
                    contestant.stop()
                findings.add("start", contestant.name, contestant.start())
        except Exception as error:
            contestant.stop()
            say(f"{contestant.name}: left out, does not start: {error}")
            continue
        findings.versions[contestant.name] = contestant.version
        if plan.projects > contestant.most_fillers:
            findings.note("start", contestant.name, f"holds {contestant.most_fillers} projects only")
        up.append(contestant)
    return up


def give_the_limit_its_bytes(limit: Nginx, others: list[Contestant], say: Say) -> None:
    """Copy the pages of the first server that has each form, ours first, into nginx's tree."""
    for row in ROWS:
        if row.form == "file":
            limit.put(row, dataset.file_wheel(row.project).content)
            continue
        for other in others:
            try:
                answer = checked(row, other.port, other.path(row))
            except (WrongAnswer, NotOffered, OSError):
                continue
            if not answer.note:
                limit.put(row, answer.body)
                if not isinstance(other, Affineur):
                    say(f"{row.title}: the limit sends {other.name}'s bytes")
                break


def measure_reads(contestants: list[Contestant], plan: Plan, findings: Findings, say: Say) -> None:
    """Every row, every server, ``plan.rounds`` times."""
    for number in range(plan.rounds):
        order = contestants if number % 2 == 0 else contestants[::-1]
        for row in ROWS:
            figures = []
            for contestant in order:
                figure = _measure_read(row, contestant, plan.seconds, findings)
                figures.append(f"{contestant.name} {figure}")
            say(f"round {number + 1}: {row.title}: {' · '.join(figures)}")


def _measure_read(row: Row, contestant: Contestant, seconds: int, findings: Findings) -> str:
    if contestant.running is None:
        return "down"
    try:
        path = contestant.path(row)
        answer = checked(row, contestant.port, path)
        logged = contestant.logged_lines() if isinstance(contestant, Affineur) and row.form == "file" else None
        cpu_before = contestant.running.cpu_seconds()
        load = put_load(
            contestant.port,
            path,
            row.headers,
            seconds=seconds,
            connections=row.connections,
            body_bytes=len(answer.body),
        )
        cpu_us = (contestant.running.cpu_seconds() - cpu_before) / load.requests * 1e6
    except NotOffered as error:
        findings.note(row.key, contestant.name, str(error))
        return "–"
    except (WrongAnswer, NotBelieved, LookupError, OSError) as error:
        findings.note(row.key, contestant.name, f"not believed: {error}")
        return f"not believed ({error})"
    if answer.note:
        findings.note(row.key, contestant.name, answer.note)
    if logged is not None and isinstance(contestant, Affineur):
        _check_log(row, contestant, logged + load.requests, findings)
    findings.load_average.append(os.getloadavg()[0])
    value = load.requests_per_second if row.unit == "req/s" else load.megabytes_per_second
    findings.add(row.key, contestant.name, value, cpu_us)
    return f"{value:,.0f} {row.unit} {cpu_us:,.1f} µs"


def _check_log(row: Row, contestant: Affineur, expected: int, findings: Findings) -> None:
    """Each file request leaves a line; a buffered log gets two seconds to arrive."""
    for _ in range(20):
        lines = contestant.logged_lines()
        if lines >= expected:
            return
        time.sleep(0.1)
    findings.note(row.key, contestant.name, f"{expected - lines} of {expected} requests are not in the log")


def measure_uploads(
    contestants: list[Contestant], plan: Plan, findings: Findings, say: Say, row: str = "upload"
) -> None:
    """Publish in interleaved batches: the rate first, then whether each file is visible when answered."""
    takers = [contestant for contestant in contestants if contestant.takes_uploads]
    for number in range(plan.rounds):
        for contestant in takers if number % 2 == 0 else takers[::-1]:
            label = f"{os.getpid()}-{number}"
            try:
                _measure_uploads(contestant, plan.uploads // plan.rounds, label, row, findings)
            except (UploadFailed, OSError, LookupError) as error:
                findings.note(row, contestant.name, f"not believed: {error}")
            say(f"uploads: {contestant.name}: {findings.samples.get(row, {}).get(contestant.name, ['–'])[-1]}")


def _measure_uploads(contestant: Contestant, count: int, label: str, row: str, findings: Findings) -> None:
    assert contestant.running is not None
    if contestant.name == "devpi-server":
        count = min(count, 30)  # about 10 a second
    prepared = [(wheel, upload_form(wheel)) for wheel in dataset.upload_wheels(count, label)]
    publisher = Publisher(contestant.target())
    cpu_before = contestant.running.cpu_seconds()
    seconds = [publisher.publish(wheel, form) for wheel, form in prepared]
    cpu_us = (contestant.running.cpu_seconds() - cpu_before) / count * 1e6
    findings.add(row, contestant.name, count / sum(seconds), cpu_us)
    findings.add(f"{row}-p99-ms", contestant.name, _p99(seconds) * 1e3)
    seen = 0
    watched = dataset.upload_wheels(min(count, 20), f"{label}-seen")
    for wheel in watched:
        publisher.publish(wheel)
        seen += _is_visible(contestant, wheel)
    publisher.close()
    findings.add(f"{row}-visible", contestant.name, seen / len(watched))
    if seen < len(watched):
        findings.note(row, contestant.name, f"{len(watched) - seen} of {len(watched)} not visible when answered")


def _is_visible(contestant: Contestant, wheel: dataset.Wheel) -> bool:
    """Whether the file is listed and served at once, with its own bytes."""
    page = fetch(contestant.port, contestant.page_path(wheel.project), {"Accept": "text/html"})
    if page.status != 200 or wheel.filename.encode() not in page.body:
        return False
    return fetch(contestant.port, contestant.file_path(wheel), {}).body == wheel.content


def _p99(values: list[float]) -> float:
    return statistics.quantiles(values, n=100)[98] if len(values) > 1 else values[0]


def measure_memory(contestants: list[Contestant], findings: Findings) -> None:
    """Proportional set size of each process tree after all that load."""
    for contestant in contestants:
        if contestant.running is not None:
            findings.add("memory", contestant.name, contestant.running.pss_bytes() / 2**20)
