"""Resolving, locking and installing with each real client.

A client installs into a fresh environment (`new_environment`) or, where it insists on its own (Poetry, PDM,
Hatch), into one it makes in a project folder that these functions write.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from .runner import CLIENTS, Index, Outcome, program, run, succeeded

PipVersion = Literal["newest", "oldest"]


def new_environment(folder: Path, index: Index) -> Path:
    """An empty virtual environment in ``folder``; the path of its Python."""
    succeeded(
        run(
            [program("uv", "uv"), "venv", "--quiet", "--python", _python(), folder],
            home=folder.with_name(f"{folder.name}-home"),
            index=index,
        )
    )
    return folder / "bin" / "python"


def install_with_pip(python: Path, index: Index, home: Path, *requirements: str,
                     version: PipVersion = "newest") -> Outcome:  # fmt: skip
    """Install into the environment of ``python`` with the pip of today or the oldest still common."""
    (site,) = (CLIENTS / f"pip-{version}").glob("lib/python3.*/site-packages")
    return run([python, "-m", "pip", "install", *requirements], home=home, index=index,
               environment={"PYTHONPATH": str(site)})  # fmt: skip


def install_with_uv(python: Path, index: Index, home: Path, *requirements: str) -> Outcome:
    return run([program("uv", "uv"), "pip", "install", "--python", python, *requirements], home=home, index=index)


def compile_with_pip_tools(index: Index, home: Path, *requirements: str) -> Outcome:
    """Lock ``requirements`` with hashes into ``home/requirements.txt``."""
    home.mkdir(parents=True, exist_ok=True)
    (home / "requirements.in").write_text("\n".join(requirements) + "\n")
    return run(
        [program("pip-tools", "pip-compile"), "--quiet", "--generate-hashes", "--strip-extras",
         "--no-emit-index-url", "--output-file", "requirements.txt", "requirements.in"],
        home=home, index=index,
    )  # fmt: skip


def compile_with_uv(index: Index, home: Path, *requirements: str) -> Outcome:
    """Lock ``requirements`` with hashes into ``home/requirements.txt``."""
    home.mkdir(parents=True, exist_ok=True)
    (home / "requirements.in").write_text("\n".join(requirements) + "\n")
    return run(
        [program("uv", "uv"), "pip", "compile", "--quiet", "--generate-hashes", "--python",
         _python(), "--output-file", "requirements.txt", "requirements.in"],
        home=home, index=index,
    )  # fmt: skip


def install_with_poetry(index: Index, folder: Path, *dependencies: str) -> Outcome:
    """Write a project that needs ``dependencies``, lock it, and install them into ``folder/.venv``."""
    _write_consumer(
        folder,
        dependencies,
        f"""
[tool.poetry]
package-mode = false

[[tool.poetry.source]]
name = "affineur"
url = "{index.simple_url}"
priority = "primary"
""",
    )
    return run(
        [program("poetry", "poetry"), "install", "--no-root", "--no-interaction"],
        home=folder / "home", index=index, cwd=folder, environment={"POETRY_VIRTUALENVS_IN_PROJECT": "true"},
    )  # fmt: skip


def install_with_pdm(index: Index, folder: Path, *dependencies: str) -> Outcome:
    """Write a project that needs ``dependencies``, lock it, and install them into ``folder/.venv``."""
    _write_consumer(
        folder,
        dependencies,
        f"""
[tool.pdm]
distribution = false

[[tool.pdm.source]]
name = "pypi"
url = "{index.simple_url}"
""",
    )
    return run(
        [program("pdm", "pdm"), "install", "--no-self"], home=folder / "home", index=index, cwd=folder,
        environment={"PDM_CHECK_UPDATE": "0", "PDM_IGNORE_SAVED_PYTHON": "1",
                     "PDM_PYTHON": str(_python())},
    )  # fmt: skip


def install_with_hatch(index: Index, folder: Path, *dependencies: str) -> Outcome:
    """Write a project that needs ``dependencies``; Hatch installs them and prints where its Python is."""
    listed = ", ".join(f'"{one}"' for one in dependencies)
    _write_consumer(
        folder,
        (),
        f"""
[tool.hatch.envs.default]
skip-install = true
dependencies = [{listed}]
""",
    )
    return run(
        [program("hatch", "hatch"), "run", "python", "-c", "import sys; print(sys.executable)"],
        home=folder / "home", index=index, cwd=folder,
    )  # fmt: skip


def list_with_pypi_simple(index: Index, home: Path, project: str, accept: str = "ANY") -> dict[str, object]:
    """What the library pypi-simple reads of ``project`` and of the root list.

    ``accept`` is one of its modes: ``ANY``, ``HTML_ONLY``, ``JSON_ONLY``. The keys: ``projects`` (names of
    the root list), ``version`` (of the API), ``files`` (filename, sha256, metadata, metadata_text, yanked).
    """
    outcome = run(
        [program("pypi-simple", "python"), "-c", _ASK_PYPI_SIMPLE, index.simple_url, project, accept],
        home=home, index=index,
    )  # fmt: skip
    answer: dict[str, object] = json.loads(succeeded(outcome).stdout.splitlines()[-1])
    return answer


_ASK_PYPI_SIMPLE = """
import json, sys
import pypi_simple
endpoint, project, mode = sys.argv[1:]
accept = getattr(pypi_simple, f"ACCEPT_{mode}")
with pypi_simple.PyPISimple(endpoint, accept=accept) as client:
    root = client.get_index_page()
    page = client.get_project_page(project)
    files = [
        {"filename": f.filename, "sha256": f.digests.get("sha256"), "metadata": bool(f.has_metadata),
         "yanked": f.is_yanked, "metadata_text": client.get_package_metadata(f) if f.has_metadata else None}
        for f in page.packages
    ]
print(json.dumps({"projects": root.projects, "version": page.repository_version, "files": files}))
"""


def _python() -> Path:
    """The Python that everything is installed for: the one under the clients' environments."""
    return program("pip-newest", "python").resolve()


def _write_consumer(folder: Path, dependencies: Sequence[str], tool: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    listed = ", ".join(f'"{one}"' for one in dependencies)
    (folder / "pyproject.toml").write_text(
        f"""\
[project]
name = "consumer"
version = "0"
requires-python = ">=3.11"
dependencies = [{listed}]
{tool}"""
    )
