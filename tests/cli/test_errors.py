"""Errors that are to be expected: one sentence each, with the way out; everything else keeps its traceback."""

from __future__ import annotations

import errno
import os
import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa

from affineur.cli.errors import EXIT_DAMAGED, EXIT_NOT_READY, EXIT_REFUSED, EXIT_USAGE, explain
from affineur.cli.sizes import parse_size, show_size
from affineur.core.decision import Refused, deny
from affineur.settings import SettingsError
from affineur.shell.backup import BackupUnfit, TargetInUse
from affineur.shell.store import SchemaMismatch, connect


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (Refused(deny("some.rule", "It may not be.", "Do this.")), EXIT_REFUSED, "It may not be. Do this.  [some"),
        (SettingsError("flag: port"), EXIT_USAGE, "flag: port"),
        (SchemaMismatch("Run `affineur migrate`."), EXIT_NOT_READY, "affineur migrate"),
        (BackupUnfit("It is no backup."), EXIT_DAMAGED, "no backup"),
        (TargetInUse("It is not empty."), EXIT_REFUSED, "not empty"),
        (OSError(errno.ENOSPC, "No space left", "blobs/x"), EXIT_NOT_READY, "The disk is full (blobs/x). Make room"),
        (PermissionError(errno.EACCES, "Permission denied", "x"), EXIT_NOT_READY, "No permission for x. Run"),
        (OSError(errno.EROFS, "Read-only", "x"), EXIT_NOT_READY, "read-only"),
        (FileNotFoundError(errno.ENOENT, "No such file", "x"), EXIT_NOT_READY, "No such file: x. Check the path"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "refused"), EXIT_NOT_READY, "cannot be reached"),
        (sqlite3.OperationalError("attempt to write a readonly database"), EXIT_NOT_READY, "as its owner"),
        (sqlite3.OperationalError("database or disk is full"), EXIT_NOT_READY, "Make room"),
        (sqlite3.DatabaseError("database disk image is malformed"), EXIT_DAMAGED, "affineur restore"),
    ],
)  # fmt: skip
def test_an_expected_error_is_one_sentence_with_its_exit_status(error: Exception, code: int, says: str) -> None:
    said = explain(error)
    assert said is not None
    assert (said[1], says in said[0]) == (code, True), said
    assert "\n" not in said[0]


@pytest.mark.parametrize("error", [ValueError("x"), KeyError("x"), AssertionError(), OSError(errno.EIO, "I/O error")])
def test_a_fault_of_the_program_is_not_explained_away(error: Exception) -> None:
    assert explain(error) is None


def test_a_database_that_is_away_is_explained() -> None:
    store = connect("postgresql+psycopg://x@127.0.0.1:9/x")
    with pytest.raises(sa.exc.OperationalError) as caught:
        store.revision()
    said = explain(caught.value)
    assert said is not None
    assert said[1] == EXIT_NOT_READY
    assert "Check the setting `database`" in said[0]


def test_a_file_that_is_no_database_is_explained(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(os.urandom(5000))
    with pytest.raises(sa.exc.DatabaseError) as caught:
        connect(f"sqlite:///{tmp_path}/x.db").revision()
    said = explain(caught.value)
    assert said is not None
    assert said[1] == EXIT_DAMAGED


@pytest.mark.parametrize(
    ("text", "size"),
    [("1", 1), ("100MiB", 100 << 20), ("1.5 GB", 1_500_000_000), ("2k", None), ("", None), ("-1", None), ("x", None)],
)
def test_sizes_are_read_as_people_write_them(text: str, size: int | None) -> None:
    assert parse_size(text) == size


def test_sizes_are_shown_in_the_unit_that_fits() -> None:
    assert [show_size(size) for size in (0, 1023, 1024, 5 << 30, 3 << 40)] == [
        "0 bytes", "1023 bytes", "1.0 KiB", "5.0 GiB", "3.0 TiB",
    ]  # fmt: skip
