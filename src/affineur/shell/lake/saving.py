"""The lake in a backup: its files beside the rows that list them, each held against the digest that its row has.

Files never change, so into an older backup only new ones are copied. Statistics that are in ClickHouse are not in a
backup of the index: ClickHouse has its own.
What does not live here: what else a backup has, and in which order (`shell.backup`).
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

import sqlalchemy as sa

from affineur.shell.progress import Tell
from affineur.shell.store.schema import lake_file

from .files import FileDamaged, FileGone, Files, fresh

Listed = tuple[str, str]
"""The name of a file below the lake, and its SHA-256."""


class FileUnfit(Exception):
    """A file of the backup is missing or not what its row says; the message names it."""


def listed(connection: sa.Connection) -> Sequence[Listed]:
    """The files that count as of the caller's transaction."""
    query = sa.select(lake_file.c.name, lake_file.c.sha256).where(lake_file.c.gone_at.is_(None))
    return [(row.name, row.sha256) for row in connection.execute(query.order_by(lake_file.c.name))]


def save(files: Files, wanted: Sequence[Listed], target: Path, tell: Tell) -> list[str]:
    """Copy the files to ``target``, and take away what an older backup had beside them; what was missing or damaged."""
    faults = []
    for done, (name, sha256) in enumerate(wanted, 1):
        copy = target / name
        if not (copy.exists() and _sha256(copy) == sha256):
            copy.parent.mkdir(parents=True, exist_ok=True)
            try:
                faults += [] if _copy(files.local(name, sha256), copy, sha256) else [f"{name} of the lake is damaged."]
            except (FileGone, FileDamaged, FileNotFoundError):
                faults.append(f"{name} of the lake is missing.")
        tell("statistics", done, len(wanted))
    names = {name for name, _ in wanted}
    for old in target.rglob("*.parquet"):
        if str(old.relative_to(target)) not in names:
            old.unlink()
    return faults


def bring_back(source: Path, wanted: Iterable[Listed], files: Files) -> None:
    """Put the files into the lake. `FileUnfit` for one that is not what its row says; what is there stays then."""
    for name, sha256 in wanted:
        with fresh(files) as path:
            try:
                whole = _copy(source / name, path, sha256)
            except FileNotFoundError:
                raise FileUnfit(f"{name} of the statistics is missing from the backup.") from None
            if not whole:
                raise FileUnfit(f"{name} of the statistics was changed in the backup.")
            files.put(name, path)


def _copy(source: Path, target: Path, sha256: str) -> bool:
    """Copy a file whole or not at all; whether it is what its digest says."""
    part = target.with_name(f".{target.name}.part")
    shutil.copyfile(source, part)
    if _sha256(part) != sha256:
        part.unlink()
        return False
    part.replace(target)
    return True


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
