"""A request log that is written, and what must be counted of it. Test support, not tests."""

from __future__ import annotations

import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from itertools import accumulate
from pathlib import Path

import orjson

from affineur.shell.index import Index
from affineur.shell.store import Store, lake, lake_logs

DAYS = (date(2026, 1, 1), date(2026, 1, 2), date(2026, 1, 3))
Counts = Counter[tuple[str, str]]
"""Downloads by day and project."""


@dataclass
class Log:
    """Writes request logs into ``folder`` as serving does, and remembers what is in them."""

    folder: Path
    projects: int = 200
    agents: int = 50
    seed: int = 1
    expected: Counts = field(default_factory=Counter)
    lines: int = 0
    unreadable: int = 0

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._weights = list(accumulate(1 / rank for rank in range(1, self.projects + 1)))
        system = {"system": {"name": "Linux", "release": "6.1"}, "cpu": "x86_64", "ci": None}
        self._agents = [
            f"pip/24.{number} " + orjson.dumps({"installer": {"name": "pip", "version": f"24.{number}"}, **system,
                                               "python": f"3.12.{number}"}).decode()
            for number in range(self.agents)
        ]  # fmt: skip

    def write(self, day: date, count: int) -> None:
        """Append ``count`` lines to the log of ``day``: downloads, and among a thousand some other answers."""
        projects = self._random.choices(range(self.projects), cum_weights=self._weights, k=count)
        with (self.folder / f"requests-{day}.jsonl").open("ab") as stream:
            for number, project in enumerate(projects):
                stream.write(self._line(day, number, project) + b"\n")
        self.lines += count

    def _line(self, day: date, number: int, project: int) -> bytes:
        name, kind = f"project-{project}", number % 1000
        if kind == 7:
            self.unreadable += 1
            return b'{"time": "cut off'
        status = {1: 304, 2: 206}.get(kind, 200)
        file = f"project_{project}-1.0-py3-none-any.whl" + (".metadata" if kind == 3 else "")
        if status == 200 and kind != 3:
            self.expected[day.isoformat(), name] += 1
        return orjson.dumps(
            {"time": f"{day}T12:{number // 60 % 60:02}:{number % 60:02}+00:00", "project": name, "version": "1.0",
             "file": file, "user_agent": self._agents[(number * 7 + project) % self.agents],
             "address": f"192.0.{number % 200}.0", "country": "", "bytes": 0 if status == 304 else 1280,
             "status": status}
        )  # fmt: skip


@contextmanager
def dying_collector(data: Path, batch_bytes: int) -> Iterator[subprocess.Popen[str]]:
    """A process that is told when its collectors are killed (`tests.walks.dying_collector`)."""
    program = Path(__file__).with_name("dying_collector.py")
    with subprocess.Popen(
        [sys.executable, str(program), str(data), str(batch_bytes)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        yield process
        assert process.stdin
        process.stdin.close()


def collect(process: subprocess.Popen[str], killed_after_seconds: float | None) -> int:
    """Have it collect; 0 where it did all there was, -9 where it was killed before."""
    assert process.stdin
    assert process.stdout
    process.stdin.write("\n" if killed_after_seconds is None else f"{killed_after_seconds}\n")
    process.stdin.flush()
    return int(process.stdout.readline())


def counted(index: Index) -> Counts:
    """What the events in the lake add up to, read by DuckDB as anybody would: of the files that are listed.

    Whoever is killed between putting a file and listing it leaves one that nobody reads.
    """
    import duckdb

    with index.store.read() as connection:
        paths = [str(index.settings.lake / each.name) for each in lake.files(connection, "events")]
    with duckdb.connect(":memory:", config={"autoinstall_known_extensions": False, "TimeZone": "UTC"}) as duck:
        rows = duck.execute(
            "SELECT timestamp::DATE::VARCHAR, project, count(*) FROM read_parquet(?) GROUP BY ALL", [paths]
        ).fetchall()
    return Counter({(day, project): count for day, project, count in rows})


def totals(store: Store) -> lake_logs.Counted:
    """What the positions of all logs say was read."""
    with store.read() as connection:
        return lake_logs.counted(connection)
