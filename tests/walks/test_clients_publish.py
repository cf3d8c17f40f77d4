"""People publish with the tools they have: each real client, unmodified, in both serving modes."""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
from pathlib import Path
from urllib.request import ProxyHandler, Request, build_opener

import pytest
from tests.clients.projects import Project, build, write_project
from tests.clients.publishing import PUBLISHERS, publish_with_twine, publish_with_uv
from tests.clients.runner import Index, succeeded
from tests.services.affineur import Server


def digests_on_the_index(server: Server, project: str) -> dict[str, str]:
    """File name to SHA-256, as the project's page says it."""
    request = Request(f"{server.url}simple/{project}/", headers={"Accept": "application/vnd.pypi.simple.v1+json"})
    with build_opener(ProxyHandler({})).open(request, timeout=10) as answer:
        files = json.load(answer)["files"]
    return {one["filename"]: one["hashes"]["sha256"] for one in files}


def digests_on_disk(project: Project) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in project.distributions}


@pytest.mark.parametrize("client", PUBLISHERS)
def test_a_client_publishes_and_may_publish_the_same_again(client: str, shared_server: Server, tmp_path: Path) -> None:
    publish, backend = PUBLISHERS[client]
    project = build(write_project(tmp_path, f"made-with-{client}-{shared_server.mode}", backend=backend))
    succeeded(publish(project, shared_server.index, tmp_path / "home"))
    published = digests_on_the_index(shared_server, project.name)
    assert published == digests_on_disk(project)
    succeeded(publish(project, shared_server.index, tmp_path / "home"))
    assert digests_on_the_index(shared_server, project.name) == published


@pytest.mark.parametrize("client", ["twine", "uv", "poetry"])
def test_a_client_that_publishes_other_bytes_under_a_taken_name_is_told_why_not(
    client: str, shared_server: Server, tmp_path: Path
) -> None:
    publish, backend = PUBLISHERS[client]
    name = f"taken-with-{client}-{shared_server.mode}"
    first = build(write_project(tmp_path / "first", name, backend=backend))
    other = build(write_project(tmp_path / "other", name, backend=backend, greeting="other cheese"))
    succeeded(publish(first, shared_server.index, tmp_path / "home"))
    outcome = publish(other, shared_server.index, tmp_path / "home")
    assert outcome.returncode != 0
    assert "already exists" in outcome.stdout.lower()
    assert digests_on_the_index(shared_server, name) == digests_on_disk(first)


def test_uv_skips_what_the_index_has_when_told_where_to_look(cheese_server: Server, cheeses: list[Project],
                                                              tmp_path: Path) -> None:  # fmt: skip
    outcome = succeeded(
        publish_with_uv(cheeses[0], cheese_server.index, tmp_path, "--check-url", cheese_server.index.simple_url)
    )
    assert "already exists" in outcome.stdout


@pytest.mark.parametrize("client", PUBLISHERS)
def test_a_client_with_a_wrong_token_fails_and_nothing_is_published(
    client: str, shared_server: Server, tmp_path: Path
) -> None:
    publish, backend = PUBLISHERS[client]
    project = build(write_project(tmp_path, f"nobodys-{client}-{shared_server.mode}", backend=backend))
    outcome = publish(project, Index(shared_server.url, "not-a-token"), tmp_path / "home")
    assert outcome.returncode != 0
    assert "403" in outcome.stdout or "Forbidden" in outcome.stdout or "Invalid" in outcome.stdout
    with pytest.raises(OSError, match="404"):
        digests_on_the_index(shared_server, project.name)


@pytest.mark.parametrize("publish", [publish_with_twine, publish_with_uv])
def test_the_reason_of_a_refusal_reaches_the_person_at_the_client(
    publish: object, cheeses: list[Project], shared_server: Server, tmp_path: Path
) -> None:
    assert callable(publish)
    whole = next(path for path in cheeses[0].distributions if path.suffix == ".whl")
    (tmp_path / "dist").mkdir()
    without_record(whole, tmp_path / "dist" / whole.name)
    outcome = publish(Project("cheese-milk", "1.0", tmp_path), shared_server.index, tmp_path / "home")
    assert outcome.returncode != 0
    assert "RECORD" in outcome.stdout


def without_record(wheel: Path, broken: Path) -> None:
    """Copy ``wheel`` to ``broken``, all but its RECORD."""
    with zipfile.ZipFile(wheel) as whole, zipfile.ZipFile(broken, "w") as copy:
        for member in whole.infolist():
            if not member.filename.endswith("/RECORD"):
                with whole.open(member) as source, copy.open(member.filename, "w") as target:
                    shutil.copyfileobj(source, target)
