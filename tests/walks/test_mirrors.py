"""Mirrors stand on the index: bandersnatch copies it, devpi follows it; people install from both."""

from __future__ import annotations

import hashlib
import http.server
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import httpx
import pytest
from tests.clients.installing import install_with_pip, new_environment
from tests.clients.mirroring import devpi_mirror, mirror_with_bandersnatch
from tests.clients.projects import CHAIN, Project, build, write_project
from tests.clients.publishing import publish_with_twine, publish_with_uv
from tests.clients.runner import Index, succeeded
from tests.services.affineur import MODES, Mode, Server


@pytest.mark.parametrize("mode", MODES)
def test_bandersnatch_copies_the_whole_index_and_then_only_what_is_new(
    mode: Mode, server: Callable[..., Server], cheeses: list[Project], tmp_path: Path
) -> None:
    origin = server(mode=mode)
    for project in cheeses:
        succeeded(publish_with_uv(project, origin.index, tmp_path / "publisher"))
    wait_until_listed(origin)
    succeeded(mirror_with_bandersnatch(origin.index, tmp_path))
    web = tmp_path / "mirror" / "web"
    assert mirrored_digests(web) == {name: digest for project in cheeses for name, digest in digests(project)}
    for project in cheeses:
        page = json.loads((web / "simple" / project.name / "index.v1_json").read_text())
        wheel = next(one for one in page["files"] if one["filename"].endswith(".whl"))
        assert wheel["core-metadata"], "the mirror must pass the metadata files on"
        assert json.loads((web / "json" / project.name).read_text())["info"]["name"] == project.name

    ripe = build(write_project(tmp_path / "new", "cheese-milk", backend="flit", version="2.0"))
    succeeded(publish_with_twine(ripe, origin.index, tmp_path / "publisher"))
    wait_until_listed(origin)
    second = succeeded(mirror_with_bandersnatch(origin.index, tmp_path))
    assert set(dict(digests(ripe))) <= set(mirrored_digests(web))
    assert "cheese_milk-2.0" in second.stdout
    assert "cheese_board-1.0" not in second.stdout

    with served_folder(web) as mirror:
        python = new_environment(tmp_path / "venv", mirror)
        outcome = succeeded(install_with_pip(python, mirror, tmp_path / "home", "cheese-board"))
        assert "cheese-milk-2.0" in outcome.stdout


def test_pip_installs_through_a_devpi_mirror_of_the_index(cheese_server: Server, tmp_path: Path) -> None:
    with devpi_mirror(cheese_server.index, tmp_path) as above:
        python = new_environment(tmp_path / "venv", above)
        outcome = succeeded(install_with_pip(python, above, tmp_path / "home", "cheese-board"))
        assert all(name in outcome.stdout.splitlines()[-1] for name in CHAIN)


def wait_until_listed(origin: Server) -> None:
    """The list of all projects, from which mirrors learn what is new, follows uploads within a second or two."""
    accept = {"Accept": "application/vnd.pypi.simple.v1+json"}
    deadline = time.monotonic() + 30
    while True:
        listed = httpx.get(f"{origin.url}simple/", headers=accept).json()["meta"]["_last-serial"]
        measured = dict(line.rsplit(" ", 1) for line in httpx.get(f"{origin.url}metrics").text.splitlines())
        if listed == float(measured["affineur_journal_serial"]):
            return
        assert time.monotonic() < deadline
        time.sleep(0.1)


def digests(project: Project) -> Iterator[tuple[str, str]]:
    for path in project.distributions:
        yield path.name, hashlib.sha256(path.read_bytes()).hexdigest()


def mirrored_digests(web: Path) -> dict[str, str]:
    """File name to SHA-256 of every distribution that really lies in the mirror."""
    found = (path for path in (web / "packages").rglob("*") if path.suffix in {".whl", ".gz"})
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in found if not path.is_symlink()}


@contextmanager
def served_folder(folder: Path) -> Iterator[Index]:
    """A plain web server over ``folder``, as people put one over their mirror."""
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as plain:
        threading.Thread(target=plain.serve_forever, daemon=True).start()
        yield Index(f"http://127.0.0.1:{plain.server_port}/")
        plain.shutdown()
