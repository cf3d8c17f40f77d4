"""People move here with what they have: from pypiserver, from devpi, from any index, killed half-way or not."""

from __future__ import annotations

import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import ProxyHandler, Request, build_opener

import pytest
from tests.clients.installing import install_with_pip, new_environment
from tests.clients.projects import Project
from tests.clients.publishing import publish_with_uv
from tests.clients.runner import program, run, succeeded
from tests.core.distributions import core_metadata, sdist, sdist_filename, wheel, wheel_filename
from tests.services import starter
from tests.services.affineur import PROGRAM, Server, affineur, initialise
from tests.services.keeper import accepts_connections, free_ports
from tests.shell.hostile_upstream import HTML, Answer, upstream

JSON = "application/vnd.pypi.simple.v1+json"


def import_into(
    data: Path, *arguments: str | Path, ends_with: int = 0, environment: dict[str, str] | None = None
) -> dict:  # type: ignore[type-arg]
    """The summary of `affineur import …`."""
    here = os.environ | {"NO_PROXY": "*"} | (environment or {})
    done = starter.run([str(PROGRAM), "import", *map(str, arguments), "--data", str(data), "--json"], here)
    assert done.returncode == ends_with, done.stdout + done.stderr
    summary = json.loads(done.stdout) if done.stdout else {}
    assert not list((data / "spool").iterdir())
    return summary  # type: ignore[no-any-return]


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """The data folder of an empty index."""
    initialise(tmp_path / "here")
    return tmp_path / "here"


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """A folder as pypiserver has it: good files, old files, and what else gathers there in ten years."""
    folder = tmp_path / "shelf"
    (folder / "old").mkdir(parents=True)
    (folder / ".hidden").mkdir()
    for number in range(12):
        name = f"cheese-{number % 4}"
        path = folder / wheel_filename(name, f"{number}.0")
        path.write_bytes(wheel(name, f"{number}.0"))
        os.utime(path, (1_500_000_000 + number, 1_500_000_000 + number))
    (folder / "old" / sdist_filename("cheese-1", "1.0")).write_bytes(sdist("cheese-1", "1.0"))
    unlisted = wheel("cheese-0", "0.5", record=b"cheese_0-0.5.dist-info/RECORD,,\n")
    (folder / "old" / wheel_filename("cheese-0", "0.5")).write_bytes(unlisted)
    (folder / "broken-1.0-py3-none-any.whl").write_bytes(b"no archive")
    (folder / "notes.txt").write_text("call the dairy")
    (folder / ".hidden" / wheel_filename("secret")).write_bytes(wheel("secret"))
    return folder


def pages_of(data: Path) -> dict[str, object]:
    """What the index tells of each project, without serials: they say in which order things happened."""
    told = {}
    for link in (data / "public" / "simple").iterdir():
        page = json.loads((link / "v1.json").read_text())
        del page["meta"]
        page["_index"] = page["_index"]["statuses"]  # the rest is who says so, and since when
        told[link.name] = page
    return told


def files_of(data: Path) -> dict[str, str]:
    return {
        file["filename"]: file["hashes"]["sha256"]
        for page in pages_of(data).values()
        for file in page["files"]  # type: ignore[index]
    }


def test_a_pypiserver_folder_is_taken_in_and_what_is_not_is_told(here: Path, shelf: Path) -> None:
    summary = import_into(here, "folder", shelf, ends_with=1)
    counts = {name: summary[name] for name in ("taken", "present", "refused", "failed", "left_out")}
    assert counts == {"taken": 14, "present": 0, "refused": 1, "failed": 0, "left_out": 1}
    told = {outcome["filename"]: outcome for outcome in summary["outcomes"]}
    assert told["broken-1.0-py3-none-any.whl"]["result"] == "refused"
    assert told["broken-1.0-py3-none-any.whl"]["rule"].startswith("archive.")
    assert told["notes.txt"]["result"] == "left out"
    (finding,) = {rule for rule, _ in told[wheel_filename("cheese-0", "0.5")]["findings"]}
    assert finding.startswith("wheel.record")
    assert "secret" not in pages_of(here)
    page = pages_of(here)["cheese-3"]
    assert page["files"][0]["upload-time"] == "2017-07-14T02:40:03.000000Z"  # type: ignore[index]

    again = import_into(here, "folder", shelf, ends_with=1)
    assert (again["taken"], again["present"], again["refused"]) == (0, 14, 1)


def test_pages_and_metadata_files_of_an_exported_site_are_passed_over_in_silence(
    here: Path, shelf: Path, tmp_path: Path
) -> None:
    import_into(here, "folder", shelf, ends_with=1)
    affineur("export", tmp_path / "site", "--data", here)
    assert list((tmp_path / "site").rglob("*.metadata"))
    (tmp_path / "site" / "lonely.metadata").write_text("of nothing")
    summary = import_into(here, "folder", tmp_path / "site")
    told = [outcome["filename"] for outcome in summary["outcomes"] if outcome["result"] == "left out"]
    assert (summary["present"], told) == (14, ["lonely.metadata"])


def test_a_file_that_was_exchanged_is_refused_and_the_first_one_stays(here: Path, shelf: Path) -> None:
    import_into(here, "folder", shelf, ends_with=1)
    before = files_of(here)
    name = wheel_filename("cheese-0", "0.0")
    (shelf / name).write_bytes(wheel("cheese-0", "0.0", files={"cheese_0/__init__.py": b"answer = 43\n"}))
    summary = import_into(here, "folder", shelf, ends_with=1)
    assert [(o["filename"], o["rule"]) for o in summary["outcomes"] if o["filename"] == name] == [
        (name, "upload.duplicate")
    ]
    assert files_of(here) == before


def test_every_outcome_stands_in_the_report_and_the_summary_is_readable(
    here: Path, shelf: Path, tmp_path: Path
) -> None:
    report = tmp_path / "report.jsonl"
    done = subprocess.run(
        [PROGRAM, "import", "folder", shelf, "--data", here, "--report", report],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    lines = [json.loads(line) for line in report.read_text().splitlines()]
    assert len(lines) == 16
    assert "Taken: 14. There already: 0. Refused: 1." in done.stdout
    assert re.search(r"broken-1.0-py3-none-any.whl +.*\[archive\.", done.stdout)


def test_new_projects_get_the_owner_who_is_named(here: Path, shelf: Path) -> None:
    import_into(here, "folder", shelf, "--owner", "nobody", ends_with=1)
    assert not pages_of(here)
    affineur("token", "create", "--user", "milk", "--data", here)
    import_into(here, "folder", shelf, "--owner", "milk", ends_with=1)
    (role,) = json.loads(affineur("role", "list", "cheese-0", "--data", here, "--json"))
    assert (role["user"], role["role"]) == ("milk", "owner")


def test_an_import_killed_at_any_moment_goes_on_to_the_same_end(here: Path, tmp_path: Path) -> None:
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    for number in range(60):
        path = shelf / wheel_filename(f"cheese-{number % 5}", f"{number}.0")
        path.write_bytes(wheel(f"cheese-{number % 5}", f"{number}.0"))
        os.utime(path, (1_500_000_000 + number, 1_500_000_000 + number))
    undisturbed = tmp_path / "undisturbed"
    initialise(undisturbed)
    import_into(undisturbed, "folder", shelf)

    chance = random.Random(9)
    killed = 0
    for _ in range(12):
        running = subprocess.Popen(
            [PROGRAM, "import", "folder", shelf, "--data", here], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        # The program needs about half a second to begin with; kills fall before, into and after the work.
        time.sleep(chance.uniform(0.3, 1.2))
        killed += running.poll() is None
        running.send_signal(signal.SIGKILL)
        running.wait()
    assert killed > 1
    summary = import_into(here, "folder", shelf)
    assert summary["taken"] + summary["present"] == 60
    assert pages_of(here) == pages_of(undisturbed)
    assert offered(here) == offered(undisturbed)
    checked = subprocess.run([PROGRAM, "fsck", "--data", here, "--json"], capture_output=True, text=True, check=False)
    assert json.loads(checked.stdout)["findings"] == []


def offered(data: Path) -> dict[str, str]:
    root = data / "public" / "packages"
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in root.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("form", ["json", "html"])
def test_another_index_is_taken_in_with_times_yanks_and_statuses(
    form: str, here: Path, server: Callable[..., Server], cheeses: list[Project], tmp_path: Path
) -> None:
    origin = server()
    for project in cheeses:
        succeeded(publish_with_uv(project, origin.index, tmp_path / "publisher"))
    affineur("yank", "cheese-curd", "1.0", "--reason", "too ripe", "--data", origin.data)
    affineur("archive", "cheese-milk", "--reason", "cow sold", "--data", origin.data)
    affineur("deprecate", "cheese-wheel", "--data", origin.data)
    if form == "json":
        import_into(here, "index", origin.index.simple_url, "--all")
        assert pages_of(here) == pages_of(origin.data)
    else:
        with html_only(origin) as url:
            import_into(here, "index", url, *(project.name for project in cheeses))
        assert without_times(pages_of(here)) == without_times(pages_of(origin.data))
    again = import_into(here, "index", origin.index.simple_url, "--all")
    assert (again["taken"], again["present"]) == (0, 10)
    with_here = server(data=here, token="unused")
    python = new_environment(tmp_path / "venv", with_here.index)
    succeeded(install_with_pip(python, with_here.index, tmp_path / "home", "cheese-milk"))


@contextmanager
def html_only(origin: Server) -> Iterator[str]:
    """The same index as one that knows PEP 503, and nothing that came later, but for yanks and statuses."""
    fetch = build_opener(ProxyHandler({})).open
    with upstream() as old:

        class Answers(dict):  # type: ignore[type-arg]
            def get(self, path: str, _default: object = None) -> Answer:
                answer = fetch(Request(f"{origin.url.rstrip('/')}{path}", headers={"accept": "text/html"}))
                body = answer.read()
                if path.startswith("/simple/"):
                    body = re.sub(rb' data-(core|dist-info)-metadata="[^"]*"', b"", body)
                    return Answer(body, content_type=HTML)
                return Answer(body, content_type="application/octet-stream")

        old.answers = Answers()
        yield f"{old.url}/simple/"


def without_times(pages: dict[str, object]) -> dict[str, object]:
    """Times come from Last-Modified where a page does not tell them; a stand-in server sends none."""
    for page in pages.values():
        for file in page["files"]:  # type: ignore[index]
            del file["upload-time"]
    return pages


def test_a_yank_that_came_later_comes_with_the_next_run(
    here: Path, server: Callable[..., Server], cheeses: list[Project], tmp_path: Path
) -> None:
    origin = server()
    succeeded(publish_with_uv(cheeses[0], origin.index, tmp_path / "publisher"))
    import_into(here, "index", origin.index.simple_url, "--all")
    affineur("yank", cheeses[0].name, "--reason", "sour", "--data", origin.data)
    import_into(here, "index", origin.index.simple_url, "--all")
    assert {file["yanked"] for file in pages_of(here)[cheeses[0].name]["files"]} == {"sour"}  # type: ignore[index]


def test_a_private_index_is_read_with_a_token(
    here: Path, server: Callable[..., Server], cheeses: list[Project], tmp_path: Path
) -> None:
    private = server(environment={"AFFINEUR_READ": "token"})
    milk = cheeses[0]
    succeeded(publish_with_uv(milk, private.index, tmp_path / "publisher"))
    refused = import_into(here, "index", private.index.simple_url, milk.name, ends_with=1)
    assert (refused["refused"], refused["outcomes"][0]["rule"]) == (1, "upstream.status")
    taken = import_into(
        here, "index", private.index.simple_url, milk.name, environment={"UPSTREAM_TOKEN": private.token}
    )
    assert taken["taken"] == 2


def test_what_a_hostile_upstream_sends_is_refused_file_by_file(here: Path) -> None:
    good = wheel("foo", "1.0")
    digest = hashlib.sha256(good).hexdigest()
    with upstream() as there:
        places = {
            "foo-1.0-py3-none-any.whl": ("/good", digest),
            "foo-2.0-py3-none-any.whl": ("/good", digest),
            "foo-3.0-py3-none-any.whl": ("/good", "0" * 64),
            "../../foo-4.0-py3-none-any.whl": ("/good", digest),
            "bar-1.0-py3-none-any.whl": ("/good", digest),
            "foo-5.0-py3-none-any.whl": ("/missing", digest),
            "foo-6.0-py3-none-any.whl": ("/empty", hashlib.sha256(b"").hexdigest()),
        }
        there.answers["/good"] = Answer(good)
        there.answers["/empty"] = Answer(b"")
        files = [
            {"filename": name, "url": f"{there.url}{path}", "hashes": {"sha256": stated}}
            for name, (path, stated) in places.items()
        ]
        page = {"name": "foo", "files": files, "meta": {"api-version": "1.9"}}
        there.answers["/simple/foo/"] = Answer(json.dumps(page).encode(), content_type=JSON)
        summary = import_into(here, "index", f"{there.url}/simple/", "foo", "gone", ends_with=1)
    rules = {outcome["filename"] or outcome["project"]: outcome["rule"] for outcome in summary["outcomes"]}
    assert summary["taken"] == 1
    assert "version 1.9" in summary["remarks"][0]
    assert rules == {
        "foo-2.0-py3-none-any.whl": rules["foo-2.0-py3-none-any.whl"],  # an archive of another version
        "foo-3.0-py3-none-any.whl": "upstream.digest",
        "../../foo-4.0-py3-none-any.whl": "filename.characters",
        "bar-1.0-py3-none-any.whl": "upstream.name",
        "foo-5.0-py3-none-any.whl": "upstream.gone",
        "foo-6.0-py3-none-any.whl": rules["foo-6.0-py3-none-any.whl"],  # no archive at all
        "gone": "upstream.project",
    }
    assert files_of(here) == {"foo-1.0-py3-none-any.whl": digest}


def test_files_of_an_index_without_digests_are_not_downloaded_twice(here: Path) -> None:
    with upstream() as old:
        old.answers["/simple/"] = Answer(b'<a href="foo/">foo</a>')
        old.answers["/simple/foo/"] = Answer(b'<a href="foo-1.0.tar.gz">foo-1.0.tar.gz</a>')
        dated = {"last-modified": "Sat, 02 Mar 2019 10:00:00 GMT"}
        old.answers["/simple/foo/foo-1.0.tar.gz"] = Answer(
            sdist(metadata=core_metadata(metadata_version="1.1")), headers=dated
        )
        assert import_into(here, "index", f"{old.url}/simple", "--all")["taken"] == 1
        assert import_into(here, "index", f"{old.url}/simple", "--all")["present"] == 1
        assert old.asked["/simple/foo/foo-1.0.tar.gz"] == 1
    assert pages_of(here)["foo"]["files"][0]["upload-time"] == "2019-03-02T10:00:00.000000Z"  # type: ignore[index]


def test_a_project_that_failed_for_now_is_not_archived_before_it_is_whole(here: Path) -> None:
    files = [
        {"filename": name, "url": f"/{name}", "hashes": {"sha256": hashlib.sha256(wheel("foo", version)).hexdigest()}}
        for version in ("1.0", "2.0")
        for name in [wheel_filename("foo", version)]
    ]
    page = {"name": "foo", "files": files, "project-status": {"status": "archived", "reason": "done"}}
    with upstream() as there:
        there.answers["/foo/"] = Answer(json.dumps(page).encode(), content_type=JSON)
        there.answers[f"/{files[0]['filename']}"] = Answer(wheel("foo", "1.0"))
        there.answers[f"/{files[1]['filename']}"] = Answer(b"", claimed_bytes=1000)
        summary = import_into(here, "index", there.url, "foo", ends_with=1)
        assert (summary["taken"], summary["failed"]) == (1, 1)
        assert pages_of(here)["foo"]["project-status"] == {"status": "active"}  # type: ignore[index]
        there.answers[f"/{files[1]['filename']}"] = Answer(wheel("foo", "2.0"))
        assert import_into(here, "index", there.url, "foo")["taken"] == 1
    said = {"status": "archived", "reason": "[archived] done"}
    assert pages_of(here)["foo"]["project-status"] == said  # type: ignore[index]


def test_a_devpi_is_taken_in_from_its_export_and_from_its_address(
    here: Path, cheeses: list[Project], tmp_path: Path
) -> None:
    (port,) = free_ports(1)
    index = Server(f"http://127.0.0.1:{port}/", "", tmp_path, 0, tmp_path, "python", None).index  # type: ignore[arg-type]
    serverdir = tmp_path / "devpi"
    succeeded(
        run(
            [program("devpi", "devpi-init"), "--serverdir", serverdir, "--no-root-pypi"],
            home=tmp_path / "h",
            index=index,
        )
    )
    with (tmp_path / "devpi.log").open("w") as log:
        devpi_server = subprocess.Popen(
            [program("devpi", "devpi-server"), "--serverdir", serverdir, "--host", "127.0.0.1", "--port", str(port)],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={"HOME": str(tmp_path), "NO_PROXY": "*"},
        )  # fmt: skip
    try:
        deadline = time.monotonic() + 60
        while not accepts_connections(port):
            assert time.monotonic() < deadline, (tmp_path / "devpi.log").read_text()
            time.sleep(0.1)
        for command in (
            ["use", index.url],
            ["login", "root", "--password", ""],
            ["index", "-c", "root/base"],
            ["index", "-c", "root/dairy", "bases=root/base"],
            ["use", "root/dairy"],
            ["upload", *(path for project in cheeses[1:] for path in project.distributions)],
            ["use", "root/base"],
            ["upload", *cheeses[0].distributions],
        ):
            succeeded(run([program("devpi", "devpi"), *command], home=tmp_path / "h", index=index))
        live = import_into(here, "devpi", f"{index.url}root/dairy")
        wrong = import_into(here, "devpi", f"{index.url}root/nothing", ends_with=1)
    finally:
        devpi_server.terminate()
        devpi_server.wait(15)
    assert (live["taken"], wrong) == (8, {})
    assert files_of(here) == digests(cheeses[1:])

    exported = tmp_path / "exported"
    succeeded(
        run([program("devpi", "devpi-export"), "--serverdir", serverdir, exported], home=tmp_path / "h", index=index)
    )
    assert import_into(here, "devpi", exported, ends_with=1) == {}  # two stages: one must be chosen
    assert import_into(here, "devpi", exported, "--stage", "root/dairy")["present"] == 8
    assert import_into(here, "devpi", exported, "--stage", "root/base")["taken"] == 2
    assert files_of(here) == digests(cheeses)
    uploaded = pages_of(here)["cheese-milk"]["files"][0]["upload-time"]  # type: ignore[index]
    assert uploaded.endswith(".000000Z")  # from devpi's log, in whole seconds


def digests(projects: list[Project]) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for project in projects
        for path in project.distributions
    }


def test_a_running_pypiserver_is_taken_in_by_its_address(here: Path, shelf: Path, tmp_path: Path) -> None:
    pypi_server = program("pypiserver", "pypi-server")
    (port,) = free_ports(1)
    shutil.rmtree(shelf / ".hidden")
    with (tmp_path / "pypiserver.log").open("w") as log:
        running = subprocess.Popen(
            # Its cache, when watchdog is there, locks itself out now and then: the watcher waits for the digests
            # while who holds the digests waits for the watcher.
            [pypi_server, "run", "-p", str(port), "-i", "127.0.0.1", "--disable-fallback",
             "--backend", "simple-dir", shelf],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={"HOME": str(tmp_path)},
        )  # fmt: skip
    try:
        deadline = time.monotonic() + 60
        while not accepts_connections(port):
            assert time.monotonic() < deadline, (tmp_path / "pypiserver.log").read_text()
            time.sleep(0.1)
        summary = import_into(here, "index", f"http://127.0.0.1:{port}/simple/", "--all", ends_with=1)
        again = import_into(here, "index", f"http://127.0.0.1:{port}/simple/", "--all", ends_with=1)
    finally:
        running.terminate()
        running.wait(15)
    assert (summary["taken"], summary["refused"]) == (14, 1)
    assert (again["taken"], again["present"]) == (0, 14)


def test_an_interrupt_ends_the_import_after_the_files_at_hand(here: Path) -> None:
    with upstream() as slow:
        slow.answers["/foo/"] = Answer(status=503, headers={"retry-after": "60"})
        running = subprocess.Popen(
            # A run of tests that was put into the background ignores this signal, and so would what it starts.
            ["env", "--default-signal=INT", PROGRAM, "import", "index", slow.url, "foo", "--data", here],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | {"NO_PROXY": "*"},
        )  # fmt: skip
        deadline = time.monotonic() + 60
        while not slow.asked["/foo/"]:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        running.send_signal(signal.SIGINT)
        said, complained = running.communicate(timeout=45)  # less than it was told to wait
    assert running.returncode == 130, said + complained
    assert "Failed for now: 1" in said
    assert "Traceback" not in complained
