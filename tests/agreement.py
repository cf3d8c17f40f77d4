"""After every test that wrote: the journal adds up to the rows, in whatever index the test leaves behind.

The same questions that `affineur fsck` asks of journal and rows; blobs, pages and search are left to tests of theirs.
Test support, not tests.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import sqlalchemy as sa

from affineur.projections.check import rows
from affineur.settings import Settings
from affineur.shell.following import is_mirror
from affineur.shell.progress import tell_nobody
from affineur.shell.store import SchemaMismatch, Store, connect
from affineur.shell.store.schema import journal

BY_HAND = (
    "tests/cli/test_journal.py",  # damage is what these are about
    "tests/projections/test_check.py",
    "tests/shell/test_backup.py::test_a_forged_journal",
    "tests/shell/test_journal_store.py",
    "tests/shell/test_migrations.py",
    "tests/projections/test_pages.py",  # and these need rows or entries that no act would leave, or many of them fast
    "tests/projections/test_dependents.py",
    "tests/projections/test_webhooks.py",
    "tests/shell/test_documents.py",
    "tests/shell/test_reading.py",
    "tests/shell/test_search.py",
    "tests/shell/test_store.py",
    "tests/web/test_accounts.py",
    "tests/web/test_feeds.py",
    "tests/web/test_journal.py",
    "tests/web/test_json_api.py",
    "tests/web/test_second_factors.py",
    "tests/web/test_upload_policy.py",
    "tests/web/test_webhooks.py",
)
"""Tests, by the beginning of their ids, that write rows or entries beside every act. Nothing is asked after them."""


def by_hand(test: str) -> bool:
    """Whether the test, or module, of that id is one of `BY_HAND`."""
    return test.startswith(BY_HAND)


def judge_folders(folders: Iterable[Path]) -> None:
    """Judge every index on SQLite whose data folder is one of ``folders``, or at most two below."""
    for folder in folders:
        for depth in range(3):
            for path in folder.glob("*/" * depth + "affineur.db"):
                if not is_mirror(Settings(data=path.parent)):  # which has a journal, and no rows
                    judge(f"sqlite:///{path}")


def judge(url: str) -> None:
    """Assert that rows and journal of the database at ``url`` tell the same; of none of today's schema, nothing."""
    store = connect(url)
    try:
        if _has_an_index(store):
            index: Any = SimpleNamespace(store=store, settings=Settings())  # all that the check of rows asks
            wrong = [f"{one.kind}: {one.subject}: {one.detail}" for one in rows.check(index, tell_nobody)]
            assert not wrong, "\n".join((f"Rows and journal differ in {url}:", *wrong))
    finally:
        store.close()


def _has_an_index(store: Store) -> bool:
    try:
        store.require_current()
    except (SchemaMismatch, sa.exc.DatabaseError):  # empty, of another version, or no database at all
        return False
    with store.read() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(journal)) != 0
