"""Real projects to publish, built by the real build backends.

Five projects stand on one another, each built by another backend, so that one walk meets the metadata that
each of them writes:

    cheese-board (poetry-core) → cheese-wheel (pdm-backend) → cheese-curd (hatchling)
        → cheese-milk (flit-core), cheese-rennet (setuptools)
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .runner import program

BACKENDS = {
    "flit": ("flit_core>=3.11", "flit_core.buildapi"),
    "setuptools": ("setuptools>=77", "setuptools.build_meta"),
    "hatch": ("hatchling", "hatchling.build"),
    "pdm": ("pdm-backend", "pdm.backend"),
    "poetry": ("poetry-core>=2", "poetry.core.masonry.api"),
}
CHAIN = {
    "cheese-milk": ("flit", ()),
    "cheese-rennet": ("setuptools", ()),
    "cheese-curd": ("hatch", ("cheese-milk>=1", "cheese-rennet~=1.0; python_version >= '3.8'")),
    "cheese-wheel": ("pdm", ("cheese-curd>=1,<2",)),
    "cheese-board": ("poetry", ("cheese-wheel",)),
}
_BUILT_AT = "1700000000"  # SOURCE_DATE_EPOCH: the same source gives the same bytes


@dataclass(frozen=True)
class Project:
    """A project's source tree, and what was built of it."""

    name: str
    version: str
    folder: Path

    @property
    def distributions(self) -> list[Path]:
        """Its wheel and its sdist, in the order of their file names."""
        return sorted(path for path in (self.folder / "dist").iterdir() if path.suffix in {".whl", ".gz"})


def write_project(folder: Path, name: str, *, backend: str, version: str = "1.0",
                  dependencies: tuple[str, ...] = (), greeting: str = "cheese") -> Project:  # fmt: skip
    """Write the source of a project ``name`` under ``folder``; its script prints ``greeting``."""
    requirement, build_backend = BACKENDS[backend]
    module = name.replace("-", "_")
    root = folder / f"{name}-{version}"
    (root / "src" / module).mkdir(parents=True)
    (root / "src" / module / "__init__.py").write_text(
        f'"""{name}."""\n\n\ndef main() -> None:\n    print("{greeting}")\n'
    )
    (root / "README.md").write_text(f"# {name}\n\nA *real* project, built by {backend}.\n")
    (root / "pyproject.toml").write_text(
        f"""\
[build-system]
requires = ["{requirement}"]
build-backend = "{build_backend}"

[project]
name = "{name}"
version = "{version}"
description = "{name}, as {backend} builds it"
readme = "README.md"
requires-python = ">=3.9"
license = "Apache-2.0"
keywords = ["cheese", "{backend}"]
dependencies = [{", ".join(f'"{one}"' for one in dependencies)}]

[project.urls]
Homepage = "https://example.org/{name}"

[project.scripts]
{name} = "{module}:main"
"""
    )
    return Project(name, version, root)


def build(project: Project) -> Project:
    """Build the wheel and the sdist of ``project`` with its own backend, without asking any index."""
    subprocess.run(
        [program("builders", "python"), "-m", "build", "--no-isolation", "--wheel", "--sdist",
         project.folder],
        check=True, capture_output=True, text=True,
        env={"PATH": os.defpath, "HOME": str(project.folder), "SOURCE_DATE_EPOCH": _BUILT_AT},
    )  # fmt: skip
    return project


def chain_in(folder: Path, version: str = "1.0") -> list[Project]:
    """The five projects that `build_chain` built in ``folder``."""
    return [Project(name, version, folder / f"{name}-{version}") for name in CHAIN]


def build_chain(folder: Path, version: str = "1.0") -> list[Project]:
    """The five projects, built; each after those it stands on."""
    return [
        build(write_project(folder, name, backend=backend, version=version, dependencies=dependencies))
        for name, (backend, dependencies) in CHAIN.items()
    ]
