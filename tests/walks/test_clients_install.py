"""People install with the tools they have: each real client, unmodified, in both serving modes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest
from tests.clients.installing import (
    PipVersion,
    compile_with_pip_tools,
    compile_with_uv,
    install_with_hatch,
    install_with_pdm,
    install_with_pip,
    install_with_poetry,
    install_with_uv,
    list_with_pypi_simple,
    new_environment,
)
from tests.clients.projects import Project
from tests.clients.publishing import publish_with_twine
from tests.clients.runner import Index, Outcome, run, succeeded
from tests.services.affineur import MODES, Mode, Server


def say(python: Path, index: Index, tmp_path: Path) -> str:
    """What the installed command `cheese-board` says: it runs only where the whole chain is installed."""
    check = "import cheese_milk, cheese_rennet, cheese_curd, cheese_wheel, cheese_board; cheese_board.main()"
    return succeeded(run([python, "-c", check], home=tmp_path / "user", index=index)).stdout.strip()


@pytest.mark.parametrize("version", get_args(PipVersion))
def test_pip_installs_a_project_with_all_it_stands_on(
    version: PipVersion, cheese_server: Server, tmp_path: Path
) -> None:
    python = new_environment(tmp_path / "venv", cheese_server.index)
    succeeded(install_with_pip(python, cheese_server.index, tmp_path, "cheese-board", version=version))
    assert say(python, cheese_server.index, tmp_path) == "cheese"


def test_pip_reads_metadata_files_instead_of_whole_wheels(cheese_server: Server, tmp_path: Path) -> None:
    python = new_environment(tmp_path / "venv", cheese_server.index)
    outcome = succeeded(install_with_pip(python, cheese_server.index, tmp_path, "--dry-run", "-v", "cheese-board"))
    assert "cheese_curd-1.0-py3-none-any.whl.metadata" in outcome.stdout


def test_uv_installs_a_project_with_all_it_stands_on(cheese_server: Server, tmp_path: Path) -> None:
    python = new_environment(tmp_path / "venv", cheese_server.index)
    succeeded(install_with_uv(python, cheese_server.index, tmp_path, "cheese-board"))
    assert say(python, cheese_server.index, tmp_path) == "cheese"


@pytest.mark.parametrize("compile_lock", [compile_with_pip_tools, compile_with_uv])
def test_a_lock_names_the_digest_of_every_file_and_pip_installs_by_it(
    compile_lock: Callable[..., Outcome], cheese_server: Server, cheeses: list[Project], tmp_path: Path
) -> None:
    succeeded(compile_lock(cheese_server.index, tmp_path / "lock", "cheese-board"))
    lock = tmp_path / "lock" / "requirements.txt"
    text = lock.read_text()
    for path in (path for project in cheeses for path in project.distributions):
        assert hashlib.sha256(path.read_bytes()).hexdigest() in text
    python = new_environment(tmp_path / "venv", cheese_server.index)
    succeeded(install_with_pip(python, cheese_server.index, tmp_path, "--require-hashes", "-r", str(lock)))
    assert say(python, cheese_server.index, tmp_path) == "cheese"


@pytest.mark.parametrize("install", [install_with_poetry, install_with_pdm])
def test_a_project_manager_locks_and_installs_from_the_index(
    install: Callable[..., Outcome], cheese_server: Server, tmp_path: Path
) -> None:
    succeeded(install(cheese_server.index, tmp_path / "consumer", "cheese-board"))
    assert say(tmp_path / "consumer" / ".venv" / "bin" / "python", cheese_server.index, tmp_path) == "cheese"


def test_hatch_makes_an_environment_from_the_index(cheese_server: Server, tmp_path: Path) -> None:
    outcome = succeeded(install_with_hatch(cheese_server.index, tmp_path / "consumer", "cheese-board"))
    assert say(Path(outcome.stdout.splitlines()[-1]), cheese_server.index, tmp_path) == "cheese"


@pytest.mark.parametrize("form", ["ANY", "HTML_ONLY", "JSON_ONLY"])
def test_pypi_simple_reads_the_same_files_in_every_form(
    form: str, cheese_server: Server, cheeses: list[Project], tmp_path: Path
) -> None:
    answer = list_with_pypi_simple(cheese_server.index, tmp_path, "cheese-curd", form)
    (curd,) = (project for project in cheeses if project.name == "cheese-curd")
    files = answer["files"]
    assert isinstance(files, list)
    assert {one["filename"]: one["sha256"] for one in files} == {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in curd.distributions
    }
    wheel = next(one for one in files if one["filename"].endswith(".whl"))
    assert "Requires-Dist: cheese-milk>=1" in wheel["metadata_text"]
    assert {project.name for project in cheeses} <= set(map(str, answer["projects"]))  # type: ignore[call-overload]


@pytest.mark.parametrize("mode", MODES)
def test_a_private_index_installs_with_a_token_only(
    mode: Mode, server: Callable[..., Server], cheeses: list[Project], tmp_path: Path
) -> None:
    private = server(mode=mode, environment={"AFFINEUR_READ": "token"})
    milk = cheeses[0]
    succeeded(publish_with_twine(milk, private.index, tmp_path / "publisher"))
    python = new_environment(tmp_path / "venv", private.index)
    assert install_with_pip(python, private.index, tmp_path / "anonymous", milk.name).returncode != 0
    assert install_with_uv(python, private.index, tmp_path / "anonymous", milk.name).returncode != 0
    with_token = private.index.reading_with_token()
    succeeded(install_with_pip(python, with_token, tmp_path / "pip", milk.name))
    succeeded(install_with_uv(python, with_token, tmp_path / "uv", "--reinstall", milk.name))
