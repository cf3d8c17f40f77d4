"""Errors that are to be expected, each as one sentence with the way out, and the exit status that goes with it.

An error that is not explained here is a fault of the program, and keeps its traceback.
"""

from __future__ import annotations

import errno
import sqlite3
import sys

EXIT_REFUSED = 1
EXIT_USAGE = 2
EXIT_NOT_READY = 3
EXIT_DAMAGED = 4

EXIT_CODES = {
    0: "done",
    EXIT_REFUSED: "refused: a rule forbids it (the message names the rule), or part of the work was refused",
    EXIT_USAGE: "usage: an unknown option, or a setting that does not fit",
    EXIT_NOT_READY: "not ready: no index here, its database is of another version, or a service, a right or room on "
    "the disk is missing",
    EXIT_DAMAGED: "damaged: `fsck` found damage, or a backup is not whole",
}


def explain(error: BaseException) -> tuple[str, int] | None:
    """The sentence and exit status for ``error``; None where it is none that is to be expected."""
    # Looked up, not imported: an error of a module that was never loaded cannot have happened.
    for module, name, code in _OURS:
        kind = getattr(sys.modules.get(module), name, None)
        if kind is not None and isinstance(error, kind):
            decision = getattr(error, "decision", None)
            said = f"{decision.sentence}  [{decision.rule}]" if decision else str(error)
            return said, getattr(error, "exit_code", code)
    if isinstance(error, OSError):
        return _operating_system(error)
    database = sys.modules.get("sqlalchemy.exc")
    if database is not None and isinstance(error, database.DBAPIError):
        return _database(error.orig or error)
    if isinstance(error, sqlite3.DatabaseError) or type(error).__module__.startswith("psycopg"):
        return _database(error)
    if type(error).__module__.startswith("obstore"):
        said = str(error).splitlines()[0][:300]
        return f"The blob store cannot be used: {said}. Check `blobs`, `s3_endpoint` and the keys.", EXIT_NOT_READY
    return None


_OURS = (
    ("affineur.core.decision", "Refused", EXIT_REFUSED),
    ("affineur.settings", "SettingsError", EXIT_USAGE),
    ("affineur.shell.store.engine", "SchemaMismatch", EXIT_NOT_READY),
    ("affineur.shell.backup", "BackupUnfit", EXIT_DAMAGED),
    ("affineur.shell.backup", "TargetInUse", EXIT_REFUSED),
    ("affineur.shell.upstream.offers", "UpstreamAway", EXIT_NOT_READY),
    ("affineur.cli.remote.problems", "RemoteFault", EXIT_REFUSED),
)


def _operating_system(error: OSError) -> tuple[str, int] | None:
    where = error.filename or "a file"
    if error.errno == errno.ENOSPC:
        return f"The disk is full ({where}). Make room and run the command again.", EXIT_NOT_READY
    if error.errno in (errno.EACCES, errno.EPERM):
        return (
            f"No permission for {where}. Run the command as the user who owns the data folder.",
            EXIT_NOT_READY,
        )
    if error.errno == errno.EROFS:
        return f"The file system of {where} is read-only.", EXIT_NOT_READY
    if isinstance(error, FileNotFoundError | NotADirectoryError | FileExistsError | IsADirectoryError):
        return (
            f"{error.strerror}: {where}. Check the path; `affineur config` shows those that settings name.",
            EXIT_NOT_READY,
        )
    if isinstance(error, ConnectionError | TimeoutError):
        return f"A service cannot be reached: {error}.", EXIT_NOT_READY
    return None


def _database(error: BaseException) -> tuple[str, int] | None:
    said = (str(error).strip().splitlines() or ["no reason given"])[0][:300]
    name = type(error).__name__
    if "readonly" in said or "read-only" in said or "permission" in said.lower():
        return f"The database cannot be written: {said}. Run the command as its owner.", EXIT_NOT_READY
    if "disk is full" in said or name == "DiskFull":
        return f"The disk of the database is full: {said}. Make room and run the command again.", EXIT_NOT_READY
    if "malformed" in said or "not a database" in said:
        return f"The database is damaged: {said}. Restore a backup (`affineur restore`).", EXIT_DAMAGED
    if "Operational" in name or "Connection" in name or "Timeout" in name:
        return f"The database cannot be used: {said}. Check the setting `database` and that it runs.", EXIT_NOT_READY
    return None
