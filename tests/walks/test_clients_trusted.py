"""Real clients publish from a job, without any secret of ours: uv by itself, twine with the token of its library.

The job is one of a local issuer that plays GitHub or GitLab; clients insist on https, so a real TLS front stands
before the server. twine asks for a job's token by itself only when it publishes to its own default index, so here
the token is fetched as our documentation says: with `id`, the library that twine brings along.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
import sqlalchemy as sa
from tests.clients.projects import Project, build, write_project
from tests.clients.publishing import publish_with_twine
from tests.clients.runner import Index, Outcome, program, run, succeeded
from tests.services.affineur import MODES, Mode, Server, initialise, serve
from tests.services.https import Front
from tests.services.issuer import Issuer
from tests.web.people import sign_up, store_of

from affineur.core import publishers as rules
from affineur.shell.store import publishers
from affineur.shell.store.schema import file, token

JOB = {"owner": "fromagerie", "repository": "roquefort", "workflow": "release.yml"}


@contextmanager
def served(folder: Path, issuer: Issuer, front: Front, kind: str = "github", mode: Mode = "python") -> Iterator[Server]:
    """A server behind the front that takes the issuer's tokens as those of ``kind``."""
    environment = {"AFFINEUR_BASE_URL": front.url, "AFFINEUR_PUBLISHER_ISSUERS": f"{kind} {issuer.url}"}
    data = folder / "data"
    with serve(data, initialise(data), mode=mode, port=front.port_behind, environment=environment) as running:
        yield running


def reserve(server: Server, issuer: Issuer, project: str, kind: str, fields: dict[str, str]) -> None:
    """Ann prepares a publisher for a project that does not exist yet."""
    ann = sign_up(server, "ann", factors=("passkey",))
    described = rules.parse(kind, issuer.url, fields, rules.admitted_by(f"{kind} {issuer.url}"))
    now = datetime.now(UTC)
    with store_of(server) as store, store.write() as connection:
        publishers.add_pending(connection, described, project, ann.id, now, now + timedelta(days=30))


def publish_with_uv(project: Project, front: Front, home: Path, job: dict[str, str]) -> Outcome:
    return run(
        [program("uv", "uv"), "publish", "--no-progress", "--trusted-publishing", "always",
         "--publish-url", f"{front.url}legacy/", *project.distributions],
        home=home, index=Index(front.url), environment=job | front.certificate.environment,
    )  # fmt: skip


def shown(server: Server) -> tuple[list[str], list[str | None]]:
    """The publishers that files are of, and why tokens of publishers were revoked."""
    with store_of(server) as store, store.read() as connection:
        names = sorted(set(connection.scalars(sa.select(file.c.publisher))))
        because = list(connection.scalars(sa.select(token.c.revoked_because).where(token.c.publisher_id.is_not(None))))
    return names, because


@pytest.mark.parametrize("mode", MODES)
def test_uv_publishes_a_new_project_from_a_github_job_and_gives_its_token_back(
    issuer: Issuer, front: Front, tmp_path: Path, mode: Mode
) -> None:
    project = build(write_project(tmp_path, "roquefort", backend="setuptools"))
    with served(tmp_path, issuer, front, mode=mode) as server:
        reserve(server, issuer, "roquefort", "github", JOB)
        succeeded(publish_with_uv(project, front, tmp_path / "home", issuer.github_job()))
        names, because = shown(server)
    assert names == [f"GitHub Actions ({urlsplit(issuer.url).netloc}): fromagerie/roquefort, release.yml"]
    assert because == ["its job was done"]


def test_uv_publishes_from_a_gitlab_job(issuer: Issuer, front: Front, tmp_path: Path) -> None:
    project = build(write_project(tmp_path, "roquefort", backend="setuptools"))
    fields = {"namespace": "fromagerie", "project": "roquefort", "workflow": ".gitlab-ci.yml"}
    here = f"{urlsplit(issuer.url).netloc}/fromagerie/roquefort//.gitlab-ci.yml@refs/tags/v1.0"
    with served(tmp_path, issuer, front, "gitlab") as server:
        reserve(server, issuer, "roquefort", "gitlab", fields)
        job = issuer.gitlab_job("localhost", ci_config_ref_uri=here)
        assert "LOCALHOST_ID_TOKEN" in job
        succeeded(publish_with_uv(project, front, tmp_path / "home", job))
        assert shown(server)[0][0].startswith("GitLab CI/CD")


def test_uv_shows_which_claim_of_a_job_differs(issuer: Issuer, front: Front, tmp_path: Path) -> None:
    project = build(write_project(tmp_path, "roquefort", backend="setuptools"))
    with served(tmp_path, issuer, front) as server:
        reserve(server, issuer, "roquefort", "github", {**JOB, "environment": "release"})
        outcome = publish_with_uv(project, front, tmp_path / "home", issuer.github_job(environment="staging"))
        said = " ".join(outcome.stdout.split())
        assert outcome.returncode != 0
        assert "environment is 'staging', expected 'release'" in said, said
        strange = publish_with_uv(
            project,
            front,
            tmp_path / "home",
            issuer.github_job(event_name="pull_request_target", environment="release"),
        )
        assert "event_name is 'pull_request_target'" in " ".join(strange.stdout.split())
        assert shown(server) == ([], [])


def test_twine_publishes_with_the_token_that_its_library_finds(issuer: Issuer, front: Front, tmp_path: Path) -> None:
    project = build(write_project(tmp_path, "roquefort", backend="setuptools"))
    with served(tmp_path, issuer, front) as server:
        reserve(server, issuer, "roquefort", "github", JOB)
        asking = {"trust_env": False, "verify": front.certificate.for_client()}
        audience = httpx.get(f"{front.url}_/oidc/audience", **asking).json()["audience"]  # type: ignore[arg-type]
        identity = succeeded(
            run([program("twine", "python"), "-m", "id", audience], home=tmp_path / "home", index=Index(front.url),
                environment=issuer.github_job())
        ).stdout.strip()  # fmt: skip
        minted = httpx.post(f"{front.url}_/oidc/mint-token", json={"token": identity}, **asking).json()  # type: ignore[arg-type]
        succeeded(publish_with_twine(project, Index(server.url, minted["token"]), tmp_path / "home"))
        assert shown(server)[0] == [
            f"GitHub Actions ({urlsplit(issuer.url).netloc}): fromagerie/roquefort, release.yml"
        ]
