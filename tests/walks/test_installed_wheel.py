"""What `make` runs from the source tree also runs from the built wheel: nothing it needs is left out of it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.clients.projects import Project
from tests.clients.publishing import publish_with_uv
from tests.clients.runner import program, succeeded
from tests.services.affineur import initialise, serve

ROOT = Path(__file__).resolve().parents[2]
IN_A_SOURCE_TREE = ("src", "docs", "pyproject.toml", "README.md", "LICENSE")


def test_the_wheel_of_affineur_serves_on_its_own(cheeses: list[Project], tmp_path: Path) -> None:
    installed = install_wheel(build_wheel(tmp_path), tmp_path / "installed")
    environment = {"PYTHONPATH": str(installed)}
    command = installed / "bin" / "affineur"
    data = tmp_path / "data"
    token = initialise(data, environment, command)
    with serve(data, token, environment=environment, program=command) as server:
        succeeded(publish_with_uv(cheeses[0], server.index, tmp_path / "home"))


def build_wheel(folder: Path) -> Path:
    """Build the wheel from a copy of the sources, as a checkout has them."""
    source = folder / "source"
    for name in IN_A_SOURCE_TREE:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif (ROOT / name).exists():
            shutil.copy(ROOT / name, source / name)
    subprocess.run(
        [program("builders", "python"), "-m", "build", "--no-isolation", "--wheel", source],
        check=True, capture_output=True, env={"PATH": os.defpath, "HOME": str(folder)},
    )  # fmt: skip
    (wheel,) = (source / "dist").glob("affineur-*.whl")
    return wheel


def install_wheel(wheel: Path, target: Path) -> Path:
    """Unpack the wheel into ``target``, whose modules come before the source tree's when they are imported."""
    subprocess.run(
        [program("uv", "uv"), "pip", "install", "--quiet", "--offline", "--no-config", "--no-deps", "--no-cache",
         "--python", sys.executable, "--target", target, wheel],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    return target
