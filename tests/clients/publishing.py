"""Publishing with each real client, as its own documentation tells its users to.

Every function publishes what lies in ``project.folder/dist`` (Flit builds anew: it knows no other way) to the
index with its token, and returns how the client ended.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from .projects import Project
from .runner import Index, Outcome, program, run


def publish_with_twine(project: Project, index: Index, home: Path, *options: str) -> Outcome:
    return run(
        [program("twine", "twine"), "upload", "--non-interactive", "--disable-progress-bar",
         "--repository-url", index.upload_url, *options, *project.distributions],
        home=home, index=index,
        environment={"TWINE_USERNAME": "__token__", "TWINE_PASSWORD": index.token or ""},
    )  # fmt: skip


def publish_with_uv(project: Project, index: Index, home: Path, *options: str) -> Outcome:
    return run(
        [program("uv", "uv"), "publish", "--no-progress", *options, *project.distributions],
        home=home, index=index,
        environment={"UV_PUBLISH_URL": index.upload_url, "UV_PUBLISH_TOKEN": index.token or "",
                     "UV_TRUSTED_PUBLISHING": "never"},
    )  # fmt: skip


def publish_with_poetry(project: Project, index: Index, home: Path, *options: str) -> Outcome:
    return run(
        [program("poetry", "poetry"), "publish", "--no-interaction", "--repository", "affineur", *options],
        home=home, index=index, cwd=project.folder,
        environment={"POETRY_REPOSITORIES_AFFINEUR_URL": index.upload_url,
                     "POETRY_PYPI_TOKEN_AFFINEUR": index.token or ""},
    )  # fmt: skip


def publish_with_pdm(project: Project, index: Index, home: Path, *options: str) -> Outcome:
    return run(
        [program("pdm", "pdm"), "publish", "--no-build", *options],
        home=home, index=index, cwd=project.folder,
        environment={"PDM_PUBLISH_REPO": index.upload_url, "PDM_PUBLISH_USERNAME": "__token__",
                     "PDM_PUBLISH_PASSWORD": index.token or "", "PDM_CHECK_UPDATE": "0"},
    )  # fmt: skip


def publish_with_hatch(project: Project, index: Index, home: Path, *options: str) -> Outcome:
    return run(
        [program("hatch", "hatch"), "publish", "--no-prompt", *options, *project.distributions],
        home=home, index=index, cwd=project.folder,
        environment={"HATCH_INDEX_REPO": index.upload_url, "HATCH_INDEX_USER": "__token__",
                     "HATCH_INDEX_AUTH": index.token or ""},
    )  # fmt: skip


def publish_with_flit(project: Project, index: Index, home: Path, *options: str) -> Outcome:
    return run(
        [program("flit", "flit"), "publish", *options],
        home=home, index=index, cwd=project.folder,
        environment={"FLIT_INDEX_URL": index.upload_url, "FLIT_USERNAME": "__token__",
                     "FLIT_PASSWORD": index.token or "", "SOURCE_DATE_EPOCH": "1700000000"},
    )  # fmt: skip


Publisher = Callable[..., Outcome]

PUBLISHERS: dict[str, tuple[Publisher, str]] = {
    "twine": (publish_with_twine, "setuptools"),
    "uv": (publish_with_uv, "setuptools"),
    "poetry": (publish_with_poetry, "poetry"),
    "pdm": (publish_with_pdm, "pdm"),
    "hatch": (publish_with_hatch, "hatch"),
    "flit": (publish_with_flit, "flit"),
}
"""Each client that publishes, with the backend its users build with."""
