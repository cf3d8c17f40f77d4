"""Yank and un-yank: files stay on offer, but resolvers pass over them unless they are pinned (PEP 592)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from packaging.specifiers import SpecifierSet

from affineur.core.access import Actor, actor_class
from affineur.core.decision import refuse
from affineur.core.history.journal import Event
from affineur.core.life import lifecycle
from affineur.core.life.lifecycle import WHOLE, Act, Said
from affineur.core.life.standing import coded, printable_reason
from affineur.core.names import NormalizedName
from affineur.core.security import CONSOLE, Caller, Happened, Origin
from affineur.core.views.simple import FileLink
from affineur.projections import pages
from affineur.shell.index import Index
from affineur.shell.store import grants, journal, projects, security
from affineur.shell.store.projects import ProjectRow

from . import permission

FILES_TOLD = 20
"""File names that a letter has; the project's page has all."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which files: all of the project, those of one release (canonical version), or one by name.

    Of many releases at once: ``versions`` (canonical), or those that ``specifier`` holds (`core.versions.specified`).
    What is given narrows together.
    """

    project: NormalizedName
    version: str | None = None
    filename: str | None = None
    versions: frozenset[str] | None = None
    specifier: SpecifierSet | None = None

    def holds(self, file: FileLink) -> bool:
        """Whether ``file`` is among them."""
        return (
            self.version in (None, file.version)
            and self.filename in (None, file.filename)
            and (self.versions is None or file.version in self.versions)
            and (self.specifier is None or self.specifier.contains(file.version, prereleases=True))
        )

    def __str__(self) -> str:
        if self.filename or self.version:
            named = f"file '{self.filename}'" if self.filename else f"release {self.version}"
            return f"{named} of project '{self.project}'"
        if self.specifier is None and self.versions is None:
            return f"project '{self.project}'"
        which = str(self.specifier) if self.specifier is not None else ", ".join(sorted(self.versions or ()))
        return f"the releases {which} of project '{self.project}'"


def set_yanked(
    index: Index,
    actor: Actor,
    selection: Selection,
    yanked: bool,
    now: datetime,
    reason: str | None = None,
    code: str | None = None,
    origin: Origin = CONSOLE,
) -> tuple[str, ...]:
    """Yank (or un-yank) what ``selection`` holds as ``actor``; the names of the files that changed.

    ``code`` is a word of `core.life.lifecycle.YANK_CODES`. `Refused` where nothing is selected or the actor may not.
    What is so already is left alone. The other owners get a letter.
    """
    wanted = _wanted(yanked, reason, code)
    with index.store.write() as connection:
        found, changing = _changing(connection, actor, selection, wanted, now)
        if changing:
            projects.set_yanked(connection, found.id, [file.filename for file in changing], *wanted)
            told = [_event(selection.project, file, *wanted, actor) for file in changing]
            projects.touch(connection, found.id, journal.append(connection, now, told, actor.name or None), now)
            grants.note_act(connection, found.id, actor.account_id, now)
            _tell(connection, Caller(actor, now, origin), found, selection, changing, wanted)
    pages.project(index, selection.project)
    return tuple(file.filename for file in changing)


def foresee_yank(
    index: Index,
    actor: Actor,
    selection: Selection,
    yanked: bool,
    now: datetime,
    reason: str | None = None,
    code: str | None = None,
) -> tuple[str, ...]:
    """The names of the files that `set_yanked` would change, and `Refused` where it would be; nothing is changed."""
    with index.store.read() as connection:
        _, changing = _changing(connection, actor, selection, _wanted(yanked, reason, code), now)
    return tuple(file.filename for file in changing)


class _Wanted(NamedTuple):
    yanked: bool
    reason: str | None
    code: str | None


def _wanted(yanked: bool, reason: str | None, code: str | None) -> _Wanted:
    return _Wanted(yanked, printable_reason(reason or "") or None, code) if yanked else _Wanted(False, None, None)


def _changing(
    connection: sa.Connection, actor: Actor, selection: Selection, wanted: _Wanted, now: datetime
) -> tuple[ProjectRow, list[FileLink]]:
    """The project, and those of the selected files that are otherwise than ``wanted``, by name."""
    act: Act = "yank" if wanted.yanked else "unyank"
    found = permission.require(connection, actor, "yank", selection.project, now)
    lifecycle.possible(selection.project, found.standing, act, WHOLE, Said(code=wanted.code)).require()
    selected = [file for file in projects.file_links(connection, found.id) if selection.holds(file)]
    if not selected:
        refuse("yank.selection", f"There are no files in {selection}.", "Check version and file name.")
    changing = [file for file in selected if (file.yanked, file.yanked_reason, file.yanked_code) != wanted]
    return found, sorted(changing, key=lambda file: file.filename)


def _tell(
    connection: sa.Connection,
    by: Caller,
    found: ProjectRow,
    selection: Selection,
    changing: list[FileLink],
    wanted: _Wanted,
) -> None:
    """The security log, and the letter to all owners but whoever did it."""
    facts = {"yanked": wanted.yanked, "files": len(changing), "of": str(selection)}
    happened = Happened("FilesYanked", by.actor.account_id, by.actor.name or None, found.name, facts=facts)
    security.append(connection, by, happened)
    names = [file.filename for file in changing]
    more = len(names) - FILES_TOLD
    values = {
        "project": found.display_name,
        "yanked": wanted.yanked,
        "files": names[:FILES_TOLD] + ([f"and {more} more"] if more > 0 else []),
        "reason": coded(wanted.code, wanted.reason) or None,
        "by": by.actor.name or None,
        "at": by.now,
        "page": f"project/{found.name}/",
    }
    but = () if by.actor.account_id is None else (by.actor.account_id,)
    grants.tell_people(connection, found.id, "files-yanked", values, by.now, but=but)


def _event(
    project: NormalizedName, file: FileLink, yanked: bool, reason: str | None, code: str | None, actor: Actor
) -> Event:
    return Event(
        "FileYanked" if yanked else "FileUnyanked",
        project,
        file.version,
        file.filename,
        file.sha256,
        old={"yanked": file.yanked, "yanked_reason": file.yanked_reason},
        new={"yanked": yanked, "yanked_reason": reason},
        rule="yank",
        reason=reason,
        actor_class=actor_class(actor),
        reason_code=code,
    )
