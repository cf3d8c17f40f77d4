"""``python -m bench people``: what people cost: checking a token, a storm of sign-ins, and pages in a large index.

Everything is said as a ratio of two things measured in turn in the same run, so that a busy machine is unfair to
neither. What does not live here: the people (`crowd`) and the storm (`storm`).
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from affineur.core.access import Actor
from affineur.core.people.caveats import granted
from affineur.core.people.macaroons import is_genuine, read
from affineur.settings import load
from affineur.shell.index import Index, open_index
from affineur.shell.store.schema import token
from affineur.web.identity import identify
from bench import crowd, dataset
from bench.contestants.affineur import Affineur
from bench.environments import CACHE
from bench.load import NotBelieved, put_load
from bench.publishing import publish_all
from bench.rows import JSON_TYPE

RESULTS = Path(__file__).resolve().parent
_HEADING = "## People"
_ROUNDS, _CHECKS, _ASKED = 7, 1_000, 15
_BARE = sa.select(token.c.key).where(token.c.id == sa.bindparam("id"))
_MOST = {"token check, µs": 100.0, "reading beside the storm": 0.8, "large ÷ small": 2.0}
"""Processor time on SQLite; share of the requests a second without a storm, at least; times the small index's."""


class _Crowded(Affineur):
    """An index with a crowd in it, in Python mode, on one of the two databases."""

    def __init__(self, name: str, database: str = "") -> None:
        super().__init__(CACHE / "running" / f"people-{name}")
        self.database = database
        self.keys = crowd.Keys("", "", "", "")

    def environment_variables(self) -> dict[str, str]:
        return {"AFFINEUR_TRUSTED_PROXIES": "1", **({"AFFINEUR_DATABASE": self.database} if self.database else {})}

    def run(self, *arguments: str) -> str:
        environment = {**os.environ, **self.environment_variables()}
        program = [str(Path(sys.executable).with_name("affineur")), *arguments]
        return subprocess.run(program, check=True, stdout=subprocess.PIPE, env=environment, text=True).stdout

    def open(self) -> Index:
        """The index, in this process."""
        given = {"data": self.folder, **({"database": self.database} if self.database else {})}
        return open_index(load(given).settings)

    def settle(self, size: crowd.Size) -> None:
        """Make it anew with a crowd of ``size``."""
        self.clear()
        self.create()
        with contextlib.closing(self.open()) as index:
            self.keys = crowd.fill(index.store, size, datetime.now(UTC))


def run(*, quick: bool = False) -> int:
    """Measure, write ``results/people.json`` and the section of ``RESULTS.md``; 0 when every target is met."""
    found: dict[str, Any] = {"load_average": os.getloadavg()[0]}
    with _postgresql() as (first, second):
        for kind, databases in (("SQLite", ("", "")), ("PostgreSQL", (first, second))):
            whole = kind == "SQLite" and not quick
            small = _Crowded(f"{kind.lower()}-small", databases[0])
            large = _Crowded(f"{kind.lower()}-large", databases[1])
            small.settle(crowd.SMALL)
            large.settle(crowd.LARGE if whole else crowd.QUICK)
            _say(f"{kind}: crowds are there")
            found[kind] = {"check": {"small": _checks(small), "large": _checks(large)}}
            try:
                for server in (small, large):
                    server.start(ready="/health/ready")
                found[kind]["pages"] = _pages(small, large)
                _say(f"{kind}: pages asked for: {json.dumps(found[kind])}")
                if kind == "SQLite":
                    large.stop()
                    found["storm"] = _beside_a_storm(small, 1 if quick else 2)
                    _say(f"storm: {json.dumps(found['storm'])}")
            finally:
                small.stop()
                large.stop()
                shutil.rmtree(large.folder, ignore_errors=True)
    verdicts = list(_verdicts(found))
    text = _markdown(found, verdicts)
    print(text)
    (RESULTS / "results" / "people.json").write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    if not quick:
        report = RESULTS / "RESULTS.md"
        report.write_text(report.read_text().partition(_HEADING)[0].rstrip() + "\n\n" + text)
    return 0 if all(met for _, met in verdicts) else 1


@contextlib.contextmanager
def _postgresql() -> Iterator[tuple[str, str]]:
    from tests.services import keeper
    from tests.services.postgresql import new_database

    keeper.open_house()
    try:
        with new_database() as first, new_database() as second:
            yield first, second
    finally:
        keeper.close_house()


def _checks(server: _Crowded) -> dict[str, float]:
    """Processor time of this process in µs, medians of interleaved rounds; of PostgreSQL's own nothing is in it."""
    now = datetime.now(UTC)
    bearer, secret = f"Bearer {server.keys.token}", server.keys.token
    with contextlib.closing(server.open()) as index:
        assert isinstance(identify(index, bearer, now), Actor)
        identifier = read(secret).identifier

        def bare() -> None:
            with index.store.ask() as connection:
                connection.execute(_BARE, {"id": identifier}).first()

        def macaroon() -> None:
            given = read(secret)
            is_genuine(given, b"key")
            granted(given.caveats, now)

        return _in_turn({"bare": bare, "check": lambda: identify(index, bearer, now), "macaroon": macaroon})


def _in_turn(tasks: dict[str, Callable[[], object]]) -> dict[str, float]:
    taken: dict[str, list[float]] = {name: [] for name in tasks}
    for _ in range(_ROUNDS):
        for name, task in tasks.items():
            started = time.process_time()
            for _ in range(_CHECKS):
                task()
            taken[name].append((time.process_time() - started) / _CHECKS * 1e6)
    return {name: round(statistics.median(values), 1) for name, values in taken.items()}


def _pages(small: _Crowded, large: _Crowded) -> dict[str, dict[str, float]]:
    """Milliseconds from request to whole answer, the best of several, asked of both in turn.

    The best, since each takes the same work each time: whatever is above it is somebody else's.
    """
    found: dict[str, dict[str, float]] = {}
    both = (("small", small), ("large", large))
    for title, path, who in _ADDRESSES:
        taken: dict[str, list[float]] = {"small": [], "large": []}
        for number in range(_ASKED):
            for size, server in both if number % 2 else both[::-1]:
                taken[size].append(_ask(server, path, who) * 1e3)
        found[title] = {size: round(min(values), 2) for size, values in taken.items()}
    found["upload, 1,000 roles"] = {size: _uploading(server, size) for size, server in both}
    return found


_ADDRESSES = (
    ("tokens, 500 of one's own", "/account/tokens", "ann"),
    ("projects, 1,000 of one's own", "/account/projects", "ann"),
    ("log, one's own", "/account/log", "ann"),
    ("log, one's own, of a kind", "/account/log?event=AccountFrozen", "ann"),
    ("log, everybody's, of a rare kind", "/admin/log?event=AccountFrozen", "operator"),
    ("log, everybody's, refused", "/admin/log?outcome=refused", "operator"),
    ("log, everybody's, of long ago", "/admin/log?until=2023-11-14T22:20:00", "operator"),
    ("API, tokens at depth", "/api/v1/tokens?limit=50&after={token}", "ann-api"),
    ("API, own events at depth", "/api/v1/account/events?limit=50&after={event}", "ann-api"),
    ("API, all events at depth", "/api/v1/events?limit=50&after={event}", "operator-api"),
    ("API, accounts at depth", "/api/v1/accounts?limit=50&after={account}", "operator-api"),
)


def _ask(server: _Crowded, path: str, who: str) -> float:
    keys = server.keys
    headers = {
        "ann": {"Cookie": f"affineur_session={keys.session}"},
        "operator": {"Cookie": f"affineur_session={keys.operators_session}"},
        "ann-api": {"Authorization": f"Bearer {keys.token}"},
        "operator-api": {"Authorization": f"Bearer {keys.operators_token}"},
    }[who]
    depths = {"token": "ann-250", "event": "200", "account": "person-500"}
    filled = path.format(**{name: _cursor(position) for name, position in depths.items()})
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    try:
        started = time.perf_counter()
        connection.request("GET", filled, headers={"Accept": "*/*", **headers})
        answer = connection.getresponse()
        body = answer.read()
        elapsed = time.perf_counter() - started
    finally:
        connection.close()
    if answer.status != 200:
        raise NotBelieved(f"{filled}: {answer.status} {body[:300]!r}")
    return elapsed


def _cursor(position: str) -> str:
    import base64

    return base64.urlsafe_b64encode(position.encode()).rstrip(b"=").decode()


def _uploading(server: _Crowded, label: str) -> float:
    """Milliseconds of an upload by somebody with 1,000 roles, the best of several."""
    server._token_file.write_text(server.keys.token)
    wheels = dataset.upload_wheels(20, f"{os.getpid()}-{label}-{server.name}")
    return round(min(publish_all(server.target(), wheels)) * 1e3, 2)


def _beside_a_storm(server: _Crowded, rounds: int) -> dict[str, Any]:
    """Reading and uploading with a storm beside it and without, in turn."""
    assert server.running is not None
    wheel = dataset.upload_wheels(1, f"{os.getpid()}-read")[0]
    publish_all(server.target(), [wheel])
    asked = {"page": (server.page_path(wheel.project), 1), "file": (server.file_path(wheel), len(wheel.content))}
    found: dict[str, dict[str, list[float]]] = {"calm": {}, "storm": {}}
    answered: dict[str, int] = {}
    for number in range(rounds):
        for weather in ("calm", "storm") if number % 2 == 0 else ("storm", "calm"):
            with _weather(server.port, weather, answered):
                kept = found[weather]
                for name, (path, body_bytes) in asked.items():
                    load_ = put_load(
                        server.port, path, {"Accept": JSON_TYPE}, seconds=3, connections=16, body_bytes=body_bytes
                    )
                    kept.setdefault(f"{name}, req/s", []).append(load_.requests_per_second)
                    kept.setdefault(f"{name}, p99 ms", []).append(load_.p99_us / 1e3)
                wheels = dataset.upload_wheels(30, f"{os.getpid()}-{weather}-{number}")
                kept.setdefault("upload, median ms", []).append(
                    statistics.median(publish_all(server.target(), wheels)) * 1e3
                )
    medians = {
        weather: {name: round(statistics.median(values), 2) for name, values in kept.items()}
        for weather, kept in found.items()
    }
    return {**medians, "sign-ins by status": answered}


@contextlib.contextmanager
def _weather(port: int, weather: str, answered: dict[str, int]) -> Iterator[None]:
    if weather == "calm":
        yield
        return
    command = [sys.executable, "-m", "bench.storm", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            time.sleep(2)  # until every browser has begun
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            said, _ = process.communicate(timeout=30)
    for status, count in json.loads(said or "{}").items():
        answered[status] = answered.get(status, 0) + count


def _verdicts(found: dict[str, Any]) -> Iterator[tuple[str, bool]]:
    check = found["SQLite"]["check"]["large"]["check"]
    yield f"a token is checked in {check:.0f} µs on SQLite, at most 100", check <= _MOST["token check, µs"]
    calm, storm = found["storm"]["calm"], found["storm"]["storm"]
    for name in ("page", "file"):
        share = storm[f"{name}, req/s"] / calm[f"{name}, req/s"]
        sentence = f"{name}: {share:.2f} of the requests a second beside a storm of sign-ins, at least 0.8"
        yield sentence, share >= _MOST["reading beside the storm"]
    for kind in ("SQLite", "PostgreSQL"):
        for title, took in found[kind]["pages"].items():
            ratio = took["large"] / took["small"]
            met = ratio <= _MOST["large ÷ small"]
            yield f"{kind}: {title}: {ratio:.2f} × in the large index, at most 2", met


def _markdown(found: dict[str, Any], verdicts: list[tuple[str, bool]]) -> str:
    lines = [_HEADING, "", f"Load average at the start {found['load_average']:.1f}. A small index has 1,000 accounts,",
             "2,000 projects and 10,000 events in its log; the large one 100,000, 100,000 and 1,000,000 (on PostgreSQL",
             "10,000, 10,000 and 100,000).", "",
             "| processor time, µs | a bare indexed read | check of a token | of that, the macaroon |",
             "|---|---:|---:|---:|"]  # fmt: skip
    for kind in ("SQLite", "PostgreSQL"):
        for size, took in found[kind]["check"].items():
            lines.append(f"| {kind}, {size} | {took['bare']} | {took['check']} | {took['macaroon']} |")
    calm, storm = found["storm"]["calm"], found["storm"]["storm"]
    lines += [
        "",
        "| 16 readers, two workers, SQLite | without | beside 50 who sign in | ratio |",
        "|---|---:|---:|---:|",
    ]
    lines += [f"| {name} | {calm[name]:,} | {storm[name]:,} | {storm[name] / calm[name]:.2f} |" for name in calm]
    lines += ["", "| milliseconds, small → large | SQLite | PostgreSQL |", "|---|---:|---:|"]
    for title, took in found["SQLite"]["pages"].items():
        other = found["PostgreSQL"]["pages"][title]
        lines.append(f"| {title} | {took['small']} → {took['large']} | {other['small']} → {other['large']} |")
    lines += ["", *(f"- {'met' if met else '**missed**'}: {sentence}" for sentence, met in verdicts)]
    return "\n".join([*lines, ""])


def _say(text: str) -> None:
    print(f"[{time.strftime('%H:%M:%S')}] {text}", file=sys.stderr, flush=True)
