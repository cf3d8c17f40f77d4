"""``python -m bench journal``: what it costs to prove, to read and to follow a journal of 100,000 entries.

The commands are timed as a person would call them, start of the program included. Who waits is woken by an entry that
another process writes; what counts is the time from its commit to the answer.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import time
import xmlrpc.client
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from affineur.core.history.journal import Event
from affineur.settings import load
from affineur.shell.index import Index, open_index
from affineur.shell.store import journal
from bench.contestants.affineur import Affineur
from bench.environments import CACHE
from bench.report import RESULTS

ENTRIES = 100_000
WAITERS = 500
_ROUNDS = 5
_PROGRAM = Path(sys.executable).with_name("affineur")
_TARGETS = {"verify_copy_seconds": 2.0, "verify_own_seconds": 2.0}


def run(*, quick: bool = False) -> int:
    """Fill, measure, write ``results/journal.json``; 0 when every target is met."""
    entries = ENTRIES // 10 if quick else ENTRIES
    server = Affineur(CACHE / "running" / "journal")
    server.clear()
    server.create()
    index = open_index(load({"data": server.folder}).settings)
    _fill(index, entries)
    copy = server.folder / "copy.jsonl"
    found: dict[str, Any] = {"entries": entries, "load_average": os.getloadavg()[0]}
    found["export_seconds"] = _timed("export", copy, "--data", server.folder)
    head = _say("head", "--data", server.folder)
    found["copy_mib"] = round(copy.stat().st_size / 2**20, 1)
    found["verify_copy_seconds"] = _timed("verify", copy, "--head", head)
    found["verify_own_seconds"] = _timed("verify", "--data", server.folder)
    server.start(ready="/health/ready")
    try:
        found |= _over_http(server, entries)
        found |= asyncio.run(_woken(server, index, entries))
    finally:
        server.stop()
        index.close()
        shutil.rmtree(server.folder, ignore_errors=True)
    print(json.dumps({**found, "targets": _TARGETS}, indent=1))
    if not quick:
        (RESULTS / "journal.json").write_text(json.dumps({**found, "targets": _TARGETS}, indent=1) + "\n")
    return 0 if all(found[name]["wall"] <= target for name, target in _TARGETS.items()) else 1


def _fill(index: Index, entries: int) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    step = 1_000
    for first in range(0, entries, step):
        events = [_event(number) for number in range(first, first + step)]
        with index.store.write() as connection:
            journal.append(connection, start + timedelta(seconds=first), events)


def _event(number: int) -> Event:
    name = f"project-{number % 5_000}"
    version = f"1.{number // 5_000}"
    file = f"{name.replace('-', '_')}-{version}-py3-none-any.whl"
    if number % 10:
        facts = {"kind": "wheel", "size_bytes": number, "yanked": False}
        return Event("FilePublished", name, version, file, f"{number:064x}", new=facts, rule="upload")
    was, now = {"yanked": False, "yanked_reason": None}, {"yanked": True, "yanked_reason": "It falls apart."}
    return Event("FileYanked", name, version, file, f"{number:064x}", was, now, "yank", "It falls apart.",
                 reason_code="broken")  # fmt: skip


def _say(*arguments: object) -> str:
    done = subprocess.run([_PROGRAM, "journal", *map(str, arguments)], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def _timed(*arguments: object) -> dict[str, float]:
    """Seconds that the command takes, and those of a processor: the medians of several calls."""
    taken, busy = [], []
    for _ in range(_ROUNDS):
        began, used = time.perf_counter(), _used()
        _say(*arguments)
        taken.append(time.perf_counter() - began)
        busy.append(_used() - used)
    return {"wall": round(statistics.median(taken), 2), "processor": round(statistics.median(busy), 2)}


def _used() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _address(server: Affineur) -> str:
    return f"http://127.0.0.1:{server.port}/"


def _over_http(server: Affineur, entries: int) -> dict[str, float]:
    taken = []
    with httpx.Client(base_url=_address(server)) as client:
        for since in range(0, min(entries, 50_000), 1_000):
            began = time.perf_counter()
            answer = client.get("journal", params={"since": since})
            taken.append(time.perf_counter() - began)
            assert len(answer.json()["entries"]) == 1_000
    began = time.perf_counter()
    with xmlrpc.client.ServerProxy(f"{_address(server)}pypi", allow_none=True) as proxy:
        changes = proxy.changelog_since_serial(0)
    assert isinstance(changes, list)
    return {
        "page_of_1000_ms": round(statistics.median(taken) * 1000, 1),
        "xmlrpc_changes": len(changes),
        "xmlrpc_seconds": round(time.perf_counter() - began, 2),
    }


async def _woken(server: Affineur, index: Index, entries: int) -> dict[str, float]:
    """Waiters on plain sockets: a client library would take longer to read than the index to answer."""
    moments: list[float] = []

    async def wait() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(f"GET /journal?since={entries}&wait=60 HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        answer = await reader.readuntil(b"ProjectQuarantined")
        moments.append(time.perf_counter())
        assert answer.startswith(b"HTTP/1.1 200")
        writer.close()

    waiting = [asyncio.create_task(wait()) for _ in range(WAITERS)]
    await asyncio.sleep(5)
    assert not moments
    with index.store.write() as connection:
        journal.append(connection, datetime.now(UTC), [Event("ProjectQuarantined", "project-1", hint="hide")])
    written = time.perf_counter()
    await asyncio.gather(*waiting)
    late = sorted(moment - written for moment in moments)
    return {
        "waiters": WAITERS,
        "woken_p50_ms": round(late[len(late) // 2] * 1000),
        "woken_last_ms": round(late[-1] * 1000),
    }
