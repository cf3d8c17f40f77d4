"""What owners say of a project changes no resolution: archived, deprecated, finished, a wish, a class.

PEP 792 gives these statuses no say in what installers choose. Small indexes are drawn by a seed, with versions,
dependencies, yanks and Python requirements; pip's and uv's own resolvers are asked before and after.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.actions.shelf import NOW, spool
from tests.clients.installing import compile_with_uv
from tests.clients.runner import program, run
from tests.core.distributions import core_metadata, wheel, wheel_filename
from tests.services.affineur import Server, initialise, serve

from affineur.actions.status import set_status
from affineur.actions.upload import upload
from affineur.actions.yank import Selection, set_yanked
from affineur.core.access import SYSTEM
from affineur.core.life.lifecycle import Act, Said
from affineur.core.life.standing import Replacement
from affineur.core.names import NormalizedName
from affineur.settings import Settings
from affineur.shell.index import Index, open_index

SEEDS = range(3)
SOLVABLE = {0, 2}
"""Of which indexes something can be chosen; the others must go on saying why not."""
VERSIONS = ("0.9", "1.0", "1.1", "2.0rc1", "2.0")
PROJECTS = 5
_SPECIFIERS = ("", "", "", ">=1", "<2", "~=1.0", "!=2.0")
_PYTHONS = (*[">=3.8"] * 7, ">=3.99")


@dataclass(frozen=True)
class Small:
    """A drawn index, and what is asked of it: ``wanted`` are requirements."""

    names: list[NormalizedName]
    wanted: list[str]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Index]]:
    data = tmp_path_factory.mktemp("resolved") / "data"
    token = initialise(data)
    index = open_index(Settings(data=data))
    with serve(data, token) as server:
        yield server, index
    index.close()


def drawn(index: Index, seed: int) -> Small:
    """Publish the projects of a small index. Each may need those drawn before it."""
    chosen = random.Random(seed)
    names = [NormalizedName(f"cheese{seed}-{letter}") for letter in "abcdefgh"[:PROJECTS]]
    for number, name in enumerate(names):
        for version in chosen.sample(VERSIONS, 4):
            needs = [f"{other}{chosen.choice(_SPECIFIERS)}" for other in names[:number] if chosen.random() < 0.5]
            fields = [("Requires-Python", chosen.choice(_PYTHONS)), *(("Requires-Dist", each) for each in needs)]
            body = wheel(name, version, metadata=core_metadata(name, version, fields))
            upload(index, SYSTEM, None, spool(index, wheel_filename(name, version), body), NOW)
            if chosen.random() < 0.2:
                set_yanked(index, SYSTEM, Selection(name, version), True, NOW, "mouldy")
    return Small(names, [f"{names[-1]}", f"{chosen.choice(names[:-1])}{chosen.choice(_SPECIFIERS)}"])


def say_something_of_all(index: Index, small: Small, seed: int) -> set[str]:
    """Every project gets a few facts that its owners, or a measurement, may give it; the statuses that came of it."""
    chosen = random.Random(1000 + seed)
    told = set()
    for number, name in enumerate(small.names):
        instead = (Replacement(small.names[0]),) if number else ()
        facts: list[tuple[Act, Said]] = [
            ("finish" if number % 2 else "archive", Said(reason="No more releases")),
            ("deprecate", Said(reason="better ones exist", replacements=instead)),
            ("wish", Said(value="adopt")),
            ("reclassify", Said(value="C4", basis="measured")),
        ]
        for act, said in chosen.sample(facts, 3) if number else facts:
            told.add(set_status(index, SYSTEM, act, name, datetime.now(UTC), said).status.status)
    return told


def by_pip(server: Server, home: Path, wanted: list[str]) -> object:
    """What pip would install, as its report says it; or that it finds nothing, and what it says then."""
    outcome = run(
        [program("pip-newest", "python"), "-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet",
         "--report", home / "report.json", *wanted],
        home=home, index=server.index,
    )  # fmt: skip
    if outcome.returncode:
        return outcome.stdout
    report = json.loads((home / "report.json").read_text())
    return sorted(
        (one["metadata"]["name"], one["metadata"]["version"], one["download_info"]["archive_info"]["hashes"]["sha256"])
        for one in report["install"]
    )


def by_uv(server: Server, home: Path, wanted: list[str]) -> object:
    """The lock that uv writes, without the line that says how; or what it says where it finds nothing."""
    outcome = compile_with_uv(server.index, home, *wanted)
    if outcome.returncode:
        return outcome.stdout
    return [line for line in (home / "requirements.txt").read_text().splitlines() if not line.startswith("#")]


@pytest.mark.parametrize("seed", SEEDS)
def test_pip_and_uv_choose_the_same_whatever_owners_say(
    served: tuple[Server, Index], seed: int, tmp_path: Path
) -> None:
    server, index = served
    small = drawn(index, seed)
    before = (
        by_pip(server, tmp_path / "pip-before", small.wanted),
        by_uv(server, tmp_path / "uv-before", small.wanted),
    )
    assert isinstance(before[0], list) == (seed in SOLVABLE), before[0]
    assert {"archived", "deprecated"} <= say_something_of_all(index, small, seed)
    after = by_pip(server, tmp_path / "pip-after", small.wanted), by_uv(server, tmp_path / "uv-after", small.wanted)
    assert after == before
