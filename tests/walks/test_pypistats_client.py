"""The client of the pypistats API, its library and its command line, reads this index as it reads the one it is for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.services.affineur import Server, initialise, serve
from tests.services.events import CURL, MIRROR, PIP, STILL, UV, Downloads, bring_into

LAST = date(2026, 3, 18)
_POINTED_HERE = """
import sys, pypistats
pypistats.BASE_URL = sys.argv.pop(1)
from pypistats.cli import main
main()
"""
_LIBRARY = """
import json, sys, pypistats
pypistats.BASE_URL = sys.argv[1]
told = {
    "recent": pypistats.recent("brie", format="json"),
    "overall": pypistats.overall("brie", total="daily", format="json"),
    "with": pypistats.overall("brie", mirrors=True, format="json"),
    "major": pypistats.python_major("brie", format="json"),
    "minor": pypistats.python_minor("brie", version="3.13", format="json"),
    "system": pypistats.system("brie", os="linux", format="json"),
    "everything": pypistats.recent("__all__", format="json"),
}
print(json.dumps({name: json.loads(text) for name, text in told.items()}))
print(pypistats.recent("comte"))
"""


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data = tmp_path_factory.mktemp("pypistats") / "data"
    token = initialise(data)
    days = [LAST - timedelta(days=number) for number in range(40)]
    downloads = [
        Downloads("brie", day, count, agent)
        for day in days
        for agent, count in ((PIP, 10), (UV, 4), (MIRROR, 3), (CURL, 1))
    ]
    bring_into(data, [*downloads, Downloads("comte", LAST, 2)], LAST + timedelta(days=1))
    with serve(data, token, options=STILL) as running:
        yield running


def run(index: Server, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python with the client, which keeps what it has read in a folder of the test's own."""
    environment = {**os.environ, "HOME": str(folder), "XDG_CACHE_HOME": str(folder / "cache"), "NO_COLOR": "1"}
    command = [sys.executable, "-c", arguments[0], f"{index.url}api/", *arguments[1:]]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture(scope="module")
def told(index: Server, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    done = run(index, tmp_path_factory.mktemp("library"), _LIBRARY)
    assert done.returncode == 0, done.stderr
    first, _, rest = done.stdout.partition("\n")
    return {**json.loads(first), "table": rest}


def test_the_library_reads_recent_downloads_without_mirrors(told: dict[str, Any]) -> None:
    assert told["recent"]["data"] == {"last_day": 15, "last_week": 105, "last_month": 450}
    assert told["everything"]["data"] == {"last_day": 17, "last_week": 107, "last_month": 452}
    assert "last_month" in told["table"]


def test_the_library_reads_days_with_and_without_mirrors(told: dict[str, Any]) -> None:
    rows = told["overall"]["data"]
    assert len(rows) == 80, "forty days, twice"
    assert {row["category"]: row["downloads"] for row in rows if row["date"] == str(LAST)} == {
        "with_mirrors": 18,
        "without_mirrors": 15,
    }
    assert told["with"]["data"] == [{"category": "with_mirrors", "downloads": 720}]


def test_the_library_reads_versions_of_python_and_systems(told: dict[str, Any]) -> None:
    majors = {row["category"]: row["downloads"] for row in told["major"]["data"]}
    assert majors == {"3": 560, "null": 40}
    assert told["minor"]["data"] == [{"category": "3.13", "downloads": 160}]
    assert told["system"]["data"] == [{"category": "Linux", "downloads": 400}]


def test_the_command_line_shows_a_table(index: Server, tmp_path: Path) -> None:
    done = run(index, tmp_path, _POINTED_HERE, "python_minor", "brie", "--format", "tsv")
    assert done.returncode == 0, done.stderr
    assert "3.12" in done.stdout
    assert "3.13" in done.stdout
    assert str(LAST) in done.stdout, "the range of days stands below"


def test_the_command_line_hears_that_a_project_was_never_here(index: Server, tmp_path: Path) -> None:
    done = run(index, tmp_path, _POINTED_HERE, "recent", "never-seen")
    assert done.returncode != 0
    assert "404" in done.stderr
