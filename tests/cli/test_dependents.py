"""`affineur dependents`, `why`, `cut` and `notice` on an index of this machine: what they print, what they refuse."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.indexes import START, catch_up, new_index
from tests.walks.lockfile_facts import OTHERS, STORY, publish
from typer.testing import CliRunner, Result

from affineur.cli.main import app
from affineur.projections import dependents


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An index with what needs lockfile, and a project of the name of a command."""
    folder = tmp_path_factory.mktemp("cli-dependents") / "data"
    index = new_index(folder)
    for minutes, release in enumerate((*STORY, *OTHERS, STORY[0]._replace(name="learn", requires=("luigi",)))):
        publish(index, release, START + timedelta(minutes=minutes))
    catch_up(index)
    dependents.catch_up(index)
    index.close()
    yield folder


def run(data: Path, *arguments: str, given: str = "", code: int = 0) -> Result:
    done = CliRunner().invoke(app, [*arguments, "--data", str(data)], input=given)
    assert done.exit_code == code, (done.output, done.exception)
    return done


def asked(data: Path, *arguments: str) -> Any:
    return json.loads(run(data, *arguments, "--json").stdout)


def test_dependents_are_counted_and_listed_and_the_word_show_may_be_left_out(data: Path) -> None:
    said = run(data, "dependents", "LockFile").stdout
    lines = said.splitlines()
    assert lines[0].startswith("3 projects require lockfile directly (2 always, 1 for an extra); 4 more get it")
    assert "As of " in lines[1] and "journal entry " in lines[1]
    assert 'cachecontrol 0.12.14  requires lockfile>=0.9; extra == "filecache"  (for an extra)' in lines
    assert run(data, "dependents", "show", "lockfile").stdout.splitlines()[2:] == lines[2:]
    assert len(asked(data, "dependents", "lockfile", "--limit", "1")["dependents"]) == 1
    assert "luigi 3.8.1" not in run(data, "dependents", "--indirect", "lockfile", "--owner", "nobody").stdout
    assert "ansible-navigator  3 steps away" in run(data, "dependents", "--indirect", "lockfile").stdout


def test_a_project_that_is_called_like_a_command_is_shown_when_that_is_said(data: Path) -> None:
    found = asked(data, "dependents", "show", "luigi")["dependents"]
    assert [each["name"] for each in found] == ["learn"]
    assert run(data, "dependents", "show", "learn").stdout.startswith("No project that is known here requires learn")


def test_chains_are_indented_step_by_step(data: Path) -> None:
    lines = run(data, "why", "lockfile", "--from", "ansible-navigator").stdout.splitlines()
    assert lines[:4] == [
        "ansible-navigator 26.10.0",
        "  requires ansible-runner 2.4.1  (ansible-runner<3,>=2.3.1)",
        "    requires python-daemon 3.1.2  (python-daemon)",
        "      requires lockfile  (lockfile>=0.10)",
    ]


def test_a_requirements_file_may_come_from_standard_input(data: Path) -> None:
    said = run(data, "why", "lockfile", "--from-file", "-", given="luigi  # here\n-r more.txt\nbrie\n").stdout
    assert "luigi 3.8.1\n  requires python-daemon 3.1.2" in said
    assert "Nothing is known here of: brie." in said
    assert "Lines that name no project: -r more.txt." in said


def test_what_is_to_be_replaced_first_is_said_in_a_sentence(data: Path) -> None:
    first = run(data, "cut", "lockfile").stdout.splitlines()[0]
    assert first == "Replace lockfile in python-daemon: −83 % of the reach of lockfile, 5 projects fewer."
    first = run(data, "cut", "lockfile", "--from", "luigi", "--from", "cachecontrol").stdout.splitlines()[0]
    assert first.endswith("; the start that needs it is free of it then. (luigi)")
    several = run(data, "cut", "lockfile", "--from", "luigi", "--from", "apache-airflow").stdout.splitlines()[0]
    assert several.endswith("; of 2 starts that need it, 1 is free of it then. (luigi)")
    assert run(data, "cut", "lockfile", "--from", "cachecontrol").stdout.startswith("Nothing that was asked about")
    both = asked(data, "cut", "lockfile", "--from", "luigi", "--from", "cachecontrol", "--extras")
    assert {cut["dependent"] for cut in both["cuts"]} == {"python-daemon", "luigi", "cachecontrol"}


def test_who_would_notice_is_listed(data: Path) -> None:
    lines = run(data, "notice", "python-daemon", "3.1.2").stdout.splitlines()
    assert lines[0] == (
        "If python-daemon 3.1.2 is yanked, 1 project has no other release that fits; "
        "2 projects would get another release."
    )
    assert "would get 2.3.0: ansible-runner 2.4.1  requires python-daemon" in lines


def test_what_makes_no_sense_is_refused_by_its_rule_or_as_usage(data: Path) -> None:
    for arguments, rule in (
        (("why", "lockfile"), "dependents.starts"),
        (("cut", "lockfile", "--owner", "nobody"), "dependents.starts"),
        (("notice", "lockfile", "9"), "project.place"),
        (("dependents", "no/name"), "name.format"),
    ):
        done = CliRunner().invoke(app, [*arguments, "--data", str(data)])
        assert rule == getattr(getattr(done.exception, "decision", None), "rule", None), arguments
    assert "always, marker, extra" in run(data, "dependents", "lockfile", "--kind", "often", code=2).stderr
    assert "--upstream" in run(data, "dependents", "learn", code=2).stderr
