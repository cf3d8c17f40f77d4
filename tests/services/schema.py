"""The tables of an index, made once for all tests of a session and copied from then on.

Running all migrations costs more than most tests do. What they make, and that they make it, is tested in
`tests/shell/test_migrations.py`; everything else starts from a copy. Test support, not tests.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import psycopg
import sqlalchemy as sa

from affineur.shell.store import connect

from .keeper import HOUSE, once

_TEMPLATE = "affineur_schema"


def bring_schema(url: str) -> None:
    """Bring the empty database at ``url`` (SQLAlchemy form) to the present schema; any other is left as it is."""
    if HOUSE not in os.environ:  # outside a session nobody would remove the template
        return
    parsed = sa.make_url(url)
    if parsed.get_backend_name() == "sqlite":
        _copy_file(Path(str(parsed.database)))
    else:
        _copy_database(parsed)


def _copy_file(target: Path) -> None:
    if target.exists():
        return
    template = once("schema-sqlite", lambda folder: _migrate(f"sqlite:///{folder / 'empty.db'}")) / "empty.db"
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(template, target)


def _copy_database(url: sa.URL) -> None:
    plain = url.set(drivername="postgresql")
    with psycopg.connect(plain.render_as_string(hide_password=False)) as connection:
        found = connection.execute("SELECT 1 FROM pg_tables WHERE schemaname = 'public'").fetchone()
    if found is not None:
        return
    server = plain.set(database="postgres").render_as_string(hide_password=False)
    once("schema-postgresql", lambda _: _make_template(server, url))
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{url.database}" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{url.database}" TEMPLATE {_TEMPLATE}')


def _make_template(server: str, url: sa.URL) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {_TEMPLATE} TEMPLATE template0")
    _migrate(url.set(database=_TEMPLATE).render_as_string(hide_password=False))


def _migrate(url: str) -> None:
    store = connect(url)
    store.create()
    store.close()
