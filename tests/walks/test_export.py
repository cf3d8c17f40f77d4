"""The index as a static site: what a plain web server hands out installs, and is what the index itself says."""

from __future__ import annotations

import http.server
import json
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from urllib.request import ProxyHandler, Request, build_opener

import pytest
from tests.clients.installing import install_with_pip, install_with_uv, new_environment
from tests.clients.projects import Project
from tests.clients.runner import Index, succeeded
from tests.services.affineur import PROGRAM, affineur, initialise
from tests.services.keeper import accepts_connections, free_ports

NGINX = """
{user} daemon off; pid {folder}/nginx.pid; error_log stderr;
events {{ }}
http {{
  access_log off; client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
{documented}
}}
"""
HOW_TO = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "export-a-static-site.md"


@pytest.fixture
def data(cheeses: list[Project], tmp_path: Path) -> Path:
    """The data folder of an index with the five cheeses."""
    folder = tmp_path / "data"
    initialise(folder)
    for project in cheeses:
        affineur("import", "folder", project.folder / "dist", "--data", folder)
    return folder


def export(data: Path, site: Path, *options: str) -> dict[str, int]:
    return json.loads(affineur("export", site, "--data", data, "--json", *options))  # type: ignore[no-any-return]


def tree(site: Path) -> dict[str, tuple[int, bytes]]:
    """Every file of the site with its time and contents."""
    return {
        str(path.relative_to(site)): (path.stat().st_mtime_ns, path.read_bytes())
        for path in site.rglob("*")
        if path.is_file()
    }


def files_below(folder: Path) -> dict[str, bytes]:
    return {path: body for path, (_, body) in tree(folder).items()}


@contextmanager
def plain_server(folder: Path) -> Iterator[Index]:
    """What `python -m http.server` runs."""
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Index(f"http://127.0.0.1:{server.server_port}/")
        server.shutdown()


@pytest.mark.parametrize("options", [(), ("--copy",)])
def test_pip_and_uv_install_from_a_plain_web_server(options: tuple[str, ...], data: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    done = export(data, site, *options)
    assert (done["files_copied"] if options else done["files_linked"]) >= 15  # ten files, five METADATA and more
    assert (done["files_linked"] if options else done["files_copied"]) == 0
    with plain_server(site) as index:
        python = new_environment(tmp_path / "venv", index)
        outcome = succeeded(install_with_pip(python, index, tmp_path / "pip", "cheese-board"))
        assert "cheese_curd-1.0-py3-none-any.whl.metadata" in outcome.stdout or "cheese-curd-1.0" in outcome.stdout
        succeeded(install_with_uv(python, index, tmp_path / "uv", "--reinstall", "cheese-board"))


def test_every_page_is_the_one_the_index_serves(data: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    export(data, site)
    pages = {entry.name: entry for entry in (data / "public" / "simple").iterdir()} | {"": data / "public" / "root"}
    for name, served in pages.items():
        folder = site / "simple" / name
        for form, exported in (("v1.json", "index.v1_json"), ("v1.html", "index.v1_html"), ("v1.htm", "index.html")):
            assert (folder / exported).read_bytes() == (served / form).read_bytes()
            assert (folder / exported).stat().st_mtime == (served / form).stat().st_mtime
            assert (folder / f"{exported}.gz").exists() == (served / f"{form}.gz").exists()
    assert files_below(site / "packages") == files_below(data / "public" / "packages")


def test_a_second_run_writes_only_what_changed_and_removes_what_is_gone(data: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    export(data, site)
    before = tree(site)
    again = export(data, site)
    assert (again["pages_written"], again["files_linked"], again["files_removed"]) == (0, 0, 0)

    affineur("quarantine", "cheese-milk", "--reason", "smells", "--data", data)
    affineur("yank", "cheese-curd", "--data", data)
    third = export(data, site)
    assert third["pages_written"] == 2
    assert third["files_removed"] >= 3
    after = tree(site)
    changed = {path.split("/")[1] for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    assert {name for name in changed if not name.startswith("index.")} == {"cheese-milk", "cheese-curd"}
    assert json.loads(after["simple/cheese-milk/index.v1_json"][1])["files"] == []
    assert b"cheese-milk" in after["simple/index.html"][1]  # where mirrors see that its serial has moved
    assert export(data, site)["pages_written"] == 0

    affineur("clear", "cheese-milk", "--data", data)
    assert export(data, site)["files_linked"] >= 3
    (site / "simple" / "ghost").mkdir()
    (site / "simple" / "ghost" / "index.html").write_text("boo")
    (site / "simple" / "cheese-milk" / "index.v1_json").write_text("forged")
    assert export(data, site, "--all")["pages_removed"] == 1
    assert not (site / "simple" / "ghost").exists()
    assert json.loads((site / "simple" / "cheese-milk" / "index.v1_json").read_bytes())["files"]


def test_a_run_that_was_cut_short_is_mended_by_the_next(data: Path, tmp_path: Path) -> None:
    site, whole = tmp_path / "site", tmp_path / "whole"
    export(data, whole)
    export(data, site)
    (site / "simple" / "cheese-curd" / "index.html").unlink()
    (site / "simple" / "cheese-curd" / "index.v1_json").write_bytes(b"old")
    (site / "simple" / "cheese-curd" / "index.html.new").write_bytes(b"half")
    next((site / "packages" / "cheese-curd").rglob("*.whl")).unlink()
    export(data, site)
    assert {path: body for path, (_, body) in tree(site).items()} == {
        path: body for path, (_, body) in tree(whole).items()
    }


def test_a_folder_with_something_else_in_it_is_left_alone(data: Path, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cow.jpg").write_bytes(b"cow")
    for folder in (tmp_path / "photos", data / "public", data / "new"):
        done = subprocess.run([PROGRAM, "export", folder, "--data", data], capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert "[export.folder]" in done.stderr
    assert os.listdir(tmp_path / "photos") == ["cow.jpg"]


def test_the_documented_nginx_configuration_serves_every_form(data: Path, nginx: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    export(data, site)
    (port,) = free_ports(1)
    documented = HOW_TO.read_text().partition("```nginx\n")[2].partition("```")[0]
    assert "listen 80;" in documented
    user = "" if os.geteuid() else "user root root;"  # else workers could not enter the test's folder
    # The nginx of the tests is built without this module; others have it.
    documented = documented.replace("gzip_static on;", "")
    documented = documented.replace("listen 80;", f"listen 127.0.0.1:{port};").replace("/srv/simple-site", str(site))
    (tmp_path / "nginx.conf").write_text(NGINX.format(user=user, folder=tmp_path, documented=documented))
    running = subprocess.Popen([nginx, "-c", tmp_path / "nginx.conf", "-p", tmp_path], stderr=subprocess.PIPE)
    try:
        while not accepts_connections(port):
            assert running.poll() is None, running.stderr and running.stderr.read()
        fetch: Callable[..., object] = build_opener(ProxyHandler({})).open
        for accept, kind in (
            ("application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01",
             "application/vnd.pypi.simple.v1+json"),
            ("application/vnd.pypi.simple.v1+html", "application/vnd.pypi.simple.v1+html"),
            ("text/html", "text/html"),
            ("*/*", "text/html"),
        ):  # fmt: skip
            for path in ("", "cheese-curd/"):
                asked = Request(
                    f"http://127.0.0.1:{port}/simple/{path}", headers={"accept": accept, "accept-encoding": "gzip"}
                )
                with fetch(asked) as answer:  # type: ignore[attr-defined]
                    assert answer.headers.get_content_type() == kind
                    assert "accept" in answer.headers["vary"].lower()
        index = Index(f"http://127.0.0.1:{port}/")
        python = new_environment(tmp_path / "venv", index)
        succeeded(install_with_pip(python, index, tmp_path / "pip", "cheese-board"))
    finally:
        running.terminate()
        running.wait(10)
