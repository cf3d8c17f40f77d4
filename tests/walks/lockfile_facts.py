"""Who really needs lockfile: what the metadata of some releases says they require, and nothing else of them.

Test support, not tests. Each line is a fact of the file METADATA in the wheel of the release it stands under;
requirements of extras for development are left out. lockfile itself had its last release in 2015.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import NamedTuple

from tests.core.distributions import core_metadata
from tests.web.uploading import File, a_wheel

from affineur.actions.upload import Spooled, upload
from affineur.core.access import SYSTEM
from affineur.shell.index import Index


class Release(NamedTuple):
    """A release, and the ``Requires-Dist`` and ``Provides-Extra`` lines of its metadata."""

    name: str
    version: str
    requires: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()

    def wheel(self) -> File:
        """A wheel that says the same of itself."""
        lines = [("Provides-Extra", extra) for extra in self.extras]
        lines += [("Requires-Dist", line) for line in self.requires]
        return a_wheel(self.name, self.version, metadata=core_metadata(self.name, self.version, lines))


STORY = (
    # metadata of lockfile 0.12.2
    Release("lockfile", "0.12.2"),
    # metadata of python-daemon 2.3.0
    Release("python-daemon", "2.3.0", ("docutils", "lockfile (>=0.10)", "setuptools")),
    # metadata of python-daemon 3.1.2
    Release("python-daemon", "3.1.2", ("lockfile>=0.10",)),
    # metadata of ansible-runner 2.4.1
    Release(
        "ansible-runner",
        "2.4.1",
        (
            "pexpect>=4.5",
            "packaging",
            "python-daemon",
            "pyyaml",
            'importlib-metadata<6.3,>=4.6; python_version < "3.10"',
        ),
    ),
)
"""The story: lockfile ← python-daemon ← ansible-runner."""

OTHERS = (
    # metadata of ansible-navigator 26.10.0
    Release(
        "ansible-navigator",
        "26.10.0",
        (
            "ansible-builder>=3.0.0",
            "ansible-runner<3,>=2.3.1",
            "ansible-lint>=6.19.0",
            "jinja2",
            "jsonschema",
            "onigurumacffi<2,>=1.1.0",
            "pyyaml",
            'setuptools>=63.1.0; python_version >= "3.11"',
            "tzdata",
        ),
    ),
    # metadata of luigi 3.8.1
    Release(
        "luigi",
        "3.8.1",
        (
            "python-daemon; sys_platform != 'win32'",
            "python-daemon<2.2.0; sys_platform == 'win32'",
            "python-dateutil<3,>=2.7.5",
            "tenacity>=9",
            "tornado<7,>=5.0",
        ),
    ),
    # metadata of CacheControl 0.12.14
    Release(
        "CacheControl",
        "0.12.14",
        (
            "requests",
            "msgpack (>=0.5.2)",
            "lockfile (>=0.9) ; extra == 'filecache'",
            "redis (>=2.10.5) ; extra == 'redis'",
        ),
        ("filecache", "redis"),
    ),
    # metadata of apache-airflow 2.10.5: two ways to lockfile, of its many requirements
    Release("apache-airflow", "2.10.5", ("lockfile>=0.12.2", "python-daemon>=3.0.0")),
)
"""Others that need it: for an extra, under a marker, and by two ways at once."""


def publish(index: Index, release: Release, at: datetime) -> None:
    """Publish the wheel of ``release`` without a server."""
    file = release.wheel()
    path = index.settings.spool / f"arriving-{file.filename}"
    path.write_bytes(file.data)
    blake2b, md5 = hashlib.blake2b(file.data, digest_size=32), hashlib.md5(file.data, usedforsecurity=False)
    spooled = Spooled(path, file.filename, len(file.data), file.sha256, blake2b.hexdigest(), md5.hexdigest())
    upload(index, SYSTEM, None, spooled, at)
