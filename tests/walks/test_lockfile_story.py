"""Who still pulls in lockfile, which had its last release in 2015: from the upload of what real projects require to the
requirement that is to be replaced, and to the day on which it is.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.cli.remote_machine import Machine
from tests.services.affineur import Server, affineur, initialise, serve
from tests.walks.lockfile_facts import OTHERS, STORY, Release
from tests.web.people import Visitor, words
from tests.web.uploading import ask, published, upload
from typer.testing import CliRunner

from affineur.cli.main import app

ABOUT = "/api/v1/projects/lockfile"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """An index to which these projects are published, one after the other."""
    data = tmp_path_factory.mktemp("story") / "data"
    with serve(data, initialise(data)) as running:
        for release in (*STORY, *OTHERS):
            published(upload(running, release.wheel()))
        wait_for(lambda: told(running, f"{ABOUT}/dependents")["indirect"] == 3)
        yield running


def told(server: Server, path: str) -> Any:
    """What the API answers to anybody."""
    answer = ask(server, "GET", path)
    assert answer.status == 200, answer.text
    return answer.json


def wait_for(holds: Callable[[], bool]) -> None:
    """Dependents follow the journal a moment later."""
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline, "dependents did not follow"
        time.sleep(0.1)


def test_direct_and_indirect_dependents_are_told_apart_with_the_date(server: Server) -> None:
    counts = told(server, f"{ABOUT}/dependents")
    assert counts["direct"] == {"always": 2, "marker": 0, "extra": 1}
    assert counts["as_of"] and counts["serial"] and counts["limits"]
    direct = told(server, f"{ABOUT}/dependents/direct")["items"]
    assert {each["name"]: each["requirements"] for each in direct} == {
        "apache-airflow": ["lockfile>=0.12.2"],
        "cachecontrol": ['lockfile>=0.9; extra == "filecache"'],
        "python-daemon": ["lockfile>=0.10"],
    }
    indirect = told(server, f"{ABOUT}/dependents/indirect")["items"]
    assert {each["name"]: each["distance"] for each in indirect} == {
        "ansible-runner": 2,
        "luigi": 2,
        "ansible-navigator": 3,
    }


def test_the_chain_from_ansible_runner_and_the_one_requirement_to_replace_are_the_same_everywhere(
    server: Server, tmp_path: Path
) -> None:
    why = told(server, f"{ABOUT}/why?start=ansible-runner")
    [chain] = why["chains"]
    assert [(step["dependent"], step["requirement"]) for step in chain] == [
        ("ansible-runner", "python-daemon"),
        ("python-daemon", "lockfile>=0.10"),
    ]
    best = told(server, f"{ABOUT}/cut?start=ansible-runner")["cuts"][0]
    assert (best["dependent"], best["target"], best["share"]) == ("python-daemon", "lockfile", 1.0)
    assert best["roots_removed"] == ["ansible-runner"]

    page = words(Visitor(server.url).get("/project/lockfile/why/?from=ansible-runner"))
    assert "ansible-runner 2.4.1 requires python-daemon python-daemon 3.1.2 requires lockfile>=0.10 lockfile" in page
    assert "lockfile in python-daemon 2 −100 % ansible-runner" in page

    here = affineur("cut", "lockfile", "--from", "ansible-runner", "--data", server.data)
    assert here.startswith("Replace lockfile in python-daemon: −100 % of the reach of lockfile")
    machine = Machine(tmp_path / "home", variables={"AFFINEUR_INDEX": server.url, "AFFINEUR_TOKEN": server.token})
    assert machine.run("cut", "lockfile", "--from", "ansible-runner").stdout.splitlines()[0] == here.splitlines()[0]
    file = tmp_path / "requirements.txt"
    file.write_text("ansible-runner>=2.3  # what we run\n-e ./tools\n")
    found = machine.ask("why", "lockfile", "--from-file", file)
    assert (found["chains"], found["passed_over"]) == (why["chains"], ["-e ./tools"])


def test_for_everybody_python_daemon_is_where_to_begin(server: Server) -> None:
    report = told(server, f"{ABOUT}/cut")
    assert report["reach"] == 5, "airflow has it by itself too, and extras are not followed"
    assert (report["cuts"][0]["dependent"], report["cuts"][0]["removes"]) == ("python-daemon", 4)


def test_a_yank_of_the_only_release_is_noticed_and_one_of_python_daemon_by_airflow(server: Server) -> None:
    notice = told(server, "/api/v1/projects/python-daemon/notice?version=3.1.2")
    assert [each["name"] for each in notice["breaking"]] == ["apache-airflow"]
    assert {each["dependent"]["name"]: each["instead"] for each in notice["moving"]} == {
        "ansible-runner": "2.3.0",
        "luigi": "2.3.0",
    }
    assert len(told(server, f"{ABOUT}/notice?version=0.12.2")["breaking"]) == 3


def test_another_index_learns_of_it_as_its_upstream_and_marks_what_is_not_its_own(
    server: Server, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    initialise(data)

    def command(*arguments: str) -> Any:
        done = CliRunner().invoke(app, [*arguments, "--json", "--data", str(data)])
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    learned = command("dependents", "learn", "ansible-navigator", "--deep", "--upstream", f"{server.url}simple/")
    assert set(learned["learned"]) == {"ansible-navigator", "ansible-runner", "python-daemon", "lockfile"}
    assert "pexpect" in learned["missing"]
    [chain] = command("why", "lockfile", "--from", "ansible-navigator")["chains"]
    assert [step["dependent"] for step in chain] == ["ansible-navigator", "ansible-runner", "python-daemon"]
    found = command("dependents", "lockfile")["dependents"]
    assert [(each["name"], each["source"]) for each in found] == [("python-daemon", "upstream")]
    assert command("dependents", "lockfile", "--source", "ours")["dependents"] == []


def test_the_day_it_is_replaced_no_chain_is_left(server: Server) -> None:
    published(upload(server, Release("python-daemon", "4.0").wheel()))  # which there is not yet
    wait_for(lambda: told(server, f"{ABOUT}/why?start=ansible-runner")["chains"] == [])
    assert told(server, f"{ABOUT}/why?start=ansible-runner")["unconnected"] == ["ansible-runner"]
    wait_for(lambda: told(server, f"{ABOUT}/dependents")["indirect"] == 0)
